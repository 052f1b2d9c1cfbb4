-- The words of some events, as they are written to event_words.
CREATE OR REPLACE FUNCTION event_documents(ids uuid[]) RETURNS TABLE (
    event_id uuid, starts_at timestamptz, created_at timestamptz, is_archived boolean, words tsvector
)
LANGUAGE sql STABLE SET search_path FROM CURRENT AS $$
SELECT events.id, events.starts_at, events.created_at, events.status = 'ARCHIVED', search_document(
    events.title,
    concat_ws(
        ' ', event_categories.name_ru, event_categories.name_en,
        (
            SELECT string_agg(concat_ws(' ', interests.name_ru, interests.name_en), ' ')
            FROM event_interests JOIN interests ON interests.id = event_interests.interest_id
            WHERE event_interests.event_id = events.id
        ),
        (
            SELECT string_agg(concat_ws(' ', service_types.name_ru, service_types.name_en), ' ')
            FROM services JOIN service_types ON service_types.id = services.service_type_id
            WHERE services.event_id = events.id AND services.cancelled_at IS NULL
        )
    ),
    concat_ws(' ', venues.name, venues.address),
    events.description
)
FROM events
JOIN event_categories ON event_categories.id = events.category_id
JOIN venues ON venues.id = events.venue_id
WHERE events.id = ANY (ids)
$$;
