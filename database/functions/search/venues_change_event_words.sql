-- After what events are found by has changed in a row of venues.
CREATE OR REPLACE FUNCTION venues_change_event_words() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM write_event_words(ARRAY(SELECT id FROM events WHERE venue_id = NEW.id));
    RETURN NULL;
END $$;
