-- The words of a text, for what is searched and for what is asked. Search columns are made of it, so a change of it
-- comes with a revision that writes them anew (docs/adr/0025-word-search.md).
CREATE OR REPLACE FUNCTION search_words(given text, is_asked boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
DECLARE
    words text := lower(normalize(translate(given, '№', ' '), NFKD));
BEGIN
    IF octet_length(words) > char_length(words) THEN
        words := translate(replace(replace(words, U&'\0438\0306', 'й'), 'ß', 'ss'), 'ςı', 'σi');
        words := regexp_replace(words, '[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u064b-\u065f\u0670\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]+', '', 'g');
        words := regexp_replace(words, '[\u20a0-\u20cf\u2190-\u2bff\U0001f000-\U0001faff]', ' \& ', 'g');
    END IF;
    -- C++, C# and .NET are found by themselves, and among C and nets.
    IF is_asked THEN
        words := regexp_replace(words, '([a-z]+)\+\+(?![+\w])', ' \1plusplus ', 'g');
        words := regexp_replace(words, '\m([a-z])#(?!\w)', ' \1sharp ', 'g');
        words := regexp_replace(words, '\.net\M', ' dotnet ', 'g');
    ELSIF words ~ '\+\+|#|\.net' THEN
        words := regexp_replace(words, '([a-z]+)\+\+', ' \1 \1plusplus ', 'g');
        words := regexp_replace(words, '\m([a-z])#', ' \1 \1sharp ', 'g');
        words := regexp_replace(words, '\.(net\w*)', ' \1 dotnet ', 'g');
    END IF;
    words := btrim(regexp_replace(words, '[\u0001-\u002f:-@\[-`{-\u00bf\u00d7\u00f7\u02c2-\u02c5\u02d2-\u02df\u055a-\u055f\u0589\u058a\u05be\u05c0\u05c3\u05c6\u05f3\u05f4\u060c\u060d\u061b-\u061f\u066a-\u066d\u06d4\u0964\u0965\u0970\u0e4f\u0e5a\u0e5b\u10fb\u1361-\u1368\u1400\u1680\u2000-\u206f\u2070-\u207f\u2e00-\u2e7f\u3000-\u3003\u3008-\u3020\u3030\u303d-\u303f\u30a0\u30fb\ufd3e\ufd3f\ufe10-\ufe6f\ufffc\ufffd]+', ' ', 'g'));
    IF octet_length(words) > 2000 THEN
        words := regexp_replace(words, '(\S{100})\S+', '\1', 'g');
    END IF;
    RETURN words;
END $$;
