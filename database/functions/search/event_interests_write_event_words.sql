-- After rows of event_interests have come or gone, once for each statement.
CREATE OR REPLACE FUNCTION event_interests_write_event_words() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM write_event_words(ARRAY(SELECT DISTINCT event_id FROM changed));
    RETURN NULL;
END $$;
