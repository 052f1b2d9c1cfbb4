-- Write the words of some events anew. Their rows are locked first: who waited there reads afterwards what the other
-- one has written.
CREATE OR REPLACE FUNCTION write_event_words(ids uuid[]) RETURNS void
LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM FROM event_words WHERE event_id = ANY (ids) ORDER BY event_id FOR UPDATE;
    INSERT INTO event_words (event_id, starts_at, created_at, is_archived, words)
    SELECT event_id, starts_at, created_at, is_archived, words FROM event_documents(ids)
    ON CONFLICT (event_id) DO UPDATE SET
        starts_at = excluded.starts_at, created_at = excluded.created_at, is_archived = excluded.is_archived,
        words = excluded.words
    WHERE event_words.starts_at IS DISTINCT FROM excluded.starts_at
        OR event_words.created_at IS DISTINCT FROM excluded.created_at
        OR event_words.is_archived IS DISTINCT FROM excluded.is_archived
        OR event_words.words IS DISTINCT FROM excluded.words;
END $$;
