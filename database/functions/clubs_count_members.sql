-- Keep clubs.member_count equal to the active members, whoever writes them. Once after each statement.
CREATE OR REPLACE FUNCTION clubs_count_members() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE clubs SET member_count = member_count + counted.number
        FROM (SELECT club_id, count(*) AS number FROM came WHERE state = 'ACTIVE' GROUP BY club_id) AS counted
        WHERE clubs.id = counted.club_id;
    ELSIF TG_OP = 'DELETE' THEN
        UPDATE clubs SET member_count = member_count - counted.number
        FROM (SELECT club_id, count(*) AS number FROM gone WHERE state = 'ACTIVE' GROUP BY club_id) AS counted
        WHERE clubs.id = counted.club_id;
    ELSE
        UPDATE clubs SET member_count = member_count + counted.number
        FROM (
            SELECT club_id, sum(number) AS number
            FROM (
                SELECT club_id, 1 AS number FROM came WHERE state = 'ACTIVE'
                UNION ALL
                SELECT club_id, -1 FROM gone WHERE state = 'ACTIVE'
            ) AS changed
            GROUP BY club_id HAVING sum(number) <> 0
        ) AS counted
        WHERE clubs.id = counted.club_id;
    END IF;
    RETURN NULL;
END $$;
