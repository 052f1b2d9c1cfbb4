-- After what clubs are found by has changed in a row of clubs.
CREATE OR REPLACE FUNCTION clubs_change_club_words() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM write_club_words(ARRAY(SELECT NEW.id));
    RETURN NULL;
END $$;
