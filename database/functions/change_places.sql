-- Change places and capacities at some events: all that is wanted, or nothing. Every admission and capacity is written
-- here, and no rule is said here: `resolvers/booking/admission.py` decides on what it has seen, and this compares what
-- was seen with what is so now, under the locks.
--
-- `seen` has
--   events:    [{id, updated_at, services, sequence}] with the ids of the services that are offered, in order, and the
--              last number of the availability stream; null where that does not matter
--   services:  [{id, updated_at}]
--   people:    [{event_id, user_id, admission, entry, bookings}] with the answer of event_entry() and the admissions of
--              all bookings at the event by their services; null where they do not matter
-- and `wanted`
--   new_registrations:   [{id, event_id, user_id, admission, attendance, recorded_by_id, note}]
--   new_bookings:        the same with service_id
--   revived_registrations, revived_bookings: the same of rows that are there, whose note stays unless there is a new one
--   ended_registrations: [{id, admission, ends, tells, reason}]
--   ended_bookings:      [{id, admission, reason}]
--   events, services:    [{id, capacity}]
--   announced:           [id] of events whose availability stream gets an entry
--
-- Answers the rows of registrations and bookings as they are now, and of kind "entry" those of the streams; no row
-- where something is not as it was seen.
CREATE OR REPLACE FUNCTION change_places(seen jsonb, wanted jsonb, moment timestamptz)
RETURNS TABLE (
    kind text, id uuid, event_id uuid, service_id uuid, user_id uuid, admission varchar, attendance varchar,
    note varchar, staff_note varchar, recorded_by_id uuid, created_at timestamptz, updated_at timestamptz,
    cancelled_at timestamptz, cancel_reason varchar, sequence bigint, capacity integer, taken integer
)
LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    announced uuid[] := ARRAY(SELECT jsonb_array_elements_text(wanted -> 'announced')::uuid);
    locked bigint;
    last_numbers jsonb;
BEGIN
    -- Who waited for a lock looks at the row as it is then.
    SELECT count(*), jsonb_object_agg(found.id, found.number) FILTER (WHERE found.id = ANY (announced))
    INTO locked, last_numbers
    FROM (
        SELECT events.id, events.availability_sequence AS number FROM events
        JOIN jsonb_to_recordset(seen -> 'events') AS known(id uuid, updated_at timestamptz, sequence bigint) USING (id)
        WHERE events.updated_at = known.updated_at
            AND (known.sequence IS NULL OR events.availability_sequence = known.sequence)
        ORDER BY events.id
        FOR NO KEY UPDATE OF events
    ) AS found;
    IF locked <> jsonb_array_length(seen -> 'events') THEN
        RETURN;
    END IF;
    IF jsonb_array_length(seen -> 'services') > 0 THEN
        PERFORM FROM services
        JOIN jsonb_to_recordset(seen -> 'services') AS known(id uuid, updated_at timestamptz) USING (id)
        WHERE services.updated_at = known.updated_at
        ORDER BY services.id
        FOR NO KEY UPDATE OF services;
        GET DIAGNOSTICS locked = ROW_COUNT;
        IF locked <> jsonb_array_length(seen -> 'services') THEN
            RETURN;
        END IF;
    END IF;

    -- Each statement from here on sees what was committed before it, so all that the locks waited for.
    IF EXISTS (
        SELECT FROM jsonb_to_recordset(seen -> 'events') AS known(id uuid, services uuid[])
        WHERE known.services <> ARRAY(
            SELECT services.id FROM services
            WHERE services.event_id = known.id AND services.cancelled_at IS NULL
            ORDER BY services.id
        )
    ) OR EXISTS (
        SELECT FROM jsonb_to_recordset(seen -> 'people')
            AS known(event_id uuid, user_id uuid, admission text, entry text, bookings jsonb)
        JOIN events ON events.id = known.event_id
        LEFT JOIN registrations ON registrations.event_id = known.event_id AND registrations.user_id = known.user_id
        WHERE registrations.admission IS DISTINCT FROM known.admission
            OR known.entry <> CASE
                WHEN events.club_id IS NULL THEN 'OPEN' ELSE event_entry(events.id, known.user_id)
            END
            OR known.bookings <> coalesce(
                (
                    SELECT jsonb_object_agg(bookings.service_id, bookings.admission) FROM bookings
                    WHERE bookings.event_id = known.event_id AND bookings.user_id = known.user_id
                ), '{}'
            )
    ) THEN
        RETURN;
    END IF;

    -- Whoever counts the places of an event numbers its entry too (events_count_taken): a second change of the same row
    -- would ask all its foreign keys again, and lock club, venue and category for each registration.
    PERFORM set_config('wingding.last_numbers', coalesce(last_numbers, '{}')::text, true);

    -- What ends makes room, capacities are changed, and then places are given.
    IF jsonb_array_length(wanted -> 'ended_bookings') > 0 THEN
        RETURN QUERY
            UPDATE bookings SET
                admission = given.admission, cancelled_at = moment, cancel_reason = given.reason, updated_at = moment
            FROM jsonb_to_recordset(wanted -> 'ended_bookings') AS given(id uuid, admission text, reason text)
            WHERE bookings.id = given.id
            RETURNING 'booking', bookings.id, bookings.event_id, bookings.service_id, bookings.user_id,
                bookings.admission, bookings.attendance, bookings.note, bookings.staff_note, bookings.recorded_by_id,
                bookings.created_at, bookings.updated_at, bookings.cancelled_at, bookings.cancel_reason,
                NULL::bigint, NULL::integer, NULL::integer;
    END IF;
    IF jsonb_array_length(wanted -> 'ended_registrations') > 0 THEN
        RETURN QUERY
            UPDATE registrations SET
                admission = given.admission,
                cancelled_at = CASE WHEN given.ends THEN moment ELSE registrations.cancelled_at END,
                cancel_reason = CASE WHEN given.tells THEN given.reason ELSE registrations.cancel_reason END,
                updated_at = moment
            FROM jsonb_to_recordset(wanted -> 'ended_registrations')
                AS given(id uuid, admission text, ends boolean, tells boolean, reason text)
            WHERE registrations.id = given.id
            RETURNING 'registration', registrations.id, registrations.event_id, NULL::uuid, registrations.user_id,
                registrations.admission, registrations.attendance, registrations.note, registrations.staff_note,
                registrations.recorded_by_id, registrations.created_at, registrations.updated_at,
                registrations.cancelled_at, registrations.cancel_reason,
                NULL::bigint, NULL::integer, NULL::integer;
    END IF;
    IF jsonb_array_length(wanted -> 'services') > 0 THEN
        UPDATE services SET capacity = given.capacity, updated_at = moment
        FROM jsonb_to_recordset(wanted -> 'services') AS given(id uuid, capacity integer)
        WHERE services.id = given.id AND given.capacity < services.capacity;
    END IF;
    IF jsonb_array_length(wanted -> 'events') > 0 THEN
        UPDATE events SET capacity = given.capacity, updated_at = moment
        FROM jsonb_to_recordset(wanted -> 'events') AS given(id uuid, capacity integer)
        WHERE events.id = given.id;
    END IF;
    IF jsonb_array_length(wanted -> 'services') > 0 THEN
        UPDATE services SET capacity = given.capacity, updated_at = moment
        FROM jsonb_to_recordset(wanted -> 'services') AS given(id uuid, capacity integer)
        WHERE services.id = given.id AND given.capacity > services.capacity;
    END IF;
    -- The triggers on the tables count the places, and the checks refuse one too many. Who was there before comes back.
    IF jsonb_array_length(wanted -> 'revived_registrations') > 0 THEN
        RETURN QUERY
            UPDATE registrations SET
                admission = given.admission, attendance = given.attendance, recorded_by_id = given.recorded_by_id,
                note = coalesce(given.note, registrations.note), cancelled_at = NULL, cancel_reason = NULL,
                updated_at = moment
            FROM jsonb_to_recordset(wanted -> 'revived_registrations')
                AS given(id uuid, admission text, attendance text, recorded_by_id uuid, note text)
            WHERE registrations.id = given.id
            RETURNING 'registration', registrations.id, registrations.event_id, NULL::uuid, registrations.user_id,
                registrations.admission, registrations.attendance, registrations.note, registrations.staff_note,
                registrations.recorded_by_id, registrations.created_at, registrations.updated_at,
                registrations.cancelled_at, registrations.cancel_reason,
                NULL::bigint, NULL::integer, NULL::integer;
    END IF;
    IF jsonb_array_length(wanted -> 'new_registrations') > 0 THEN
        RETURN QUERY
            INSERT INTO registrations (
                id, event_id, user_id, admission, attendance, recorded_by_id, note, created_at, updated_at
            )
            SELECT
                given.id, given.event_id, given.user_id, given.admission, given.attendance,
                given.recorded_by_id, given.note, moment, moment
            FROM jsonb_to_recordset(wanted -> 'new_registrations') AS given(
                id uuid, event_id uuid, user_id uuid, admission text, attendance text,
                recorded_by_id uuid, note text
            )
            RETURNING 'registration', registrations.id, registrations.event_id, NULL::uuid, registrations.user_id,
                registrations.admission, registrations.attendance, registrations.note, registrations.staff_note,
                registrations.recorded_by_id, registrations.created_at, registrations.updated_at,
                registrations.cancelled_at, registrations.cancel_reason,
                NULL::bigint, NULL::integer, NULL::integer;
    END IF;
    IF jsonb_array_length(wanted -> 'revived_bookings') > 0 THEN
        RETURN QUERY
            UPDATE bookings SET
                admission = given.admission, attendance = given.attendance, recorded_by_id = given.recorded_by_id,
                note = coalesce(given.note, bookings.note), cancelled_at = NULL, cancel_reason = NULL,
                updated_at = moment
            FROM jsonb_to_recordset(wanted -> 'revived_bookings')
                AS given(id uuid, admission text, attendance text, recorded_by_id uuid, note text)
            WHERE bookings.id = given.id
            RETURNING 'booking', bookings.id, bookings.event_id, bookings.service_id, bookings.user_id,
                bookings.admission, bookings.attendance, bookings.note, bookings.staff_note,
                bookings.recorded_by_id, bookings.created_at, bookings.updated_at,
                bookings.cancelled_at, bookings.cancel_reason,
                NULL::bigint, NULL::integer, NULL::integer;
    END IF;
    IF jsonb_array_length(wanted -> 'new_bookings') > 0 THEN
        RETURN QUERY
            INSERT INTO bookings (
                id, service_id, event_id, user_id, admission, attendance, recorded_by_id, note, created_at, updated_at
            )
            SELECT
                given.id, given.service_id, given.event_id, given.user_id, given.admission, given.attendance,
                given.recorded_by_id, given.note, moment, moment
            FROM jsonb_to_recordset(wanted -> 'new_bookings') AS given(
                id uuid, service_id uuid, event_id uuid, user_id uuid, admission text, attendance text,
                recorded_by_id uuid, note text
            )
            RETURNING 'booking', bookings.id, bookings.event_id, bookings.service_id, bookings.user_id,
                bookings.admission, bookings.attendance, bookings.note, bookings.staff_note,
                bookings.recorded_by_id, bookings.created_at, bookings.updated_at,
                bookings.cancelled_at, bookings.cancel_reason,
                NULL::bigint, NULL::integer, NULL::integer;
    END IF;

    PERFORM set_config('wingding.last_numbers', '{}', true);
    UPDATE events SET availability_sequence = availability_sequence + 1
    WHERE events.id = ANY (announced) AND events.availability_sequence = (last_numbers ->> events.id::text)::bigint;
    RETURN QUERY
        INSERT INTO availability_changes AS entry (event_id, sequence, capacity, taken, services, occurred_at)
        SELECT events.id, events.availability_sequence, events.capacity, events.taken, coalesce(
            (
                SELECT jsonb_agg(
                    jsonb_build_object(
                        'id', services.id, 'capacity', services.capacity, 'taken', services.taken,
                        'cancelled', services.cancelled_at IS NOT NULL
                    )
                    ORDER BY services.starts_at, services.id
                )
                FROM services WHERE services.event_id = events.id AND services.deleted_at IS NULL
            ), '[]'
        ), moment
        FROM events WHERE events.id = ANY (announced)
        RETURNING 'entry', entry.event_id, entry.event_id, NULL::uuid, NULL::uuid, NULL::varchar, NULL::varchar,
            NULL::varchar, NULL::varchar, NULL::uuid, NULL::timestamptz, NULL::timestamptz, NULL::timestamptz,
            NULL::varchar, entry.sequence, entry.capacity, entry.taken;
END $$;
