-- Who may read a field of a profile: as its owner chose, or by default (`auth/visibility/people.py`).
CREATE OR REPLACE FUNCTION audience_of(privacy jsonb, field text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(privacy ->> field, CASE field WHEN 'registrations' THEN 'NOBODY' ELSE 'MEMBERS' END)
$$;
