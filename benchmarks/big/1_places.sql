-- Which events there are and who takes part in which: the statements of 2_rows.sql are made from that.

CREATE SCHEMA bench;

CREATE FUNCTION bench.id(kind text, number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT (lpad(to_hex(1700000000000 + number), 12, '0') || '70008' || left(md5(kind || number::text), 15))::uuid
$$;

CREATE FUNCTION bench.privacy(person bigint) RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT ('{{"registrations": "' || CASE person % 8 WHEN 6 THEN 'MEMBERS' WHEN 7 THEN 'NOBODY' ELSE 'EVERYONE' END || '"}}')::jsonb
$$;

CREATE UNLOGGED TABLE bench.plan AS
SELECT *,
    CASE WHEN is_over THEN timestamptz '2023-01-02 16:00Z' + number * interval '15 minutes'
        WHEN number < {half} + {ongoing} THEN timestamptz '2026-01-01 16:00Z' + number * interval '1 minute'
        ELSE timestamptz '2041-01-02 16:00Z' + (number - {half}) * interval '30 minutes' END AS starts_at,
    CASE WHEN number < {half} OR number >= {half} + {ongoing} THEN interval '3 hours' ELSE interval '12000 days' END
        AS lasts,
    CASE WHEN number IN ({crowd_event}, {reviewed_event}) THEN {crowd} WHEN number = {talk_event} THEN {talk_members}
        WHEN is_out THEN {people} + number % 2 ELSE 0 END AS people,
    CASE WHEN number = {crowd_event} THEN {crowd_services} WHEN is_special OR number % 2 = 0 THEN 0 ELSE 2 END AS services,
    CASE WHEN number = {talk_event} THEN {talker} WHEN is_special OR number % 6 = 0 THEN {host}
        ELSE {special} + (number * 13 + {usual} / 2) % {usual} END AS host,
    CASE WHEN NOT is_special AND number % 3 = 1 THEN {special} + (number * 13 + {usual} / 2 + 1) % {usual} END AS second_host,
    CASE WHEN number = {talk_event} THEN {talk} WHEN is_special THEN 50 WHEN is_out AND (number % 2 = 0 OR number % 12 = 1) THEN 1
        ELSE 0 END AS said,
    is_out AND NOT is_special AND number % 12 = 1 AS is_chatty,
    CASE WHEN number % 50 = 0 THEN 0 WHEN number % 5 < 2 AND NOT is_special THEN 1 + number % ({clubs} - 1) END AS club
FROM (
    SELECT *, is_special OR status NOT IN ('DRAFT', 'PENDING_REVIEW') AS is_out
    FROM (
        SELECT number, number < {half} AS is_over,
            number IN ({crowd_event}, {talk_event}, {reviewed_event}) AS is_special,
            CASE WHEN number IN ({crowd_event}, {talk_event}) THEN 'PUBLISHED'
                WHEN number < {half} - {lately_over} OR number = {reviewed_event} THEN 'ARCHIVED'
                WHEN number < {half} THEN 'PUBLISHED'
                WHEN number % 50 = 47 THEN 'CANCELLED' WHEN number % 50 = 48 THEN 'DRAFT'
                WHEN number % 50 = 49 THEN 'PENDING_REVIEW' ELSE 'PUBLISHED' END AS status
        FROM generate_series(0, {events} - 1) AS number
    ) AS stated
) AS known;

ALTER TABLE bench.plan ADD PRIMARY KEY (number);

CREATE UNLOGGED TABLE bench.places AS
SELECT plan.number, turn,
    CASE WHEN turn = -1 THEN {chatty} WHEN is_special THEN {special} + turn
        ELSE {special} + (plan.number * 13 + turn * (1 + plan.number % 7 * 2)) % {usual} END AS person,
    CASE WHEN is_special THEN 1000000000 + plan.number::bigint * 100000 ELSE plan.number::bigint * 100 END + 1 + turn AS id
FROM bench.plan, generate_series(CASE WHEN is_chatty THEN -1 ELSE 0 END, people - 1) AS turn
WHERE people > 0;

ANALYZE bench.plan, bench.places;
