-- After what events are found by has changed in a row of event_categories.
CREATE OR REPLACE FUNCTION event_categories_change_event_words() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM write_event_words(ARRAY(SELECT id FROM events WHERE category_id = NEW.id));
    RETURN NULL;
END $$;
