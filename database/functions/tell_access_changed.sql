-- Tell live streams of every row that takes a right away, by an event of the outbox that is owed to them alone:
-- `realtime.streams.access_stream` has its name. Who gives a place back loses sight of the event only where it is not
-- open to all. Arguments of the trigger: the column with the id by which streams hear of it, and what has that id.
CREATE OR REPLACE FUNCTION tell_access_changed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    whose uuid := to_jsonb(OLD) ->> TG_ARGV[0];
    told uuid := gen_random_uuid();
BEGIN
    IF TG_TABLE_NAME = 'registrations' THEN
        PERFORM FROM events LEFT JOIN clubs ON clubs.id = events.club_id
        WHERE events.id = OLD.event_id AND (events.visibility = 'CLUB' OR clubs.visibility = 'PRIVATE');
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
    END IF;
    INSERT INTO outbox (id, name, subject_type, subject_id, metadata, stream, sequence)
    VALUES (told, 'access.changed', TG_ARGV[1], whose, '{}', 'access:' || whose, 0);
    INSERT INTO outbox_deliveries (event_id, consumer) VALUES (told, 'live');
    RETURN NULL;
END $$;
