// The writes: the same rows under the same locks as ours, each in one transaction. What a statement may not know before
// its lock is held is read by the next one: one that waited for a lock still sees other tables as they were before.
import { randomUUID } from 'node:crypto'
import { publish } from './live.mjs'
import { sql } from './database.mjs'

const refused = (field, code, path) => ({ errors: [{ code, message: code, path }], [field]: null })

// Numbers of inboxes are given out under the locks of their rows, taken in the order of their ids.
const notify = (rows) => sql`
  locked AS (SELECT user_id FROM inboxes WHERE user_id IN (SELECT user_id FROM ${rows}) ORDER BY user_id FOR UPDATE),
  counted AS (UPDATE inboxes SET last_sequence = last_sequence + 1
    WHERE user_id IN (SELECT user_id FROM locked) RETURNING user_id, last_sequence),
  told AS (INSERT INTO notifications (id, user_id, sequence, type, subject_type, subject_id, actor_id, params)
    SELECT uuidv7(), user_id, last_sequence, type, subject_type, subject_id, actor_id, params
    FROM ${rows} JOIN counted USING (user_id) RETURNING id, user_id, sequence)`

export async function register(userId, eventId, note = null) {
  const done = await sql.begin(async (tx) => {
    const [event] = await tx`
      SELECT id, title, starts_at AS "startsAt", time_zone AS "timeZone", status, capacity, taken,
        starts_at <= now() AS "hasBegun"
      FROM events WHERE id = ${eventId}::uuid AND published_at IS NOT NULL AND visibility IN ('PUBLIC', 'UNLISTED')
        AND (club_id IS NULL OR club_id NOT IN (SELECT id FROM clubs WHERE visibility = 'PRIVATE'))
      FOR NO KEY UPDATE`
    if (!event) return refused('registration', 'NOT_FOUND', ['eventId'])
    const [known] = await tx`
      SELECT registrations.admission,
        EXISTS (SELECT FROM services WHERE event_id = ${eventId}::uuid AND cancelled_at IS NULL) AS "offersServices"
      FROM (SELECT 1) AS once LEFT JOIN registrations ON event_id = ${eventId}::uuid AND user_id = ${userId}::uuid`
    const code = refusal(event, known)
    if (code) return refused('registration', code, ['eventId'])
    const [registration] = await tx`
      INSERT INTO registrations (id, event_id, user_id, admission, attendance, recorded_by_id, note)
      VALUES (uuidv7(), ${eventId}::uuid, ${userId}::uuid, 'CONFIRMED', 'EXPECTED', ${userId}::uuid, ${note})
      ON CONFLICT (event_id, user_id) DO UPDATE SET admission = 'CONFIRMED', attendance = 'EXPECTED',
        cancelled_at = NULL, recorded_by_id = excluded.recorded_by_id, note = coalesce(excluded.note, registrations.note),
        updated_at = now()
      RETURNING id, admission`
    const [change] = await tx`${follow(event, userId, registration.id)}`
    return { errors: [], registration: { ...registration, event: { ...event, taken: change.taken } }, change }
  })
  if (done.change) publish(`availability:${eventId}`, done.change.sequence)
  return done
}

function refusal(event, known) {
  if (['CONFIRMED', 'OFFERED'].includes(known.admission)) return 'ALREADY_REGISTERED'
  if (known.admission === 'REJECTED') return 'RESTRICTED'
  if (event.status !== 'PUBLISHED' || event.hasBegun) return 'CLOSED'
  if (known.offersServices) return 'BOOK_SERVICES_INSTEAD'
  return event.capacity !== null && event.taken >= event.capacity ? 'FULL' : null
}

// All that follows from a registration, in one statement: the trigger has counted, the event is locked.
function follow(event, userId, registrationId) {
  const facts = sql.json({ name: event.title, starts_at: event.startsAt, time_zone: event.timeZone })
  return sql`
    WITH numbered AS (UPDATE events SET availability_sequence = availability_sequence + 1 WHERE id = ${event.id}::uuid
        RETURNING id, availability_sequence, capacity, taken),
      changed AS (INSERT INTO availability_changes (event_id, sequence, capacity, taken, services)
        SELECT id, availability_sequence, capacity, taken, '[]' FROM numbered),
      room AS (SELECT id, last_sequence FROM chats WHERE event_id = ${event.id}::uuid FOR NO KEY UPDATE),
      joined AS (INSERT INTO chat_members (chat_id, user_id, joined_sequence, read_sequence)
        SELECT id, ${userId}::uuid, last_sequence, last_sequence FROM room
        ON CONFLICT (chat_id, user_id) DO UPDATE SET left_at = NULL, left_sequence = NULL, joined_at = now(),
          joined_sequence = excluded.joined_sequence, read_sequence = excluded.read_sequence
        WHERE chat_members.left_at IS NOT NULL),
      wanted AS (
        SELECT ${userId}::uuid AS user_id, 'REGISTRATION_CONFIRMED' AS type, 'Event' AS subject_type,
          ${event.id}::uuid AS subject_id, NULL::uuid AS actor_id, ${facts}::jsonb AS params
        UNION ALL
        SELECT event_hosts.user_id, 'PARTICIPANT_JOINED', 'Event', ${event.id}::uuid, ${userId}::uuid,
          ${facts}::jsonb || jsonb_build_object('user_id', ${userId}::text, 'person', users.display_name)
        FROM event_hosts, users WHERE event_id = ${event.id}::uuid AND event_hosts.role <> 'STAFF'
          AND event_hosts.user_id <> ${userId}::uuid AND users.id = ${userId}::uuid),
      ${notify(sql`wanted`)},
      happened AS (INSERT INTO outbox (id, name, subject_type, subject_id, metadata, stream, sequence)
        SELECT uuidv7(), 'event.registration.created', 'Registration', ${registrationId}::uuid,
          jsonb_build_object('event_id', ${event.id}::text, 'user_id', ${userId}::text), NULL, NULL
        UNION ALL SELECT uuidv7(), 'event.availability.changed', 'Event', id,
          jsonb_build_object('taken', taken, 'capacity', capacity), 'availability:' || id, availability_sequence
          FROM numbered
        UNION ALL SELECT uuidv7(), 'notification.sent', 'Notification', id, jsonb_build_object('user_id', user_id),
          'inbox:' || user_id, sequence FROM told)
    SELECT availability_sequence AS sequence, taken FROM numbered`
}

export async function send(userId, chatId, { body, clientMessageId }) {
  const text = body.trim()
  if (!text) return refused('message', 'REQUIRED', ['body'])
  const done = await sql.begin(async (tx) => {
    const [chat] = await tx`SELECT id, kind FROM chats WHERE id = ${chatId}::uuid FOR NO KEY UPDATE`
    if (!chat) return refused('message', 'NOT_FOUND', ['chatId'])
    const [known] = await tx`
      SELECT chat_members.user_id AS member, messages.id, messages.sequence, messages.body,
        messages.sent_at AS "sentAt", messages.author_id AS "authorId"
      FROM chat_members LEFT JOIN messages ON messages.chat_id = chat_members.chat_id
        AND messages.author_id = chat_members.user_id AND messages.client_message_id = ${clientMessageId}
      WHERE chat_members.chat_id = ${chatId}::uuid AND chat_members.user_id = ${userId}::uuid AND left_at IS NULL`
    if (!known) return refused('message', 'NOT_FOUND', ['chatId'])
    if (known.id) return { errors: [], message: known }
    const [message] = await tx`${say(userId, chatId, text, clientMessageId)}`
    return { errors: [], message, isNew: true }
  })
  if (done.isNew) publish(`chat:${chatId}`, done.message.sequence)
  return done
}

// The message, its author's marker, a notice to whoever is away and was not told yet, and what happened.
function say(userId, chatId, text, clientMessageId) {
  return sql`
    WITH room AS (UPDATE chats SET last_sequence = last_sequence + 1, last_message_at = now()
        WHERE id = ${chatId}::uuid RETURNING id, last_sequence, title),
      said AS (INSERT INTO messages (id, chat_id, sequence, author_id, body, client_message_id)
        SELECT uuidv7(), id, last_sequence, ${userId}::uuid, ${text}, ${clientMessageId} FROM room
        RETURNING id, chat_id, sequence, author_id, body, sent_at),
      marked AS (UPDATE chat_members SET read_sequence = room.last_sequence FROM room
        WHERE chat_members.chat_id = room.id AND user_id = ${userId}::uuid),
      wanted AS (SELECT chat_members.user_id, 'NEW_MESSAGE' AS type, 'Chat' AS subject_type, room.id AS subject_id,
          ${userId}::uuid AS actor_id, jsonb_build_object('name', room.title, 'person', author.display_name) AS params
        FROM room JOIN chat_members ON chat_members.chat_id = room.id JOIN users ON users.id = chat_members.user_id
          JOIN users AS author ON author.id = ${userId}::uuid
        WHERE chat_members.user_id <> ${userId}::uuid AND left_at IS NULL AND users.is_active
          AND (watching_until IS NULL OR watching_until < now())
          AND NOT EXISTS (SELECT FROM notifications WHERE notifications.user_id = chat_members.user_id
            AND read_at IS NULL AND type = 'NEW_MESSAGE' AND subject_id = room.id)),
      ${notify(sql`wanted`)},
      happened AS (INSERT INTO outbox (id, name, subject_type, subject_id, metadata, stream, sequence)
        SELECT uuidv7(), 'chat.message.sent', 'Message', id,
          jsonb_build_object('chat_id', chat_id, 'author_id', author_id), 'chat:' || chat_id, sequence FROM said
        UNION ALL SELECT uuidv7(), 'notification.sent', 'Notification', id, jsonb_build_object('user_id', user_id),
          'inbox:' || user_id, sequence FROM told)
    SELECT id, sequence, body, sent_at AS "sentAt", author_id AS "authorId" FROM said`
}

export async function markRead(userId, chatId) {
  const chat = await sql.begin(async (tx) => {
    const [found] = await tx`
      UPDATE chat_members SET read_sequence = greatest(read_sequence, chats.last_sequence) FROM chats
      WHERE chats.id = ${chatId}::uuid AND chat_members.chat_id = chats.id AND user_id = ${userId}::uuid
        AND left_at IS NULL
      RETURNING chats.id, chats.last_sequence - read_sequence AS "unreadCount", read_sequence AS "readSequence"`
    if (!found) return null
    const settled = await tx`
      WITH unread AS (SELECT id FROM notifications WHERE user_id = ${userId}::uuid AND read_at IS NULL
          AND type = 'NEW_MESSAGE' AND subject_id = ${chatId}::uuid ORDER BY sequence FOR UPDATE),
        settled AS (UPDATE notifications SET read_at = now() WHERE id IN (SELECT id FROM unread) RETURNING id)
      INSERT INTO outbox (id, name, subject_type, subject_id, metadata, stream, sequence)
      SELECT uuidv7(), 'notification.read', 'Notification', id, jsonb_build_object('user_id', ${userId}::text), NULL, NULL
      FROM settled
      UNION ALL SELECT uuidv7(), 'inbox.read', 'User', ${userId}::uuid, '{}', 'inbox-read:' || ${userId}::text, 0
      FROM (SELECT FROM settled LIMIT 1) AS any_settled
      RETURNING stream`
    return { ...found, settled: settled.length > 0 }
  })
  if (!chat) return refused('chat', 'NOT_FOUND', ['chatId'])
  if (chat.settled) publish(`inbox-read:${userId}`, 0)
  return { errors: [], chat }
}
