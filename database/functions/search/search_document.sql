-- What an event, a club, a venue or a service is found by.
CREATE OR REPLACE FUNCTION search_document(title text, tags text, place text, description text) RETURNS tsvector
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE SET search_path FROM CURRENT AS $$
BEGIN
    RETURN (
        search_lexemes(title, ':1A ') || search_lexemes(tags, ':2B ')
        || search_lexemes(place, ':3C ') || search_lexemes(description, ':4 ')
    )::tsvector;
END $$;
