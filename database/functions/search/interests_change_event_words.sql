-- After what events are found by has changed in a row of interests.
CREATE OR REPLACE FUNCTION interests_change_event_words() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM write_event_words(ARRAY(SELECT event_id FROM event_interests WHERE interest_id = NEW.id));
    RETURN NULL;
END $$;
