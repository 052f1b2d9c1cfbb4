-- After rows of clubs have come or gone, once for each statement.
CREATE OR REPLACE FUNCTION clubs_write_club_words() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM write_club_words(ARRAY(SELECT DISTINCT id FROM changed));
    RETURN NULL;
END $$;
