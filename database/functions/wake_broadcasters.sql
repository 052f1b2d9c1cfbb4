-- Wake the workers that tell many people. The name of the channel stands in `jobs/notifications/broadcasts.py`.
CREATE OR REPLACE FUNCTION wake_broadcasters() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('broadcasts', '');
    RETURN NULL;
END $$;
