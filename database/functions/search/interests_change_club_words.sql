-- After what clubs are found by has changed in a row of interests.
CREATE OR REPLACE FUNCTION interests_change_club_words() RETURNS trigger
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM write_club_words(ARRAY(SELECT club_id FROM club_interests WHERE interest_id = NEW.id));
    RETURN NULL;
END $$;
