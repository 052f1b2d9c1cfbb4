-- After rows of events have come or gone, once for each statement.
CREATE OR REPLACE FUNCTION events_write_event_words() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM write_event_words(ARRAY(SELECT DISTINCT id FROM changed));
    RETURN NULL;
END $$;
