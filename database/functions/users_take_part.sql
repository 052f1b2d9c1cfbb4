-- Nobody gives a deleted account a place. Before whatever gives one: whoever takes a place at the moment of the
-- deletion either has it before, and it is ended with the others, or waits for the row of the person here and is
-- refused. It is a lost race, so who asked is told to try again: then they are signed out.
-- It keeps for those who take part who may know of it: the row of the person is locked, so that a change of their
-- privacy comes before, or changes this row as well (`users_show_places`).
CREATE OR REPLACE FUNCTION users_take_part() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    person record;
BEGIN
    SELECT privacy, is_active INTO person FROM users WHERE id = NEW.user_id AND deleted_at IS NULL FOR SHARE;
    IF NOT FOUND AND EXISTS (SELECT FROM users WHERE id = NEW.user_id) THEN
        RAISE EXCEPTION 'the account % was deleted', NEW.user_id USING ERRCODE = 'serialization_failure';
    END IF;
    IF TG_TABLE_NAME = 'registrations' THEN
        NEW.shown_to := CASE WHEN person.is_active THEN audience_of(person.privacy, 'registrations') END;
    ELSIF TG_TABLE_NAME = 'club_memberships' THEN
        NEW.shown_to := audience_of(person.privacy, 'clubs');
    END IF;
    RETURN NEW;
END $$;
