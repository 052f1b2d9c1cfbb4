-- After what events are found by has changed in a row of services.
CREATE OR REPLACE FUNCTION services_change_event_words() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM write_event_words(ARRAY(SELECT NEW.event_id));
    RETURN NULL;
END $$;
