-- The words of a text with their stems, each with its place and weight.
CREATE OR REPLACE FUNCTION search_lexemes(given text, place text) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    words text := search_words(given, false);
BEGIN
    IF words <> '' THEN
        words := words || ' ' || array_to_string(tsvector_to_array(to_tsvector('pg_catalog.russian', words)), ' ');
        RETURN replace(words, ' ', place) || place;
    END IF;
    RETURN '';
END $$;
