-- Keep events.taken equal to the registrations that hold a place, whoever writes them. Once after each statement: of 20,000
-- that end together, each would update the same row and walk past all its former versions.
--
-- Within change_places it gives the availability stream its next number by the same change of the row, where it still has
-- the number that change_places has found.
CREATE OR REPLACE FUNCTION events_count_taken() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last_numbers jsonb := nullif(current_setting('wingding.last_numbers', true), '');
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE events SET
            taken = taken + held.number,
            availability_sequence = availability_sequence + CASE
                WHEN availability_sequence = (last_numbers ->> events.id::text)::bigint THEN 1
                ELSE 0
            END
        FROM (
            SELECT event_id, count(*) AS number FROM came
            WHERE admission IN ('CONFIRMED', 'OFFERED') GROUP BY event_id
        ) AS held
        WHERE events.id = held.event_id;
    ELSIF TG_OP = 'DELETE' THEN
        UPDATE events SET
            taken = taken - held.number,
            availability_sequence = availability_sequence + CASE
                WHEN availability_sequence = (last_numbers ->> events.id::text)::bigint THEN 1
                ELSE 0
            END
        FROM (
            SELECT event_id, count(*) AS number FROM gone
            WHERE admission IN ('CONFIRMED', 'OFFERED') GROUP BY event_id
        ) AS held
        WHERE events.id = held.event_id;
    ELSE
        UPDATE events SET
            taken = taken + held.number,
            availability_sequence = availability_sequence + CASE
                WHEN availability_sequence = (last_numbers ->> events.id::text)::bigint THEN 1
                ELSE 0
            END
        FROM (
            SELECT event_id, sum(number) AS number
            FROM (
                SELECT event_id, 1 AS number FROM came WHERE admission IN ('CONFIRMED', 'OFFERED')
                UNION ALL
                SELECT event_id, -1 FROM gone WHERE admission IN ('CONFIRMED', 'OFFERED')
            ) AS changed
            GROUP BY event_id HAVING sum(number) <> 0
        ) AS held
        WHERE events.id = held.event_id;
    END IF;
    RETURN NULL;
END $$;
