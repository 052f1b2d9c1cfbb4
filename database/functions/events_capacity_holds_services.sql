-- An event has no fewer places than each of its services, and a capacity where it has services. After each change of the
-- capacity of an event.
CREATE OR REPLACE FUNCTION events_capacity_holds_services() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.capacity IS NULL AND EXISTS (
        SELECT FROM services WHERE event_id = NEW.id AND cancelled_at IS NULL
    ) THEN
        RAISE EXCEPTION 'an event with services has a capacity'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_services_event_has_capacity';
    END IF;
    IF EXISTS (
        SELECT FROM services
        WHERE event_id = NEW.id AND cancelled_at IS NULL AND services.capacity > NEW.capacity
    ) THEN
        RAISE EXCEPTION 'event capacity % is below the capacity of one of its services', NEW.capacity
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_services_capacity_within_event';
    END IF;
    RETURN NULL;
END $$;
