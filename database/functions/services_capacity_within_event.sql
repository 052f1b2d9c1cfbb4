-- A service has no more places than its event, which has a capacity. After each row of services whose capacity is new,
-- or that is not cancelled any more.
CREATE OR REPLACE FUNCTION services_capacity_within_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    most integer;
BEGIN
    SELECT capacity INTO most FROM events WHERE id = NEW.event_id FOR SHARE;
    IF NEW.cancelled_at IS NULL AND most IS NULL THEN
        RAISE EXCEPTION 'an event with services has a capacity'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_services_event_has_capacity';
    END IF;
    IF NEW.cancelled_at IS NULL AND NEW.capacity > most THEN
        RAISE EXCEPTION 'service capacity % is above the capacity % of its event', NEW.capacity, most
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_services_capacity_within_event';
    END IF;
    RETURN NULL;
END $$;
