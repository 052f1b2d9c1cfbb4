-- After an event was put away or brought back: lists of services need not ask their event.
CREATE OR REPLACE FUNCTION events_archive_services() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE services SET is_archived = NEW.status = 'ARCHIVED' WHERE event_id = NEW.id;
    RETURN NULL;
END $$;
