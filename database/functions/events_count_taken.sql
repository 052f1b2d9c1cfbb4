-- Keep events.taken equal to the registrations that hold a place, whoever writes them. Once after each statement: of 20,000
-- that end together, each would update the same row and walk past all its former versions.
CREATE OR REPLACE FUNCTION events_count_taken() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE events SET taken = taken + held.number
        FROM (
            SELECT event_id, count(*) AS number FROM came
            WHERE admission IN ('CONFIRMED', 'OFFERED') GROUP BY event_id
        ) AS held
        WHERE events.id = held.event_id;
    ELSIF TG_OP = 'DELETE' THEN
        UPDATE events SET taken = taken - held.number
        FROM (
            SELECT event_id, count(*) AS number FROM gone
            WHERE admission IN ('CONFIRMED', 'OFFERED') GROUP BY event_id
        ) AS held
        WHERE events.id = held.event_id;
    ELSE
        UPDATE events SET taken = taken + held.number
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
