-- What a text that somebody types asks for: in all words, in title and tags, and so on.
CREATE OR REPLACE FUNCTION search_queries(asked text) RETURNS tsquery[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT SET search_path FROM CURRENT AS $$
DECLARE
    words text[] := string_to_array(search_words(asked, true), ' ');
    word text;
    stems text[];
    form text;
    condition text;
    conditions text[] := '{}';
    needless text[] := '{}';
    query text;
BEGIN
    FOR number IN 1 .. cardinality(words) LOOP
        word := left(words[number], 100);
        stems := tsvector_to_array(to_tsvector('pg_catalog.russian', word));
        condition := quote_literal(word) || ':~';
        IF char_length(word) > 2 OR number = cardinality(words) AND (number > 1 OR char_length(word) = 2) THEN
            condition := condition || '*';
        END IF;
        IF cardinality(stems) = 1 THEN
            FOREACH form IN ARRAY stems || search_alike(word, stems[1]) LOOP
                CONTINUE WHEN strpos(condition, quote_literal(form) || ':') > 0;
                condition := condition || ' | ' || quote_literal(form) || ':~';
            END LOOP;
        END IF;
        condition := '(' || condition || ')';
        -- Words that say little are asked for where there are no others, or where capitals say that they are names.
        IF cardinality(stems) > 0 OR char_length(word) > 1 AND asked <> upper(asked)
            AND asked ~ ('\m' || upper(word) || '\M')
        THEN
            conditions := conditions || condition;
        ELSE
            needless := needless || condition;
        END IF;
        EXIT WHEN cardinality(conditions) = 12;
    END LOOP;
    IF conditions = '{}' THEN
        conditions := needless[:12];
    END IF;
    IF conditions = '{}' THEN
        RETURN '{}';
    END IF;
    query := array_to_string(conditions, ' & ');
    RETURN ARRAY[
        replace(replace(query, ':~*', ':*'), ':~', ''),
        replace(query, '~', 'A'), replace(query, '~', 'AB'), replace(query, '~', 'ABC')
    ];
END $$;
