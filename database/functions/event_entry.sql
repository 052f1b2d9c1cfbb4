-- What the club of an event says to who wants to take part: OPEN, MEMBERS_ONLY or RESTRICTED. A ban and the members'
-- own events are looked at here and nowhere else. Hosts of an event may take part in it without being members.
--
-- Volatile, as it is asked under the event's lock (see chat_members_to_tell).
CREATE OR REPLACE FUNCTION event_entry(event uuid, person uuid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    club record;
BEGIN
    SELECT
        events.visibility = 'CLUB' OR clubs.visibility = 'PRIVATE' AS members_only,
        membership.state = 'ACTIVE' AS is_member,
        membership.state = 'BANNED' AND coalesce(membership.banned_until > clock_timestamp(), true) AS is_banned
    INTO club
    FROM events
    JOIN clubs ON clubs.id = events.club_id
    LEFT JOIN club_memberships membership ON membership.club_id = clubs.id AND membership.user_id = person
    WHERE events.id = event;
    IF NOT FOUND THEN
        RETURN 'OPEN';
    ELSIF club.is_banned THEN
        RETURN 'RESTRICTED';
    ELSIF NOT club.members_only OR club.is_member
        OR EXISTS (SELECT FROM event_hosts host WHERE host.event_id = event AND host.user_id = person) THEN
        RETURN 'OPEN';
    END IF;
    RETURN 'MEMBERS_ONLY';
END $$;
