"""the database counts taken places and refuses an oversell

Revision ID: 0002_taken_places
Revises: 0001_first_tables
"""

from alembic import op

revision = "0002_taken_places"
down_revision = "0001_first_tables"
branch_labels = None
depends_on = None

HOLDS = "admission IN ('CONFIRMED', 'OFFERED')"


def counting_trigger(table: str, owner: str, key: str) -> str:
    """Keeps `taken` of the owner equal to the rows that hold a place, whoever writes them."""
    return f"""
    CREATE FUNCTION {table}_count_taken() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        held boolean := TG_OP <> 'INSERT' AND OLD.{HOLDS};
        holds boolean := TG_OP <> 'DELETE' AND NEW.{HOLDS};
    BEGIN
        IF TG_OP = 'UPDATE' AND OLD.{key} <> NEW.{key} THEN
            RAISE EXCEPTION '{table}.{key} does not change' USING ERRCODE = 'restrict_violation';
        END IF;
        IF held AND NOT holds THEN
            UPDATE {owner} SET taken = taken - 1 WHERE id = OLD.{key};
        ELSIF holds AND NOT held THEN
            UPDATE {owner} SET taken = taken + 1 WHERE id = NEW.{key};
        END IF;
        RETURN NULL;
    END $$
    """


SERVICE_WITHIN_EVENT = """
CREATE FUNCTION services_capacity_within_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    most integer;
BEGIN
    SELECT capacity INTO most FROM events WHERE id = NEW.event_id FOR SHARE;
    IF NEW.cancelled_at IS NULL AND NEW.capacity > most THEN
        RAISE EXCEPTION 'service capacity % is above the capacity % of its event', NEW.capacity, most
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_services_capacity_within_event';
    END IF;
    RETURN NULL;
END $$
"""

EVENT_HOLDS_SERVICES = """
CREATE FUNCTION events_capacity_holds_services() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM services
        WHERE event_id = NEW.id AND cancelled_at IS NULL AND services.capacity > NEW.capacity
    ) THEN
        RAISE EXCEPTION 'event capacity % is below the capacity of one of its services', NEW.capacity
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_services_capacity_within_event';
    END IF;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table, owner, key in (("registrations", "events", "event_id"), ("bookings", "services", "service_id")):
        op.execute(counting_trigger(table, owner, key))
        op.execute(
            f"CREATE TRIGGER {table}_count_taken AFTER INSERT OR DELETE OR UPDATE OF admission, {key} ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {table}_count_taken()"
        )
    op.execute(SERVICE_WITHIN_EVENT)
    op.execute(
        "CREATE TRIGGER services_capacity_within_event AFTER INSERT OR UPDATE OF capacity, cancelled_at ON services "
        "FOR EACH ROW EXECUTE FUNCTION services_capacity_within_event()"
    )
    op.execute(EVENT_HOLDS_SERVICES)
    op.execute(
        "CREATE TRIGGER events_capacity_holds_services AFTER UPDATE OF capacity ON events "
        "FOR EACH ROW WHEN (NEW.capacity IS DISTINCT FROM OLD.capacity) "
        "EXECUTE FUNCTION events_capacity_holds_services()"
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TRIGGER events_capacity_holds_services ON events")
    op.execute("DROP FUNCTION events_capacity_holds_services()")
    op.execute("DROP TRIGGER services_capacity_within_event ON services")
    op.execute("DROP FUNCTION services_capacity_within_event()")
    for table in ("bookings", "registrations"):
        op.execute(f"DROP TRIGGER {table}_count_taken ON {table}")
        op.execute(f"DROP FUNCTION {table}_count_taken()")
