-- Whether an event is entered by booking its services.
CREATE OR REPLACE FUNCTION event_offers_services(event uuid) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN EXISTS (SELECT FROM services WHERE event_id = event AND cancelled_at IS NULL);
END $$;
