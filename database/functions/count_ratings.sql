-- Keep rating_counts equal to the published reviews, whoever writes them. Once after each statement, in the order of the
-- key, so that two who change ratings of one event do not wait for each other.
CREATE OR REPLACE FUNCTION count_ratings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO rating_counts AS kept (event_id, rating, number)
        SELECT event_id, rating, count(*) FROM came WHERE status = 'PUBLISHED'
        GROUP BY event_id, rating ORDER BY event_id, rating
        ON CONFLICT (event_id, rating) DO UPDATE SET number = kept.number + excluded.number;
    ELSIF TG_OP = 'DELETE' THEN
        UPDATE rating_counts SET number = rating_counts.number - counted.number
        FROM (
            SELECT event_id, rating, count(*) AS number FROM gone WHERE status = 'PUBLISHED' GROUP BY event_id, rating
        ) AS counted
        WHERE rating_counts.event_id = counted.event_id AND rating_counts.rating = counted.rating;
    ELSE
        PERFORM FROM rating_counts
        JOIN (SELECT event_id, rating FROM came UNION SELECT event_id, rating FROM gone) AS changed
            USING (event_id, rating)
        ORDER BY event_id, rating FOR NO KEY UPDATE OF rating_counts;
        UPDATE rating_counts SET number = rating_counts.number - counted.number
        FROM (
            SELECT event_id, rating, count(*) AS number FROM gone WHERE status = 'PUBLISHED' GROUP BY event_id, rating
        ) AS counted
        WHERE rating_counts.event_id = counted.event_id AND rating_counts.rating = counted.rating;
        INSERT INTO rating_counts AS kept (event_id, rating, number)
        SELECT event_id, rating, count(*) FROM came WHERE status = 'PUBLISHED'
        GROUP BY event_id, rating ORDER BY event_id, rating
        ON CONFLICT (event_id, rating) DO UPDATE SET number = kept.number + excluded.number;
    END IF;
    RETURN NULL;
END $$;
