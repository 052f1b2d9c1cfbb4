-- Keep events.taken equal to the registrations that hold a place, whoever writes them. After each row of registrations.
CREATE OR REPLACE FUNCTION registrations_count_taken() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    held boolean := TG_OP <> 'INSERT' AND OLD.admission IN ('CONFIRMED', 'OFFERED');
    holds boolean := TG_OP <> 'DELETE' AND NEW.admission IN ('CONFIRMED', 'OFFERED');
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.event_id <> NEW.event_id THEN
        RAISE EXCEPTION 'registrations.event_id does not change' USING ERRCODE = 'restrict_violation';
    END IF;
    IF held AND NOT holds THEN
        UPDATE events SET taken = taken - 1 WHERE id = OLD.event_id;
    ELSIF holds AND NOT held THEN
        UPDATE events SET taken = taken + 1 WHERE id = NEW.event_id;
    END IF;
    RETURN NULL;
END $$;
