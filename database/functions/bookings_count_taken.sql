-- Keep services.taken equal to the bookings that hold a place, whoever writes them. After each row of bookings.
CREATE OR REPLACE FUNCTION bookings_count_taken() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    held boolean := TG_OP <> 'INSERT' AND OLD.admission IN ('CONFIRMED', 'OFFERED');
    holds boolean := TG_OP <> 'DELETE' AND NEW.admission IN ('CONFIRMED', 'OFFERED');
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.service_id <> NEW.service_id THEN
        RAISE EXCEPTION 'bookings.service_id does not change' USING ERRCODE = 'restrict_violation';
    END IF;
    IF held AND NOT holds THEN
        UPDATE services SET taken = taken - 1 WHERE id = OLD.service_id;
    ELSIF holds AND NOT held THEN
        UPDATE services SET taken = taken + 1 WHERE id = NEW.service_id;
    END IF;
    RETURN NULL;
END $$;
