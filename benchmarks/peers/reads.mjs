// What the peers read: lists as one statement, relations as batches for all parents of a level.
import { decodeCursor, encodeCursor, page } from './ids.mjs'
import { sql } from './database.mjs'

const EVENT = sql`events.id, events.title, events.description, events.starts_at AS "startsAt",
  events.ends_at AS "endsAt", events.time_zone AS "timeZone", events.status, events.capacity, events.taken,
  events.venue_id AS "venueId", events.category_id AS "categoryId", events.club_id AS "clubId",
  events.price_amount AS "priceAmount", events.price_currency AS "priceCurrency"`
const BRIEF = sql`events.id, events.title, events.starts_at AS "startsAt",
  events.ends_at AS "endsAt", events.time_zone AS "timeZone", events.status, events.capacity, events.taken,
  events.venue_id AS "venueId", events.category_id AS "categoryId", events.club_id AS "clubId",
  events.price_amount AS "priceAmount", events.price_currency AS "priceCurrency"`
const OPEN = sql`events.published_at IS NOT NULL AND (events.club_id IS NULL
  OR events.club_id NOT IN (SELECT id FROM clubs WHERE visibility = 'PRIVATE'))`
const eventCursor = (event) => encodeCursor([event.startsAt, event.id])

// Events that have the words, best ones first. They are put into order before the events are looked at.
const found = (text) => sql`(
  SELECT event_id, starts_at, CASE WHEN words @@ asked[2] THEN 1 WHEN words @@ asked[3] THEN 2
    WHEN words @@ asked[4] THEN 3 ELSE 4 END AS rank
  FROM event_words, search_queries(${text}) AS asked
  WHERE words @@ asked[1] AND starts_at > now() AND NOT is_archived
  ORDER BY rank, starts_at, event_id
) AS found JOIN events ON events.id = found.event_id`

// Upcoming events that a guest finds in lists. What is still to come is in no archive.
export async function upcoming({ after, first = 20, text = null, categoryId = null }) {
  const [startsAt, id] = after ? decodeCursor(after) : []
  const rows = await sql`
    SELECT ${BRIEF} FROM ${text ? found(text) : sql`events`}
    WHERE events.status IN ('PUBLISHED', 'CANCELLED') AND events.visibility = 'PUBLIC' AND ${OPEN}
      AND events.starts_at > now()
      ${after ? sql`AND (events.starts_at, events.id) > (${startsAt}::timestamptz, ${id}::uuid)` : sql``}
      ${categoryId ? sql`AND events.category_id = ${categoryId}::uuid` : sql``}
    ORDER BY ${text ? sql`found.rank, found.starts_at, found.event_id` : sql`events.starts_at, events.id`}
    LIMIT ${first + 1}`
  return page(rows, first, eventCursor)
}

function seen(userId) {
  const open = sql`events.status IN ('PUBLISHED', 'CANCELLED', 'ARCHIVED')
    AND events.visibility IN ('PUBLIC', 'UNLISTED') AND ${OPEN}`
  if (!userId) return open
  const own = sql`SELECT club_id FROM club_memberships WHERE user_id = ${userId}::uuid AND state = 'ACTIVE'`
  const shown = sql`events.status IN ('PUBLISHED', 'CANCELLED', 'ARCHIVED') AND events.published_at IS NOT NULL`
  return sql`(${open} OR ${shown} AND events.club_id IN (${own})
    OR ${shown} AND events.id IN (SELECT event_id FROM registrations WHERE user_id = ${userId}::uuid)
    OR events.club_id IN (${own} AND role IN ('OWNER', 'ADMIN'))
    OR events.id IN (SELECT event_id FROM event_hosts WHERE user_id = ${userId}::uuid))`
}

export async function event(id, userId) {
  const [found] = await sql`SELECT ${EVENT} FROM events WHERE events.id = ${id}::uuid AND ${seen(userId)}`
  return found ?? null
}

export async function participants(eventId, first, userId) {
  const audiences = userId ? ['EVERYONE', 'MEMBERS'] : ['EVERYONE']
  const rows = await sql`
    SELECT users.id, users.handle, users.display_name AS "displayName", users.created_at AS "createdAt",
      registrations.created_at AS "at", registrations.id AS "place"
    FROM registrations JOIN users ON users.id = registrations.user_id
    WHERE registrations.event_id = ${eventId}::uuid AND registrations.admission IN ('CONFIRMED', 'OFFERED')
      AND users.is_active AND (coalesce(users.privacy->>'registrations', 'NOBODY') = ANY(${audiences}::text[])
        OR users.id = ${userId ?? null}::uuid)
    ORDER BY registrations.created_at, registrations.id LIMIT ${first + 1}`
  return page(rows, first, (row) => encodeCursor([row.at, row.place]))
}

const CHAT = sql`chats.id, chats.kind, chats.last_message_at AS "lastMessageAt",
  chats.last_sequence - greatest(chat_members.read_sequence, chat_members.joined_sequence) AS "unreadCount",
  chat_members.joined_sequence AS "joinedSequence", chat_members.read_sequence AS "readSequence"`

export async function chat(id, userId) {
  if (!userId) throw new Error('UNAUTHENTICATED')
  const [found] = await sql`
    SELECT ${CHAT} FROM chats JOIN chat_members ON chat_members.chat_id = chats.id
      AND chat_members.user_id = ${userId}::uuid AND chat_members.left_at IS NULL
    WHERE chats.id = ${id}::uuid`
  return found ?? null
}

export async function messages(chat, first, userId) {
  const rows = await sql`
    SELECT id, sequence, body, sent_at AS "sentAt", author_id AS "authorId", author_id = ${userId}::uuid AS "isOwn"
    FROM messages WHERE chat_id = ${chat.id}::uuid AND sequence > ${chat.joinedSequence}
    ORDER BY sequence DESC LIMIT ${first + 1}`
  return page(rows, first, (row) => encodeCursor([row.sequence]))
}

export async function notifications(userId, first) {
  const rows = await sql`
    SELECT id, sequence, type, created_at AS "createdAt", read_at AS "readAt", actor_id AS "actorId",
      subject_type AS "subjectType", subject_id AS "subjectId"
    FROM notifications WHERE user_id = ${userId}::uuid ORDER BY sequence DESC LIMIT ${first + 1}`
  return page(rows, first, (row) => encodeCursor([row.sequence]))
}

export async function unread(userId) {
  const [{ count }] = await sql`
    SELECT count(*) FROM notifications WHERE user_id = ${userId}::uuid AND read_at IS NULL`
  return count
}

// Batches: rows for an array of keys, in the order of the keys.

function one(keys, rows, key = 'id') {
  const found = new Map(rows.map((row) => [row[key], row]))
  return keys.map((wanted) => found.get(wanted) ?? null)
}

function many(keys, rows) {
  const found = new Map(keys.map((key) => [key, []]))
  for (const row of rows) found.get(row.key).push(row)
  return keys.map((key) => found.get(key))
}

const distinct = (keys) => [...new Set(keys)].filter((key) => key !== null)

export const byId = {
  users: async (keys) =>
    one(keys, await sql`SELECT id, handle, display_name AS "displayName", created_at AS "createdAt" FROM users
      WHERE id = ANY(${distinct(keys)}::uuid[]) AND is_active`),
  venues: async (keys) =>
    one(keys, await sql`SELECT id, name, address, latitude, longitude FROM venues
      WHERE id = ANY(${distinct(keys)}::uuid[])`),
  categories: async (keys) =>
    one(keys, await sql`SELECT id, slug, name_en AS name FROM event_categories
      WHERE id = ANY(${distinct(keys)}::uuid[])`),
  clubs: async (keys) => {
    const wanted = distinct(keys)
    if (!wanted.length) return keys.map(() => null)
    return one(keys, await sql`SELECT id, name FROM clubs WHERE id = ANY(${wanted}::uuid[]) AND visibility <> 'PRIVATE'`)
  },
}

export const byEvent = {
  organizers: async (keys) =>
    many(keys, await sql`SELECT parents.id AS key, found.* FROM unnest(${distinct(keys)}::uuid[]) AS parents (id)
      JOIN LATERAL (
        SELECT users.id, users.handle, users.display_name AS "displayName", event_hosts.created_at
        FROM event_hosts JOIN users ON users.id = event_hosts.user_id
        WHERE event_hosts.event_id = parents.id AND event_hosts.role IN ('ORGANIZER', 'CO_ORGANIZER')
          AND users.is_active
        ORDER BY event_hosts.created_at, event_hosts.user_id LIMIT 20) AS found ON true
      ORDER BY found.created_at, found.id`),
  interests: async (keys) =>
    many(keys, await sql`SELECT parents.id AS key, found.* FROM unnest(${distinct(keys)}::uuid[]) AS parents (id)
      JOIN LATERAL (
        SELECT interests.id, interests.slug, interests.name_en AS name
        FROM event_interests JOIN interests ON interests.id = event_interests.interest_id
        WHERE event_interests.event_id = parents.id ORDER BY interests.slug, interests.id LIMIT 50) AS found ON true
      ORDER BY found.slug, found.id`),
  ratings: async (keys) => {
    const rows = await sql`SELECT event_id, avg(rating)::float8 AS average, count(*) AS count FROM reviews
      WHERE event_id = ANY(${distinct(keys)}::uuid[]) AND status = 'PUBLISHED' GROUP BY event_id`
    return one(keys, rows, 'event_id').map((found) => found ?? { average: null, count: 0 })
  },
}

// Subjects of notifications: events and chats, as the reader may see them. Keys are [type, id].
export async function subjects(keys, userId) {
  const ids = (type) => distinct(keys.map((key) => (key.subjectType === type ? key.subjectId : null)))
  const [eventIds, chatIds] = [ids('Event'), ids('Chat')]
  const [events, chats] = await Promise.all([
    eventIds.length
      ? sql`SELECT ${BRIEF}, 'Event' AS "__typename" FROM events
          WHERE events.id = ANY(${eventIds}::uuid[]) AND ${seen(userId)}`
      : [],
    chatIds.length
      ? sql`SELECT ${CHAT}, 'Chat' AS "__typename" FROM chats JOIN chat_members ON chat_members.chat_id = chats.id
          AND chat_members.user_id = ${userId}::uuid AND chat_members.left_at IS NULL
          WHERE chats.id = ANY(${chatIds}::uuid[])`
      : [],
  ])
  const found = new Map([...events, ...chats].map((row) => [row.id, row]))
  return keys.map((key) => found.get(key.subjectId) ?? null)
}

// A message with its author, once for all who listen.
export async function message(chatId, sequence) {
  const [found] = await sql`
    SELECT messages.id, sequence, body, sent_at AS "sentAt", author_id AS "authorId",
      json_build_object('id', users.id, 'handle', users.handle, 'displayName', users.display_name) AS author
    FROM messages LEFT JOIN users ON users.id = author_id AND users.is_active
    WHERE chat_id = ${chatId}::uuid AND sequence = ${sequence}`
  return found ?? null
}
