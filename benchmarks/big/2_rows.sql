-- Every table, by statements that need no order: two connections share them. Triggers and foreign keys are off.

INSERT INTO messages (id, chat_id, sequence, author_id, body, client_message_id, sent_at)
SELECT bench.id('Message', (CASE WHEN number = {talk_event} THEN 1000000000 ELSE number::bigint * 100 END) + sequence),
    bench.id('Chat', number), sequence,
    bench.id('User', CASE WHEN sequence % 3 = 0 OR people = 0 THEN host WHEN is_special THEN {special} + sequence % people
        ELSE {special} + number * 13 % {usual} END),
    (ARRAY['Всем привет', 'See you there', 'Где встречаемся', 'I will bring tea', 'Начало в семь', 'Thank you'])[1 + sequence % 6]
        || ', ' || sequence || '!',
    'm' || sequence, CASE WHEN number = {talk_event} THEN timestamptz '2025-06-01 09:00Z' - ({talk} - sequence) * interval
        '1 second' ELSE timestamptz '2023-06-01' + number * interval '10 minutes' + sequence * interval '1 second' END
FROM bench.plan, generate_series(1, said) AS sequence;

INSERT INTO registrations (id, event_id, user_id, admission, attendance, recorded_by_id, created_at, updated_at,
    cancelled_at, shown_to)
SELECT bench.id('Registration', places.id), bench.id('Event', number), bench.id('User', person),
    'CONFIRMED', CASE WHEN is_over AND turn % 9 < 8 THEN 'ATTENDED' WHEN is_over THEN 'NO_SHOW' ELSE 'EXPECTED' END,
    bench.id('User', person), at, at, NULL::timestamptz,
    audience_of(bench.privacy(person), 'registrations')
FROM bench.places JOIN bench.plan USING (number),
    LATERAL (SELECT timestamptz '2022-06-01' + number * interval '15 minutes' + turn * interval '7 seconds') AS made (at)
UNION ALL
SELECT bench.id('Registration', number::bigint * 100 + 90), bench.id('Event', number),
    bench.id('User', {special} + (number * 13 + {usual} / 3) % {usual}), 'CANCELLED', 'EXPECTED',
    bench.id('User', {special} + (number * 13 + {usual} / 3) % {usual}), at, at, at, NULL
FROM bench.plan, LATERAL (SELECT timestamptz '2022-06-01 08:00Z' + number * interval '15 minutes') AS made (at)
WHERE number % 4 = 0 AND people > 0 AND NOT is_special;

INSERT INTO bookings (id, service_id, event_id, user_id, admission, attendance, recorded_by_id, created_at, updated_at)
SELECT bench.id('Booking', places.id * 2 + second), bench.id('Service', number::bigint * 100 + place),
    bench.id('Event', number), bench.id('User', person), 'CONFIRMED',
    CASE WHEN is_over THEN 'ATTENDED' ELSE 'EXPECTED' END, bench.id('User', person), at, at
FROM bench.places JOIN bench.plan USING (number),
    generate_series(0, CASE WHEN NOT is_special AND turn % 4 = 0 AND number % 8 = 1 THEN 1 ELSE 0 END) AS second,
    LATERAL (SELECT CASE WHEN NOT is_special THEN (turn + 1 + second) % 2 WHEN turn < {booked_first} THEN 0
        WHEN turn < {booked_second} THEN 1 ELSE 2 + turn % ({crowd_services} - 2) END) AS chosen (place),
    LATERAL (SELECT timestamptz '2022-06-01' + number * interval '15 minutes' + turn * interval '7 seconds') AS made (at)
WHERE services > 0;

INSERT INTO services (id, event_id, service_type_id, starts_at, ends_at, capacity, taken, staff_person_id, version,
    created_at, updated_at, is_archived)
SELECT bench.id('Service', number::bigint * 100 + place), bench.id('Event', number),
    bench.id('ServiceType', (number + place) % 10), plan.starts_at + place * interval '30 minutes',
    plan.starts_at + (place + 1) * interval '30 minutes', CASE WHEN is_special THEN {crowd} + 100 ELSE 30 END,
    0, CASE WHEN place = 0 AND number % 10 = 1 THEN bench.id('User', {host}) END, 1,
    timestamptz '2022-06-01' + number * interval '15 minutes', timestamptz '2025-06-01', plan.status = 'ARCHIVED'
FROM bench.plan, generate_series(0, services - 1) AS place;

INSERT INTO events (id, title, description, status, visibility, category_id, club_id, venue_id, time_zone, starts_at,
    ends_at, capacity, taken, price_amount, availability_sequence, version, created_by_id, created_at, updated_at,
    published_at, cancelled_at, cancel_reason, completed_at, archived_at)
SELECT bench.id('Event', number),
    (ARRAY['Вечер', 'Утро', 'Джаз', 'Evening', 'Morning', 'Весна', 'Прогулка', 'Неделя', 'Great', 'Quiet', 'Концерт']
        )[1 + number % 11] || ' '
        || (ARRAY['джаза', 'в парке', 'dances', 'lecture', 'шахмат', 'hiking', 'в клубе', 'поэзии', 'музыки', 'кино',
            'рисования', 'tasting', 'в тишине'])[1 + number % 13]
        || CASE WHEN number % {rare} = 7 THEN ' {rare_word} kingfisher' ELSE '' END || ' № ' || number,
    'Приходите: ' || (
        SELECT string_agg((ARRAY['вечер', 'музыка', 'друзья', 'чай', 'сад', 'город', 'река', 'книги', 'разговор', 'свет',
            'зима', 'лето', 'театр', 'история', 'дорога', 'снег', 'джаз', 'песни', 'игра', 'мастер', 'evening', 'music',
            'friends', 'tea', 'garden', 'city', 'river', 'books', 'talk', 'light', 'winter', 'summer', 'theatre', 'story',
            'road', 'snow', 'songs', 'game', 'в', 'и', 'the', 'of'])[1 + (number * 7 + turn * turn * 3 + turn) % 42], ' ')
        FROM generate_series(0, 29) AS turn
    ) || '.',
    status, CASE WHEN club IS NOT NULL AND number % 40 = 35 THEN 'CLUB' WHEN number % 40 = 39 AND NOT is_special
        THEN 'UNLISTED' ELSE 'PUBLIC' END,
    bench.id('EventCategory', number % 8), bench.id('Club', club), bench.id('Venue', number % {venues}), 'Europe/Moscow',
    starts_at, starts_at + lasts, CASE WHEN is_special THEN {users} WHEN number % 2 = 1 OR number % 3 > 0 THEN 60 END,
    people + is_chatty::int, number % 4 * 250, 0, 1, bench.id('User', host),
    timestamptz '2022-05-01' + number * interval '15 minutes', timestamptz '2025-06-01',
    CASE WHEN is_out THEN timestamptz '2022-05-02' + number * interval '15 minutes' END,
    CASE WHEN status = 'CANCELLED' THEN timestamptz '2025-06-01' END, CASE WHEN status = 'CANCELLED' THEN 'Дождь' END,
    CASE WHEN is_over THEN starts_at + lasts END, CASE WHEN status = 'ARCHIVED' THEN starts_at + lasts END
FROM bench.plan;

INSERT INTO chat_members (chat_id, user_id, joined_at, joined_sequence, read_sequence)
SELECT bench.id('Chat', number), bench.id('User', person), timestamptz '2022-06-01', 0, said * (turn % 2) FROM bench.places
    JOIN bench.plan USING (number)
UNION ALL SELECT bench.id('Chat', number), bench.id('User', host), timestamptz '2022-05-02', 0, 0 FROM bench.plan WHERE is_out
UNION ALL SELECT bench.id('Chat', number), bench.id('User', second_host), timestamptz '2022-05-02', 0, 0 FROM bench.plan
    WHERE is_out AND second_host IS NOT NULL
UNION ALL SELECT bench.id('Chat', {club_chats}), bench.id('User', {special} + number), timestamptz '2022-06-01', 0, 50
    FROM generate_series(0, {club_members} - 1) AS number
UNION ALL SELECT bench.id('Chat', {club_chats}), bench.id('User', {owner}), timestamptz '2022-06-01', 0, 50
UNION ALL SELECT bench.id('Chat', {club_chats} + club), bench.id('User', {special} + (club * 37 + place * 11) % {usual}),
    timestamptz '2022-06-01', 0, 0
    FROM generate_series(1, {clubs} - 1) AS club, generate_series(0, 19) AS place
UNION ALL SELECT bench.id('Chat', {direct} + number), bench.id('User', person), timestamptz '2022-06-01', 0, 0
    FROM generate_series(0, {direct_chats} - 1) AS number, unnest(ARRAY[{chatty}, {special} + number]) AS person;

INSERT INTO chats (id, kind, event_id, club_id, direct_key, last_sequence, last_message_at, created_at)
SELECT bench.id('Chat', number), 'EVENT', bench.id('Event', number), NULL::uuid, NULL, said,
    CASE WHEN number = {talk_event} THEN timestamptz '2025-06-01 09:00Z'
        ELSE timestamptz '2023-06-01' + number * interval '10 minutes' + said * interval '1 second' END,
    timestamptz '2022-05-02'
FROM bench.plan WHERE is_out
UNION ALL SELECT bench.id('Chat', {club_chats} + club), 'CLUB', NULL, bench.id('Club', club), NULL,
    CASE WHEN club = 0 THEN 50 ELSE 0 END, timestamptz '2024-01-01' + club * interval '1 minute', timestamptz '2022-05-02'
FROM generate_series(0, {clubs} - 1) AS club
UNION ALL SELECT bench.id('Chat', {direct} + number), 'DIRECT', NULL, NULL,
    least(bench.id('User', {chatty}), bench.id('User', {special} + number)) || ' '
        || greatest(bench.id('User', {chatty}), bench.id('User', {special} + number)),
    2, timestamptz '2024-06-01' + (number * 10 + 2) * interval '1 second', timestamptz '2022-05-02'
FROM generate_series(0, {direct_chats} - 1) AS number;

INSERT INTO messages (id, chat_id, sequence, author_id, body, client_message_id, sent_at)
SELECT bench.id('Message', 2000000000::bigint + sequence), bench.id('Chat', {club_chats}), sequence,
    bench.id('User', {special} + sequence % {club_members}), 'Клубу: ' || sequence, 'c' || sequence,
    timestamptz '2024-01-01' - (50 - sequence) * interval '1 minute'
FROM generate_series(1, 50) AS sequence
UNION ALL SELECT bench.id('Message', 3000000000::bigint + number * 10 + sequence), bench.id('Chat', {direct} + number),
    sequence, bench.id('User', CASE sequence WHEN 1 THEN {chatty} ELSE {special} + number END), 'Привет!', 'd' || sequence,
    timestamptz '2024-06-01' + (number * 10 + sequence) * interval '1 second'
FROM generate_series(0, {direct_chats} - 1) AS number, generate_series(1, 2) AS sequence;

INSERT INTO users (id, handle, email, email_verified_at, role, is_active, is_trusted, locale, time_zone, display_name,
    bio, location, privacy, created_at, updated_at)
SELECT bench.id('User', number), 'person' || number, 'person' || number || '@example.org', timestamptz '2022-01-01',
    CASE number WHEN {admin} THEN 'ADMIN' WHEN {moderator} THEN 'MODERATOR' ELSE 'USER' END, true, false,
    CASE WHEN number % 3 = 0 THEN 'en' ELSE 'ru' END, 'Europe/Moscow', 'Person ' || number, 'Люблю хорошие вечера.',
    'Москва', bench.privacy(number),
    timestamptz '2022-01-01' + number * interval '1 minute', timestamptz '2022-01-01' + number * interval '1 minute'
FROM generate_series(0, {users} - 1) AS number;

INSERT INTO notifications (id, user_id, sequence, type, subject_type, subject_id, actor_id, params, created_at)
SELECT bench.id('Notification', number), bench.id('User', {inbox}), number,
    (ARRAY['NEW_MESSAGE', 'PARTICIPANT_JOINED', 'REGISTRATION_CONFIRMED', 'EVENT_CANCELLED'])[1 + number % 4],
    CASE number % 4 WHEN 0 THEN 'Chat' ELSE 'Event' END,
    bench.id(CASE number % 4 WHEN 0 THEN 'Chat' ELSE 'Event' END, number % {half} / 4 * 4),
    bench.id('User', {special} + number % {usual}),
    jsonb_build_object('name', 'Вечер джаза № ' || number, 'person', 'Person ' || number,
        'starts_at', '2041-01-02T16:00:00+00:00', 'time_zone', 'Europe/Moscow'),
    timestamptz '2025-06-01' - ({notifications} - number) * interval '1 minute'
FROM generate_series(1, {notifications}) AS number;

INSERT INTO notifications (id, user_id, sequence, type, subject_type, subject_id, actor_id, params, created_at, read_at)
SELECT bench.id('Notification', 1000000 + person::bigint * 10 + number), bench.id('User', person), number,
    (ARRAY['REGISTRATION_CONFIRMED', 'PARTICIPANT_JOINED'])[number], 'Event',
    bench.id('Event', person % {half} / 4 * 4), bench.id('User', person),
    jsonb_build_object('name', 'Вечер поэзии', 'person', 'Person', 'starts_at', '2041-01-02T16:00:00+00:00', 'time_zone',
        'Europe/Moscow'),
    timestamptz '2025-05-01' + person * interval '1 second', CASE number WHEN 1 THEN timestamptz '2025-05-20' END
FROM generate_series({special}, {users} - 1) AS person, generate_series(1, 2) AS number;

INSERT INTO inboxes (user_id, last_sequence)
SELECT bench.id('User', number), CASE WHEN number = {inbox} THEN {notifications} WHEN number >= {special} THEN 2 ELSE 0 END
FROM generate_series(0, {users} - 1) AS number;

INSERT INTO event_interests (event_id, interest_id)
SELECT bench.id('Event', number), bench.id('Interest', (number + turn * 7) % 39) FROM bench.plan, generate_series(0, 2) AS turn
UNION ALL SELECT bench.id('Event', number), bench.id('Interest', 39) FROM bench.plan WHERE number % {rare} = 5;

INSERT INTO user_interests (user_id, interest_id)
SELECT bench.id('User', number), bench.id('Interest', (number + turn * 7) % 39)
FROM generate_series(0, {users} - 1) AS number, generate_series(0, 2) AS turn;

INSERT INTO event_hosts (event_id, user_id, role, created_at)
SELECT bench.id('Event', number), bench.id('User', host), 'ORGANIZER', timestamptz '2022-05-01' FROM bench.plan
UNION ALL SELECT bench.id('Event', number), bench.id('User', second_host), 'CO_ORGANIZER', timestamptz '2022-05-02'
FROM bench.plan WHERE second_host IS NOT NULL;

INSERT INTO reviews (id, event_id, author_id, rating, text, status, created_at, updated_at)
SELECT bench.id('Review', places.id), bench.id('Event', number), bench.id('User', person),
    1 + (number + turn) % 5, CASE WHEN turn % 3 > 0 THEN 'Было хорошо, спасибо!' END, 'PUBLISHED', at, at
FROM bench.places JOIN bench.plan USING (number),
    LATERAL (SELECT timestamptz '2025-01-01' + number * interval '1 minute' + turn * interval '1 second') AS made (at)
WHERE is_over AND turn >= 0 AND (number = {reviewed_event} OR number % 2 = 0 AND turn < 2);

INSERT INTO sessions (id, user_id, created_at, last_used_at, expires_at)
SELECT bench.id('Session', number), bench.id('User', number), timestamptz '2025-06-01', timestamptz '2025-06-01',
    timestamptz '2050-01-01'
FROM generate_series(0, {users} - 1) AS number;

INSERT INTO clubs (id, name, description, kind, visibility, join_policy, version, created_at, updated_at)
SELECT bench.id('Club', number), CASE number WHEN 0 THEN 'Большой клуб' ELSE (ARRAY['Клуб вечеров', 'Friends of jazz',
    'Шахматный клуб', 'Hiking club'])[1 + number % 4] || ' ' || number END, 'Друзья и вечера, friends and evenings.',
    CASE WHEN number % 7 = 6 THEN 'GROUP' ELSE 'CLUB' END, CASE WHEN number % 25 = 24 THEN 'PRIVATE' ELSE 'PUBLIC' END,
    'OPEN', 1, timestamptz '2022-02-01' + number * interval '1 hour', timestamptz '2022-02-01' + number * interval '1 hour'
FROM generate_series(0, {clubs} - 1) AS number;

INSERT INTO club_interests (club_id, interest_id)
SELECT bench.id('Club', number), bench.id('Interest', (number + turn * 7) % 39)
FROM generate_series(0, {clubs} - 1) AS number, generate_series(0, 1) AS turn;

INSERT INTO club_memberships (id, club_id, user_id, role, state, joined_at, created_at, updated_at, shown_to)
SELECT *, 'MEMBERS' FROM (
SELECT bench.id('ClubMembership', 100 + number), bench.id('Club', 0), bench.id('User', {special} + number),
    CASE WHEN number >= 50 THEN 'MEMBER' WHEN number % 2 = 0 THEN 'MODERATOR' ELSE 'ADMIN' END, 'ACTIVE',
    at, at, at
FROM generate_series(0, {club_members} - 1) AS number,
    LATERAL (SELECT timestamptz '2022-06-01' + number * interval '1 minute') AS made (at)
UNION ALL SELECT bench.id('ClubMembership', 1), bench.id('Club', 0), bench.id('User', {owner}), 'OWNER', 'ACTIVE',
    timestamptz '2022-05-01', timestamptz '2022-05-01', timestamptz '2022-05-01'
UNION ALL SELECT bench.id('ClubMembership', 200000 + number), bench.id('Club', 0),
    bench.id('User', {special} + {club_members} + number), 'MEMBER', 'PENDING', NULL, timestamptz '2025-05-01',
    timestamptz '2025-05-01'
FROM generate_series(0, {club_members} / 100 - 1) AS number
UNION ALL SELECT bench.id('ClubMembership', 1000000 + club * 20 + place), bench.id('Club', club),
    bench.id('User', {special} + (club * 37 + place * 11) % {usual}), CASE place WHEN 0 THEN 'OWNER' ELSE 'MEMBER' END,
    'ACTIVE', timestamptz '2022-06-01', timestamptz '2022-06-01', timestamptz '2022-06-01'
FROM generate_series(1, {clubs} - 1) AS club, generate_series(0, 19) AS place
) AS members;

INSERT INTO venues (id, name, address, time_zone, latitude, longitude, created_at, last_used_at)
SELECT bench.id('Venue', number), (ARRAY['Зал', 'Клуб', 'Hall', 'Парк', 'Gallery'])[1 + number % 5] || ' № ' || number,
    (ARRAY['улица Гиляровского', 'Main street', 'Тихий переулок', 'набережная'])[1 + number % 4] || ', ' || number,
    'Europe/Moscow', 55.5 + number % 1000 / 2000.0, 37.3 + number % 997 / 2000.0,
    timestamptz '2022-01-01' + number * interval '1 minute', timestamptz '2025-01-01' + number * interval '1 minute'
FROM generate_series(0, {venues} - 1) AS number;

INSERT INTO notification_preferences (user_id, type, channel, is_enabled)
SELECT bench.id('User', number), type, channel, (number + length(type)) % 3 > 0
FROM generate_series(0, {users} - 1) AS number,
    (VALUES ('EVENT_CHANGED', 'EMAIL'), ('EVENT_CANCELLED', 'EMAIL'), ('SERVICE_CANCELLED', 'EMAIL'),
        ('REGISTRATION_CONFIRMED', 'EMAIL')) AS chosen (type, channel);

INSERT INTO notification_preferences (user_id, type, channel, is_enabled)
SELECT bench.id('User', number), 'NEW_MESSAGE', 'IN_APP', true FROM generate_series(0, {users} - 1) AS number;

INSERT INTO event_categories (id, slug, name_ru, name_en)
SELECT bench.id('EventCategory', number), 'category-' || number,
    (ARRAY['Лекции', 'Прогулки', 'Танцы', 'Настольные игры', 'Концерты', 'Спорт', 'Ремёсла', 'Кино'])[1 + number],
    (ARRAY['Lectures', 'Walks', 'Dances', 'Board games', 'Concerts', 'Sports', 'Crafts', 'Cinema'])[1 + number]
FROM generate_series(0, 7) AS number;

INSERT INTO interests (id, slug, name_ru, name_en)
SELECT bench.id('Interest', number), 'interest-' || number, CASE number WHEN 39 THEN 'Наблюдение за птицами'
    ELSE (ARRAY['Музыка', 'Шахматы', 'Походы', 'История', 'Кулинария'])[1 + number % 5] || ' ' || number END,
    CASE number WHEN 39 THEN 'Birdwatching'
    ELSE (ARRAY['Music', 'Chess', 'Hiking', 'History', 'Cooking'])[1 + number % 5] || ' ' || number END
FROM generate_series(0, 39) AS number;

INSERT INTO service_types (id, slug, name_ru, name_en, default_capacity)
SELECT bench.id('ServiceType', number), 'service-' || number, 'Услуга ' || number, 'Service ' || number, 20
FROM generate_series(0, 9) AS number;

INSERT INTO moderation_items (id, event_id, state, submitted_by_id, decided_by_id, decided_at, created_at)
SELECT bench.id('ModerationItem', number), bench.id('Event', number),
    CASE status WHEN 'PENDING_REVIEW' THEN 'PENDING' ELSE 'APPROVED' END, bench.id('User', host),
    CASE WHEN is_out THEN bench.id('User', {moderator}) END, CASE WHEN is_out THEN timestamptz '2022-05-02' END,
    timestamptz '2022-05-01' + number * interval '15 minutes'
FROM bench.plan WHERE status = 'PENDING_REVIEW' OR is_out AND number % 10 = 3;
