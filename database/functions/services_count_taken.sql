-- Keep services.taken equal to the bookings that hold a place, whoever writes them. Once after each statement: of 20,000
-- that end together, each would update the same row and walk past all its former versions.
CREATE OR REPLACE FUNCTION services_count_taken() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE services SET taken = taken + held.number
        FROM (
            SELECT service_id, count(*) AS number FROM came
            WHERE admission IN ('CONFIRMED', 'OFFERED') GROUP BY service_id
        ) AS held
        WHERE services.id = held.service_id;
    ELSIF TG_OP = 'DELETE' THEN
        UPDATE services SET taken = taken - held.number
        FROM (
            SELECT service_id, count(*) AS number FROM gone
            WHERE admission IN ('CONFIRMED', 'OFFERED') GROUP BY service_id
        ) AS held
        WHERE services.id = held.service_id;
    ELSE
        UPDATE services SET taken = taken + held.number
        FROM (
            SELECT service_id, sum(number) AS number
            FROM (
                SELECT service_id, 1 AS number FROM came WHERE admission IN ('CONFIRMED', 'OFFERED')
                UNION ALL
                SELECT service_id, -1 FROM gone WHERE admission IN ('CONFIRMED', 'OFFERED')
            ) AS changed
            GROUP BY service_id HAVING sum(number) <> 0
        ) AS held
        WHERE services.id = held.service_id;
    END IF;
    RETURN NULL;
END $$;
