-- Whether an event is entered by booking its services. Asked by processes of the release before; `change_places` compares
-- the services themselves.
CREATE OR REPLACE FUNCTION event_offers_services(event uuid) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN EXISTS (SELECT FROM services WHERE event_id = event AND cancelled_at IS NULL);
END $$;
