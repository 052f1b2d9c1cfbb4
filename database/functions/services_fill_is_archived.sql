-- Before each row of services: whether its event is put away.
CREATE OR REPLACE FUNCTION services_fill_is_archived() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    NEW.is_archived = coalesce((SELECT status = 'ARCHIVED' FROM events WHERE id = NEW.event_id), false);
    RETURN NEW;
END $$;
