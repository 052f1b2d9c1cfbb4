"""`POST /graphql` past ASGI: from the parser to the endpoint and back in one task, with one write.

What ASGI takes for a request (a scope, messages, a layer for each header) costs more than answering a small query. This
is uvicorn's protocol with a short cut for the plain case: a POST to the endpoint whose body is short and arrives at
once. Everything else goes the long way as before, and so does a request that turns out not to be plain while it
arrives. Both ways end in `GraphQLEndpoint.answer`; what the layers add on the long way, `Direct` adds here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.middleware.cors import CORSMiddleware

from auth.addresses import Proxies
from settings import Settings
from transport.http.backlog import BACKLOG, PendingFrames
from transport.http.bodies import ClientGone
from transport.http.envelope import cors_options, mark, safe_headers
from transport.http.exchange import LEAST_COMPRESSED, HttpRequest, HttpResponse, fixed_headers
from transport.http.http import WATCH_AFTER, GraphQLEndpoint
from transport.http.uvicorn_protocols import HIGH_WATER_LIMIT, STATUS_LINE, Config, HttpToolsProtocol, ServerState

DIRECT = "direct"
"""Key of the application's `Direct` in the lifespan's state."""
PATH = b"/graphql"
UNUSUAL = frozenset({b"expect", b"transfer-encoding", b"upgrade"})
"""Headers of requests that uvicorn has rules of its own for."""
Pairs = list[tuple[bytes, bytes]]
"""Headers as uvicorn has them."""
PATIENCE = 0.25
"""Seconds that a body may take on its way here. Then ASGI waits for the rest, with its deadline."""
LONGEST_HEAD = 65_536
"""Bytes of a request line and headers, beyond those that came at once. The parser itself has no limit."""
FAILED = b"\r\n".join(
    (
        b"content-type: text/plain; charset=utf-8",
        b"content-length: 21",
        b"connection: close",
        b"",
        b"Internal Server Error",
    )
)


class Direct:
    """The direct way of one application: its endpoint, and what its layers would do around that."""

    def __init__(self, endpoint: GraphQLEndpoint, settings: Settings) -> None:
        async def nobody(*_: Any) -> None:
            raise NotImplementedError("only the rules of this layer are asked")

        self.answer = endpoint.answer
        self.pace = endpoint.pace
        self.longest_body = min(HIGH_WATER_LIMIT, settings.max_body_bytes)
        self._proxies = Proxies(settings.trusted_proxies)
        self._cors = CORSMiddleware(nobody, **cors_options(settings)) if settings.allowed_origins else None
        self._safe = b"".join(_line(name, value) for name, value in safe_headers(settings).items())
        self._starts: dict[str, bytes] = {}
        self._of_server: tuple[Pairs, bytes] = ([], b"")
        names = [["Accept"], ["Accept", "Accept-Encoding"]]
        self._vary = [_line(b"vary", ", ".join([*one, *["Origin"] * bool(self._cors)]).encode()) for one in names]
        """The `Vary` header of a short answer and of a long one."""

    def address(self, peer: str, headers: Mapping[bytes, bytes]) -> str:
        """Return the client's, as proxies that are trusted say it."""
        told = headers.get(b"x-forwarded-for")
        return self._proxies.client(peer, told.decode("latin-1") if told is not None else None)

    def first(self, status: int, of_server: Pairs) -> bytes:
        """Return the status line, and the headers that uvicorn gives to every answer: the date, a new list each
        second.
        """
        known, lines = self._of_server
        if known is not of_server:
            lines = b"".join(_line(name, value) for name, value in of_server)
            self._of_server = of_server, lines
        return STATUS_LINE[status] + lines

    def head(self, answer: HttpResponse, request: HttpRequest, request_id: bytes, of_server: Pairs) -> bytes:
        """Status line and headers, with all that the layers would add, up to the body."""
        first = self.first(answer.status, of_server)
        start = self._starts.get(answer.media_type) or self._start(answer.media_type)
        is_long = len(answer.body) >= LEAST_COMPRESSED or "content-encoding" in answer.headers
        lines = self._vary[is_long]
        for name, value in answer.headers.items():
            if name != "vary":
                lines += _line(name.encode(), value.encode("latin-1"))
        if self._cors is not None and b"origin" in request.headers:
            lines += self._cors_lines(self._cors, request.header(b"origin"))
        size = b"%d" % len(answer.body)
        return b"%b%b%bx-request-id: %b\r\ncontent-length: %b\r\n\r\n" % (first, start, lines, request_id, size)

    def _cors_lines(self, cors: CORSMiddleware, origin: str) -> bytes:
        lines = b"".join(_line(name.lower().encode(), value.encode()) for name, value in cors.simple_headers.items())
        if cors.is_allowed_origin(origin):
            lines += _line(b"access-control-allow-origin", origin.encode())
        return lines

    def _start(self, media_type: str) -> bytes:
        """Return what is the same for all answers of this type; there are few of them."""
        fixed = fixed_headers(media_type)
        lines = [_line(name.encode(), fixed[name].encode()) for name in ("content-type", "cache-control")]
        made = self._starts[media_type] = b"".join(lines) + self._safe
        return made


def _line(name: bytes, value: bytes) -> bytes:
    return b"%b: %b\r\n" % (name, value)


class _Unheard:
    """In place of an event that nobody waits for."""

    def set(self) -> None:
        pass


NOTHING = HttpRequest("POST", {}, "")


class Exchange:
    """A request that is answered here. uvicorn finds in it what it asks of its own cycles."""

    __slots__ = ("disconnected", "keep_alive", "request", "response_complete", "started", "task")

    message_event = _Unheard()

    def __init__(self, request: HttpRequest, started: float, *, keep_alive: bool) -> None:
        self.request = request
        self.started = started
        self.keep_alive = keep_alive
        self.response_complete = False
        self.disconnected = False
        self.task: asyncio.Task[None] | None = None

    def leave(self) -> None:
        """Nobody waits for the answer."""
        if self.task is not None:
            self.request.is_gone = True
            self.task.cancel()

    def forget(self) -> None:
        """Forget the cycle, which is over. A connection without work holds on to its last cycle, and need not to what
        was sent.
        """
        self.task = None
        self.request = NOTHING


class DirectProtocol(HttpToolsProtocol):
    """One connection. At most one request at a time is answered here, and none while ASGI answers one before it."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        # Where uvicorn is told to do more for each request, it does so for all of them.
        is_plain = not config.root_path and config.limit_concurrency is None and not config.access_log
        self._direct: Direct | None = app_state.get(DIRECT) if is_plain else None
        self._arriving: HttpRequest | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._running: Exchange | None = None
        self._cycles: list[Any] = []
        """Requests in ASGI that are not over."""
        self._is_in_head = False
        self._head_size = 0

    # What arrives

    def data_received(self, data: bytes) -> None:
        was_in_head = self._is_in_head
        super().data_received(data)
        if self._arriving is not None:
            if self._patience is None:
                self._patience = self.loop.call_later(PATIENCE, self._hand_over)
        elif was_in_head and self._is_in_head:
            self._head_size += len(data)
            if self._head_size > LONGEST_HEAD and not self.transport.is_closing():
                self.send_400_response("The head of the request is too long.")

    def on_message_begin(self) -> None:
        self._is_in_head = True
        self._head_size = 0
        self.url = b""
        self.headers = []
        self.expect_100_continue = False

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        if self._direct is not None and self.url == PATH and (self.cycle is None or self.cycle.response_complete):
            self._arriving = self._plain_request(self._direct)
        if self._arriving is None:
            self._begin_asgi()

    def _begin_asgi(self) -> None:
        """Do what uvicorn does when a request begins, and then when its headers are there."""
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers += headers
        super().on_headers_complete()
        self._cycles = [one for one in self._cycles if not one.response_complete] + [self.cycle]

    def _plain_request(self, direct: Direct) -> HttpRequest | None:
        """Null where it is for ASGI. Headers that come twice are, too: which of them counts is decided there."""
        headers = dict(self.headers)
        if (
            self.parser.get_method() != b"POST"
            or self.parser.get_http_version() != "1.1"
            or len(headers) != len(self.headers)
            or not headers.keys().isdisjoint(UNUSUAL)
            or int(headers.get(b"content-length", b"0")) > direct.longest_body
        ):
            return None
        return HttpRequest("POST", headers, direct.address(self.client[0] if self.client else "", headers))

    def on_body(self, body: bytes) -> None:
        request = self._arriving
        if request is None:
            super().on_body(body)
        else:
            request.body = body if request.body is None else request.body + body

    def on_message_complete(self) -> None:
        request = self._arriving
        if request is None:
            super().on_message_complete()
            return
        self._stop_waiting()
        request.body = request.body or b""
        exchange = Exchange(request, self.loop.time(), keep_alive=self.parser.should_keep_alive())
        self._running = self.cycle = exchange  # type: ignore[assignment]  # as much of a cycle as uvicorn asks for
        assert self._direct is not None
        self._direct.pace.start(request.address, partial(self._begin, exchange))

    def _begin(self, exchange: Exchange) -> None:
        if not self.transport.is_closing():
            exchange.task = self.loop.create_task(self._run(exchange))
            self.tasks.add(exchange.task)

    def _stop_waiting(self) -> None:
        self._arriving = None
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _hand_over(self) -> None:
        """Let ASGI go on with the request that arrives."""
        request = self._arriving
        self._stop_waiting()
        if request is not None:
            self._begin_asgi()
            if request.body:
                super().on_body(request.body)

    # What is answered

    async def _run(self, exchange: Exchange) -> None:
        assert self._direct is not None
        try:
            request_id = mark(exchange.request.headers)
            answer = await self._direct.answer(exchange.request)
            if self.flow.write_paused:
                with BACKLOG.holding(len(answer.body), self.transport.abort):
                    await self.flow.drain()
            if "connection" in answer.headers:
                exchange.keep_alive = False
            elif not exchange.keep_alive:
                answer.headers = {**answer.headers, "connection": "close"}
            head = self._direct.head(answer, exchange.request, request_id, self.server_state.default_headers)
            self._finish(exchange, head + answer.body)
        except ClientGone:
            pass
        except (Exception, asyncio.CancelledError) as error:
            if not exchange.request.is_gone:
                self.logger.error("Exception while a request was answered", exc_info=error)
                exchange.keep_alive = False
                self._finish(exchange, self._direct.first(500, self.server_state.default_headers) + FAILED)
        finally:
            self._running = None
            if exchange.task is not None:
                self.tasks.discard(exchange.task)
            exchange.forget()

    def _finish(self, exchange: Exchange, data: bytes) -> None:
        exchange.response_complete = True
        if not self.transport.is_closing():
            self.transport.write(data)
            if not exchange.keep_alive:
                self.transport.close()
        self.on_response_complete()

    # What waits for the reader

    def pause_writing(self) -> None:
        super().pause_writing()
        BACKLOG.hold(self.transport, PendingFrames(self.transport.get_write_buffer_size, self.transport.abort))

    def resume_writing(self) -> None:
        BACKLOG.release(self.transport)
        super().resume_writing()

    # The connection's end

    def connection_lost(self, exc: Exception | None) -> None:
        BACKLOG.release(self.transport)
        self._hand_over()
        running = self._running
        super().connection_lost(exc)
        # uvicorn tells only the last one of several that a client has sent at once.
        for cycle in self._cycles:
            cycle.disconnected = True
            cycle.message_event.set()
        if running is not None:
            # Who sends something and leaves at once has it done, if it is short, as through ASGI.
            left = running.started + WATCH_AFTER - self.loop.time()
            self.loop.call_later(max(0.0, left), running.leave)

    def shutdown(self) -> None:
        self._hand_over()
        super().shutdown()
