-- Nobody hosts an event who was put out of it, or of its club. Before each row of event_hosts. The locks are those that
-- whoever writes the row holds already, in their order: a ban holds that of the club, a removal from the event that of
-- the event.
CREATE OR REPLACE FUNCTION refuse_host_put_out() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM FROM clubs WHERE id = (SELECT club_id FROM events WHERE id = NEW.event_id) FOR SHARE;
    PERFORM FROM events WHERE id = NEW.event_id FOR NO KEY UPDATE;
    IF event_entry(NEW.event_id, NEW.user_id) = 'RESTRICTED' OR EXISTS (
        SELECT FROM registrations registration
        WHERE registration.event_id = NEW.event_id AND registration.user_id = NEW.user_id
            AND registration.admission = 'REJECTED'
    ) THEN
        RAISE EXCEPTION 'who was put out has no role'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_event_hosts_not_put_out';
    END IF;
    RETURN NEW;
END $$;
