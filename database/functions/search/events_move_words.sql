-- After an event was moved or put away: lists need its times beside its words.
CREATE OR REPLACE FUNCTION events_move_words() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE event_words
    SET starts_at = NEW.starts_at, created_at = NEW.created_at, is_archived = NEW.status = 'ARCHIVED'
    WHERE event_id = NEW.id;
    RETURN NULL;
END $$;
