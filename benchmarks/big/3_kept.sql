-- What triggers would have written and 2_rows.sql does not count beforehand. A new counter or side table adds its
-- statement, which is run when all rows are there.

UPDATE services SET taken = counted.people FROM (
    SELECT service_id, count(*) AS people FROM bookings WHERE admission IN ('CONFIRMED', 'OFFERED') GROUP BY service_id
) AS counted WHERE counted.service_id = services.id;

UPDATE clubs SET member_count = counted.people FROM (
    SELECT club_id, count(*) AS people FROM club_memberships WHERE state = 'ACTIVE' GROUP BY club_id
) AS counted WHERE counted.club_id = clubs.id;

INSERT INTO rating_counts (event_id, rating, number)
SELECT event_id, rating, count(*) FROM reviews WHERE status = 'PUBLISHED' GROUP BY event_id, rating;

UPDATE chat_members SET is_told = true FROM notifications
WHERE notifications.subject_id = chat_members.chat_id AND notifications.user_id = chat_members.user_id
    AND notifications.type = 'NEW_MESSAGE' AND notifications.read_at IS NULL;
