-- A registration stays at its event, a booking at its service. The argument of the trigger is the column.
CREATE OR REPLACE FUNCTION refuse_moved_place() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%.% does not change', TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = 'restrict_violation';
END $$;
