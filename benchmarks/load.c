/* The load client: keep-alive HTTP connections that each send the next request when the answer has come, and
 * WebSockets that count what they hear. One thread, epoll, no allocation on the way, so that it never is the bottleneck.
 * Compiled and called by load.py. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 256

typedef struct {
  int fd, stage;
  size_t request, sent, from, used, size, heard;
  double began;
  char *buffer;
} connection;

static double now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec + at.tv_nsec / 1e9;
}

static int dial(int port) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
  if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) { close(fd); return -1; }
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

/* All of it at once: requests are far smaller than a socket's buffer. */
static int send_all(int fd, const char *data, size_t length) {
  while (length > 0) {
    ssize_t written = send(fd, data, length, MSG_NOSIGNAL);
    if (written <= 0) { if (written < 0 && errno == EINTR) continue; return -1; }
    data += written;
    length -= written;
  }
  return 0;
}

static int watch(int epoll, int fd, uint32_t index) {
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = index};
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

static void make_room(connection *c) {
  if (c->from > 0) {
    memmove(c->buffer, c->buffer + c->from, c->used - c->from);
    c->used -= c->from;
    c->from = 0;
  }
  if (c->size - c->used < 4096) c->buffer = realloc(c->buffer, c->size = c->size ? c->size * 2 : 8192);
}

static ssize_t take(connection *c) {
  make_room(c);
  ssize_t got = recv(c->fd, c->buffer + c->used, c->size - c->used - 1, MSG_DONTWAIT);
  if (got > 0) { c->used += got; c->buffer[c->used] = 0; }
  return got;
}

/* HTTP */

static const char *header(const char *head, const char *end, const char *name) {
  size_t length = strlen(name);
  for (const char *line = head; line && line < end;) {
    if (strncasecmp(line, name, length) == 0) return line + length;
    line = strstr(line, "\r\n");
    if (line) line += 2;
  }
  return NULL;
}

/* Bytes of the whole answer, or 0 while it is not there; `body` is where its body begins. */
static size_t whole(const char *data, size_t used, size_t *body) {
  char *end = memmem(data, used, "\r\n\r\n", 4);
  if (!end) return 0;
  size_t at = *body = end - data + 4;
  const char *length = header(data, end, "content-length:");
  if (length) {
    at += strtoul(length, NULL, 10);
    return at <= used ? at : 0;
  }
  for (;;) { /* chunked */
    char *line = memmem(data + at, used - at, "\r\n", 2);
    if (!line) return 0;
    size_t chunk = strtoul(data + at, NULL, 16);
    at = line - data + 2 + chunk + 2;
    if (at > used) return 0;
    if (chunk == 0) return at;
  }
}

typedef struct {
  uint64_t done, wrong;
  double seconds;
  char example[600]; /* of an answer that was wrong */
} outcome;

static void judge(connection *c, size_t length, size_t body, outcome *o) {
  const char *data = c->buffer + c->from;
  int good = memcmp(data + 9, "200", 3) == 0 && !memmem(data + body, length - body, "\"errors\":[{", 11);
  if (good) return;
  if (!o->wrong++) {
    size_t kept = length < sizeof o->example - 1 ? length : sizeof o->example - 1;
    memcpy(o->example, data, kept);
    o->example[kept] = 0;
  }
}

/* Until the seconds are over, or with `once` until every request was sent a single time. Returns 0, or -1 where a
 * connection broke. Latencies, in microseconds, go into `latencies` as far as there is room. */
int http_load(int port, int connections, double seconds, int once, size_t requests, const char **texts,
              const size_t *lengths, size_t first, uint32_t *latencies, size_t room, outcome *o) {
  connection *all = calloc(connections, sizeof *all);
  struct epoll_event events[BATCH];
  int epoll = epoll_create1(0), busy = 0, failed = 0;
  size_t next = first, last = first + requests;
  double began = now(), until = began + seconds;
  for (int i = 0; i < connections && !failed && !(once && next >= last); i++) {
    connection *c = &all[i];
    c->fd = dial(port);
    failed = c->fd < 0 || watch(epoll, c->fd, i) != 0;
    if (failed) break;
    c->began = now();
    failed = send_all(c->fd, texts[next % requests], lengths[next % requests]) != 0;
    next++;
    busy++;
  }
  while (busy > 0 && !failed) {
    int ready = epoll_wait(epoll, events, BATCH, 20000);
    if (ready <= 0) { failed = 1; break; }
    for (int i = 0; i < ready; i++) {
      connection *c = &all[events[i].data.u32];
      size_t body, length;
      ssize_t got = take(c);
      if (got <= 0) { if (got < 0 && errno == EAGAIN) continue; failed = 1; break; }
      if (!(length = whole(c->buffer + c->from, c->used - c->from, &body))) continue;
      double at = now();
      if (o->done < room) latencies[o->done] = (uint32_t)((at - c->began) * 1e6);
      o->done++;
      judge(c, length, body, o);
      c->from += length;
      if ((once && next >= last) || at >= until) { busy--; continue; }
      c->began = at;
      if (send_all(c->fd, texts[next % requests], lengths[next % requests]) != 0) { failed = 1; break; }
      next++;
    }
  }
  o->seconds = now() - began;
  for (int i = 0; i < connections; i++) { if (all[i].fd > 0) close(all[i].fd); free(all[i].buffer); }
  free(all);
  close(epoll);
  return failed ? -1 : 0;
}

/* WebSocket */

typedef struct {
  connection *all;
  int epoll, connections;
  const char **texts; /* three for each: the handshake, connection_init, subscribe */
  const size_t *lengths;
  volatile uint64_t subscribed, heard, listeners, lost, other;
  volatile double last;
  volatile int stop;
  char sample[4000], refusal[4000]; /* the first event that was heard, and the first message that was none */
} sockets;

static void speak(sockets *s, uint32_t index) {
  connection *c = &s->all[index];
  size_t which = index * 3 + c->stage++;
  if (send_all(c->fd, s->texts[which], s->lengths[which]) != 0) s->lost++;
  if (c->stage == 3) s->subscribed++;
}

static void frame(sockets *s, uint32_t index, int kind, char *payload, size_t length) {
  connection *c = &s->all[index];
  if (kind == 9) { /* ping: the same back, masked by zeros */
    char pong[6 + 125] = {(char)0x8A, (char)(0x80 | length)};
    memcpy(pong + 6, payload, length);
    send_all(c->fd, pong, 6 + length);
  } else if (kind == 8) {
    s->lost++;
  } else if (c->stage == 2) {
    speak(s, index);
  } else {
    size_t head = length < 160 ? length : 160;
    int is_next = memmem(payload, head, "\"next\"", 6) || memmem(payload, head, "\"data\"", 6);
    if (!is_next) {
      if (!s->other++ && length < sizeof s->refusal) memcpy(s->refusal, payload, length);
      return;
    }
    if (!c->heard++) s->listeners++;
    if (!s->sample[0] && length < sizeof s->sample) memcpy(s->sample, payload, length);
    s->heard++;
  }
}

static void frames(sockets *s, uint32_t index) {
  connection *c = &s->all[index];
  for (;;) {
    unsigned char *data = (unsigned char *)c->buffer + c->from;
    size_t left = c->used - c->from, head = 2;
    if (left < 2) return;
    uint64_t length = data[1] & 0x7F;
    if (length == 126) { if (left < 4) return; length = data[2] << 8 | data[3]; head = 4; }
    else if (length == 127) {
      if (left < 10) return;
      length = 0;
      for (int i = 2; i < 10; i++) length = length << 8 | data[i];
      head = 10;
    }
    if (left < head + length) return;
    frame(s, index, data[0] & 0x0F, (char *)data + head, length);
    c->from += head + length;
  }
}

sockets *sockets_open(int port, int connections, const char **texts, const size_t *lengths) {
  sockets *s = calloc(1, sizeof *s);
  s->all = calloc(connections, sizeof *s->all);
  s->epoll = epoll_create1(0);
  s->connections = connections;
  s->texts = texts;
  s->lengths = lengths;
  for (int i = 0; i < connections; i++) {
    s->all[i].fd = dial(port);
    if (s->all[i].fd < 0 || watch(s->epoll, s->all[i].fd, i) != 0) { s->lost++; continue; }
    speak(s, i);
  }
  return s;
}

/* Until `stop`: hears, and speaks where it is its turn. */
void sockets_run(sockets *s) {
  struct epoll_event events[BATCH];
  while (!s->stop) {
    int ready = epoll_wait(s->epoll, events, BATCH, 50);
    for (int i = 0; i < ready; i++) {
      uint32_t index = events[i].data.u32;
      connection *c = &s->all[index];
      ssize_t got = take(c);
      if (got <= 0) {
        if (got < 0 && errno == EAGAIN) continue;
        s->lost++;
        epoll_ctl(s->epoll, EPOLL_CTL_DEL, c->fd, NULL);
        continue;
      }
      if (c->stage == 1) {
        char *end = memmem(c->buffer, c->used, "\r\n\r\n", 4);
        if (!end) continue;
        c->from = end - c->buffer + 4;
        speak(s, index);
      }
      frames(s, index);
    }
    if (ready > 0) s->last = now();
  }
}

void sockets_count(sockets *s, uint64_t *counts, double *last) {
  counts[0] = s->subscribed;
  counts[1] = s->heard;
  counts[2] = s->listeners;
  counts[3] = s->lost;
  counts[4] = s->other;
  *last = s->last;
}

const char *sockets_sample(sockets *s) { return s->sample; }
const char *sockets_refusal(sockets *s) { return s->refusal; }

void sockets_stop(sockets *s) { s->stop = 1; }

void sockets_close(sockets *s) {
  for (int i = 0; i < s->connections; i++) { if (s->all[i].fd > 0) close(s->all[i].fd); free(s->all[i].buffer); }
  close(s->epoll);
  free(s->all);
  free(s);
}
