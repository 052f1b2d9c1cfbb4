-- After what events are found by has changed in a row of service_types.
CREATE OR REPLACE FUNCTION service_types_change_event_words() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM write_event_words(ARRAY(SELECT event_id FROM services WHERE service_type_id = NEW.id));
    RETURN NULL;
END $$;
