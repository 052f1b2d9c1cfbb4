-- The words of some clubs, as they are written to club_words.
CREATE OR REPLACE FUNCTION club_documents(ids uuid[]) RETURNS TABLE(club_id uuid, words tsvector)
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
SELECT clubs.id, search_document(
    clubs.name,
    (
        SELECT string_agg(concat_ws(' ', interests.name_ru, interests.name_en), ' ')
        FROM club_interests JOIN interests ON interests.id = club_interests.interest_id
        WHERE club_interests.club_id = clubs.id
    ),
    NULL,
    clubs.description
)
FROM clubs WHERE clubs.id = ANY (ids)
$$;
