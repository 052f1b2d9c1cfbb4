"""an event with services has a capacity

An event whose services were offered without a limit of people gets the highest number that its services could bring.

Revision ID: 0007_capacity_with_services
Revises: 0007_folded_names
"""

from alembic import op

revision = "0007_capacity_with_services"
down_revision = "0006_lists"
branch_labels = None
depends_on = None

EXISTING = """
UPDATE events SET capacity = greatest(taken, needed.largest, least(needed.together, 1000000))
FROM (
    SELECT event_id, max(services.capacity) AS largest, sum(services.capacity) AS together FROM services
    WHERE cancelled_at IS NULL GROUP BY event_id
) AS needed
WHERE events.id = needed.event_id AND events.capacity IS NULL
"""

NO_CAPACITY = """
    RAISE EXCEPTION 'an event with services has a capacity'
    USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_services_event_has_capacity';
"""


def service_within_event(*, needs_capacity: bool) -> str:
    refusal = f"IF NEW.cancelled_at IS NULL AND most IS NULL THEN {NO_CAPACITY} END IF;" if needs_capacity else ""
    return f"""
    CREATE OR REPLACE FUNCTION services_capacity_within_event() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        most integer;
    BEGIN
        SELECT capacity INTO most FROM events WHERE id = NEW.event_id FOR SHARE;
        {refusal}
        IF NEW.cancelled_at IS NULL AND NEW.capacity > most THEN
            RAISE EXCEPTION 'service capacity % is above the capacity % of its event', NEW.capacity, most
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_services_capacity_within_event';
        END IF;
        RETURN NULL;
    END $$
    """


def event_holds_services(*, needs_capacity: bool) -> str:
    offered = "SELECT FROM services WHERE event_id = NEW.id AND cancelled_at IS NULL"
    refusal = f"IF NEW.capacity IS NULL AND EXISTS ({offered}) THEN {NO_CAPACITY} END IF;" if needs_capacity else ""
    return f"""
    CREATE OR REPLACE FUNCTION events_capacity_holds_services() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        {refusal}
        IF EXISTS ({offered} AND services.capacity > NEW.capacity) THEN
            RAISE EXCEPTION 'event capacity % is below the capacity of one of its services', NEW.capacity
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_services_capacity_within_event';
        END IF;
        RETURN NULL;
    END $$
    """


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(EXISTING)
    op.execute(service_within_event(needs_capacity=True))
    op.execute(event_holds_services(needs_capacity=True))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(service_within_event(needs_capacity=False))
    op.execute(event_holds_services(needs_capacity=False))
