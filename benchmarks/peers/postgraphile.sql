-- What PostGraphile needs beyond the tables: it makes its schema from functions. One call of a function is a field.

CREATE FUNCTION bench.uuid_of(id text) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN
    right(encode(decode(rpad(translate(id, '-_', '+/'), (length(id) + 3) / 4 * 4, '='), 'base64'), 'hex'), 32)::uuid;

CREATE FUNCTION bench.cursor_of(after text) RETURNS jsonb LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN
    convert_from(decode(rpad(translate(after, '-_', '+/'), (length(after) + 3) / 4 * 4, '='), 'base64'), 'utf8')::jsonb;

-- The caller, whom the server names in a setting of the transaction.
CREATE FUNCTION bench.caller() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE RETURN
    nullif(current_setting('bench.caller', true), '')::uuid;

CREATE FUNCTION public.upcoming_events("from" text) RETURNS SETOF events LANGUAGE sql STABLE AS $$
    SELECT * FROM events
    WHERE status IN ('PUBLISHED', 'CANCELLED') AND visibility = 'PUBLIC' AND published_at IS NOT NULL
      AND (club_id IS NULL OR club_id NOT IN (SELECT id FROM clubs WHERE visibility = 'PRIVATE'))
      AND starts_at > now()
      AND (starts_at, id) > ((bench.cursor_of("from")->>0)::timestamptz, (bench.cursor_of("from")->>1)::uuid)
    ORDER BY starts_at, id
$$;

CREATE FUNCTION public.open_event(key text) RETURNS events LANGUAGE sql STABLE AS $$
    SELECT * FROM events
    WHERE id = bench.uuid_of(key) AND status IN ('PUBLISHED', 'CANCELLED', 'ARCHIVED') AND published_at IS NOT NULL
      AND visibility IN ('PUBLIC', 'UNLISTED')
      AND (club_id IS NULL OR club_id NOT IN (SELECT id FROM clubs WHERE visibility = 'PRIVATE'))
$$;

CREATE FUNCTION public.events_organizers(one events) RETURNS SETOF users LANGUAGE sql STABLE AS $$
    SELECT users.* FROM event_hosts JOIN users ON users.id = user_id
    WHERE event_id = one.id AND event_hosts.role IN ('ORGANIZER', 'CO_ORGANIZER') AND is_active
    ORDER BY event_hosts.created_at, user_id LIMIT 20
$$;
COMMENT ON FUNCTION public.events_organizers(events) IS '@behavior -connection +list';

CREATE FUNCTION public.events_interests(one events) RETURNS SETOF interests LANGUAGE sql STABLE AS $$
    SELECT interests.* FROM event_interests JOIN interests ON interests.id = interest_id
    WHERE event_id = one.id ORDER BY slug, interests.id LIMIT 50
$$;
COMMENT ON FUNCTION public.events_interests(events) IS '@behavior -connection +list';

CREATE FUNCTION public.events_participants(one events) RETURNS SETOF users LANGUAGE sql STABLE AS $$
    SELECT users.* FROM registrations JOIN users ON users.id = registrations.user_id
    WHERE registrations.event_id = one.id AND admission IN ('CONFIRMED', 'OFFERED') AND is_active
      AND (coalesce(privacy->>'registrations', 'NOBODY') = 'EVERYONE'
        OR bench.caller() IS NOT NULL AND privacy->>'registrations' = 'MEMBERS' OR users.id = bench.caller())
    ORDER BY registrations.created_at, registrations.id
$$;

CREATE FUNCTION public.own_chat(key text) RETURNS chats LANGUAGE sql STABLE AS $$
    SELECT chats.* FROM chats JOIN chat_members ON chat_id = chats.id AND user_id = bench.caller() AND left_at IS NULL
    WHERE chats.id = bench.uuid_of(key)
$$;

CREATE FUNCTION public.chats_own_messages(room chats) RETURNS SETOF messages LANGUAGE sql STABLE AS $$
    SELECT messages.* FROM messages
    WHERE messages.chat_id = room.id AND sequence > (
        SELECT joined_sequence FROM chat_members WHERE chat_members.chat_id = room.id AND user_id = bench.caller())
    ORDER BY sequence DESC
$$;

CREATE FUNCTION public.messages_is_own(one messages) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT one.author_id = bench.caller()
$$;

CREATE FUNCTION public.chats_own_unread_count(room chats) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT (room.last_sequence - greatest(read_sequence, joined_sequence))::integer FROM chat_members
    WHERE chat_id = room.id AND user_id = bench.caller()
$$;

-- Volatile, so that it sees what the mutation before it in the same statement has done.
CREATE FUNCTION public.chats_own_read_sequence(room chats) RETURNS integer LANGUAGE sql VOLATILE AS $$
    SELECT read_sequence::integer FROM chat_members WHERE chat_id = room.id AND user_id = bench.caller()
$$;

-- A bigint would be a text in GraphQL.
CREATE FUNCTION public.messages_number(one messages) RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT one.sequence::integer
$$;

-- Numbers of inboxes are given out under the locks of their rows, taken in the order of their ids.
CREATE FUNCTION bench.notify(wanted jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM inboxes WHERE user_id IN (SELECT (one->>'user_id')::uuid FROM jsonb_array_elements(wanted) AS one)
    ORDER BY user_id FOR UPDATE;
    WITH given AS (
        SELECT (one->>'user_id')::uuid AS user_id, one->>'type' AS type, one->>'subject_type' AS subject_type,
            (one->>'subject_id')::uuid AS subject_id, (one->>'actor_id')::uuid AS actor_id, one->'params' AS params
        FROM jsonb_array_elements(wanted) AS one
    ), counted AS (
        UPDATE inboxes SET last_sequence = last_sequence + 1 FROM given WHERE inboxes.user_id = given.user_id
        RETURNING inboxes.user_id, last_sequence
    ), told AS (
        INSERT INTO notifications (id, user_id, sequence, type, subject_type, subject_id, actor_id, params)
        SELECT uuidv7(), user_id, last_sequence, type, subject_type, subject_id, actor_id, params
        FROM given JOIN counted USING (user_id) RETURNING id, user_id, sequence
    )
    INSERT INTO outbox (id, name, subject_type, subject_id, metadata, stream, sequence)
    SELECT uuidv7(), 'notification.sent', 'Notification', id, jsonb_build_object('user_id', user_id),
        'inbox:' || user_id, sequence FROM told;
END $$;

CREATE FUNCTION bench.happened(name text, subject_type text, subject_id uuid, metadata jsonb, stream text, number bigint)
RETURNS void LANGUAGE sql AS $$
    INSERT INTO outbox (id, name, subject_type, subject_id, metadata, stream, sequence)
    VALUES (uuidv7(), name, subject_type, subject_id, metadata, stream, number)
$$;

CREATE FUNCTION public.register_for_event(key text) RETURNS registrations LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    me uuid := bench.caller();
    one events;
    known registrations;
    room chats;
    facts jsonb;
    wanted jsonb;
BEGIN
    SELECT * INTO one FROM events
    WHERE id = bench.uuid_of(key) AND published_at IS NOT NULL AND visibility IN ('PUBLIC', 'UNLISTED')
      AND (club_id IS NULL OR club_id NOT IN (SELECT id FROM clubs WHERE visibility = 'PRIVATE'))
    FOR NO KEY UPDATE;
    IF NOT FOUND THEN RAISE EXCEPTION 'NOT_FOUND'; END IF;
    SELECT * INTO known FROM registrations WHERE event_id = one.id AND user_id = me;
    IF known.admission IN ('CONFIRMED', 'OFFERED') THEN RAISE EXCEPTION 'ALREADY_REGISTERED'; END IF;
    IF known.admission = 'REJECTED' THEN RAISE EXCEPTION 'RESTRICTED'; END IF;
    IF one.status <> 'PUBLISHED' OR one.starts_at <= now() THEN RAISE EXCEPTION 'CLOSED'; END IF;
    IF EXISTS (SELECT FROM services WHERE event_id = one.id AND cancelled_at IS NULL) THEN
        RAISE EXCEPTION 'BOOK_SERVICES_INSTEAD';
    END IF;
    IF one.taken >= one.capacity THEN RAISE EXCEPTION 'FULL'; END IF;
    INSERT INTO registrations (id, event_id, user_id, admission, attendance, recorded_by_id)
    VALUES (uuidv7(), one.id, me, 'CONFIRMED', 'EXPECTED', me)
    ON CONFLICT (event_id, user_id) DO UPDATE SET admission = 'CONFIRMED', attendance = 'EXPECTED',
        cancelled_at = NULL, recorded_by_id = excluded.recorded_by_id, updated_at = now()
    RETURNING * INTO known;
    UPDATE events SET availability_sequence = availability_sequence + 1 WHERE id = one.id RETURNING * INTO one;
    INSERT INTO availability_changes (event_id, sequence, capacity, taken, services)
    VALUES (one.id, one.availability_sequence, one.capacity, one.taken, '[]');
    SELECT * INTO room FROM chats WHERE event_id = one.id FOR NO KEY UPDATE;
    INSERT INTO chat_members (chat_id, user_id, joined_sequence, read_sequence)
    VALUES (room.id, me, room.last_sequence, room.last_sequence)
    ON CONFLICT (chat_id, user_id) DO UPDATE SET left_at = NULL, left_sequence = NULL, joined_at = now(),
        joined_sequence = excluded.joined_sequence, read_sequence = excluded.read_sequence
    WHERE chat_members.left_at IS NOT NULL;
    facts := jsonb_build_object(
        'subject_type', 'Event', 'subject_id', one.id,
        'params', jsonb_build_object('name', one.title, 'starts_at', one.starts_at, 'time_zone', one.time_zone));
    SELECT jsonb_agg(facts || jsonb_build_object('user_id', user_id, 'type', 'PARTICIPANT_JOINED', 'actor_id', me))
    INTO wanted FROM event_hosts WHERE event_id = one.id AND role <> 'STAFF' AND user_id <> me;
    PERFORM bench.notify(coalesce(wanted, '[]')
        || jsonb_build_array(facts || jsonb_build_object('user_id', me, 'type', 'REGISTRATION_CONFIRMED')));
    PERFORM bench.happened('event.registration.created', 'Registration', known.id,
        jsonb_build_object('event_id', one.id, 'user_id', me), NULL, NULL);
    PERFORM bench.happened('event.availability.changed', 'Event', one.id,
        jsonb_build_object('taken', one.taken, 'capacity', one.capacity), 'availability:' || one.id,
        one.availability_sequence);
    RETURN known;
END $$;

CREATE FUNCTION public.send_message(key text, words text, client text) RETURNS messages LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    me uuid := bench.caller();
    room chats;
    said messages;
    wanted jsonb;
BEGIN
    SELECT * INTO room FROM chats WHERE id = bench.uuid_of(key) FOR NO KEY UPDATE;
    PERFORM FROM chat_members WHERE chat_id = room.id AND user_id = me AND left_at IS NULL;
    IF NOT FOUND THEN RAISE EXCEPTION 'NOT_FOUND'; END IF;
    SELECT * INTO said FROM messages WHERE chat_id = room.id AND author_id = me AND client_message_id = client;
    IF FOUND THEN RETURN said; END IF;
    UPDATE chats SET last_sequence = last_sequence + 1, last_message_at = now() WHERE id = room.id RETURNING * INTO room;
    UPDATE chat_members SET read_sequence = room.last_sequence WHERE chat_id = room.id AND user_id = me;
    INSERT INTO messages (id, chat_id, sequence, author_id, body, client_message_id)
    VALUES (uuidv7(), room.id, room.last_sequence, me, trim(words), client) RETURNING * INTO said;
    PERFORM bench.happened('chat.message.sent', 'Message', said.id,
        jsonb_build_object('chat_id', room.id, 'author_id', me), 'chat:' || room.id, said.sequence);
    SELECT jsonb_agg(jsonb_build_object('user_id', chat_members.user_id, 'type', 'NEW_MESSAGE', 'subject_type', 'Chat',
        'subject_id', room.id, 'actor_id', me, 'params', jsonb_build_object('name', room.title)))
    INTO wanted FROM chat_members JOIN users ON users.id = chat_members.user_id
    WHERE chat_id = room.id AND chat_members.user_id <> me AND left_at IS NULL AND is_active
      AND (watching_until IS NULL OR watching_until < now())
      AND NOT EXISTS (SELECT FROM notifications WHERE notifications.user_id = chat_members.user_id
        AND read_at IS NULL AND type = 'NEW_MESSAGE' AND subject_id = room.id);
    IF wanted IS NOT NULL THEN PERFORM bench.notify(wanted); END IF;
    RETURN said;
END $$;

CREATE FUNCTION public.mark_chat_read(key text) RETURNS chats LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    me uuid := bench.caller();
    room chats;
BEGIN
    SELECT chats.* INTO room FROM chats JOIN chat_members ON chat_id = chats.id AND user_id = me AND left_at IS NULL
    WHERE chats.id = bench.uuid_of(key);
    IF NOT FOUND THEN RAISE EXCEPTION 'NOT_FOUND'; END IF;
    UPDATE chat_members SET read_sequence = greatest(read_sequence, room.last_sequence)
    WHERE chat_id = room.id AND user_id = me;
    WITH unread AS (
        SELECT id FROM notifications WHERE user_id = me AND read_at IS NULL AND type = 'NEW_MESSAGE'
          AND subject_id = room.id ORDER BY sequence FOR UPDATE
    ), settled AS (
        UPDATE notifications SET read_at = now() WHERE id IN (SELECT id FROM unread) RETURNING id
    )
    INSERT INTO outbox (id, name, subject_type, subject_id, metadata, stream, sequence)
    SELECT uuidv7(), 'notification.read', 'Notification', id, jsonb_build_object('user_id', me), NULL, NULL FROM settled
    UNION ALL SELECT uuidv7(), 'inbox.read', 'User', me, '{}', 'inbox-read:' || me, 0
    FROM (SELECT FROM settled LIMIT 1) AS any_settled;
    RETURN room;
END $$;
