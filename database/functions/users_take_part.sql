-- Nobody gives a deleted account a place. Before whatever gives one: whoever takes a place at the moment of the
-- deletion either has it before, and it is ended with the others, or waits for the row of the person here and is
-- refused. It is a lost race, so who asked is told to try again: then they are signed out.
CREATE OR REPLACE FUNCTION users_take_part() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM users WHERE id = NEW.user_id AND deleted_at IS NULL FOR SHARE;
    IF NOT FOUND AND EXISTS (SELECT FROM users WHERE id = NEW.user_id) THEN
        RAISE EXCEPTION 'the account % was deleted', NEW.user_id USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN NEW;
END $$;
