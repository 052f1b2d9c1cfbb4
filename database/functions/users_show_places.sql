-- Whoever changes who may see their places and clubs, or whose account ends or comes back: keep `shown_to` of both. A place
-- that is given at the same moment waits for the row of the person, or is there already (`users_take_part`). Rows that give
-- no place now are left alone: they are filled when they do, by somebody who may hold them and wait for the person.
CREATE OR REPLACE FUNCTION users_show_places() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE registrations SET shown_to = CASE WHEN NEW.is_active THEN audience_of(NEW.privacy, 'registrations') END
    WHERE user_id = NEW.id AND admission IN ('CONFIRMED', 'OFFERED')
        AND shown_to IS DISTINCT FROM CASE WHEN NEW.is_active THEN audience_of(NEW.privacy, 'registrations') END;
    UPDATE club_memberships SET shown_to = audience_of(NEW.privacy, 'clubs')
    WHERE user_id = NEW.id AND state = 'ACTIVE' AND shown_to IS DISTINCT FROM audience_of(NEW.privacy, 'clubs');
    RETURN NULL;
END $$;
