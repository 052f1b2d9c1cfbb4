-- After rows of club_interests have come or gone, once for each statement.
CREATE OR REPLACE FUNCTION club_interests_write_club_words() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM write_club_words(ARRAY(SELECT DISTINCT club_id FROM changed));
    RETURN NULL;
END $$;
