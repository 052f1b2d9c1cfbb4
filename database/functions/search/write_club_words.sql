-- As write_event_words, of clubs.
CREATE OR REPLACE FUNCTION write_club_words(ids uuid[]) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM FROM club_words WHERE club_id = ANY (ids) ORDER BY club_id FOR UPDATE;
    INSERT INTO club_words (club_id, words)
    SELECT club_id, words FROM club_documents(ids)
    ON CONFLICT (club_id) DO UPDATE SET words = excluded.words
    WHERE club_words.words IS DISTINCT FROM excluded.words;
END $$;
