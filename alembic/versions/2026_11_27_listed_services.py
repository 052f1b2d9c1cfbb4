"""lists of services: whether the event of each is put away, and what they are narrowed and sorted by

Revision ID: listed_services
Revises: mail_deliveries
"""

import sqlalchemy as sa
from alembic import op

revision = "listed_services"
down_revision = "mail_deliveries"
branch_labels = None
depends_on = None

FILL = """
CREATE FUNCTION services_fill_is_archived() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    NEW.is_archived = coalesce((SELECT status = 'ARCHIVED' FROM events WHERE id = NEW.event_id), false);
    RETURN NEW;
END $$
"""
FOLLOW = """
CREATE FUNCTION events_archive_services() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE services SET is_archived = NEW.status = 'ARCHIVED' WHERE event_id = NEW.id;
    RETURN NULL;
END $$
"""
TRIGGERS = [
    "CREATE TRIGGER services_fill_is_archived BEFORE INSERT OR UPDATE OF event_id ON services FOR EACH ROW "
    "EXECUTE FUNCTION services_fill_is_archived()",
    "CREATE TRIGGER events_archive_services AFTER UPDATE OF status ON events FOR EACH ROW WHEN "
    "((NEW.status = 'ARCHIVED') IS DISTINCT FROM (OLD.status = 'ARCHIVED')) "
    "EXECUTE FUNCTION events_archive_services()",
]


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run = op.get_bind().exec_driver_sql
    op.add_column("services", sa.Column("is_archived", sa.Boolean(), server_default="false", nullable=False))
    run("UPDATE services SET is_archived = true FROM events WHERE events.id = event_id AND status = 'ARCHIVED'")
    for statement in (FILL, FOLLOW, *TRIGGERS):
        run(statement)
    op.create_index("ix_services_open", "services", ["starts_at", "id"], postgresql_where=sa.text("NOT is_archived"))
    op.create_index("ix_services_starts_at_id", "services", ["starts_at", "id"])
    op.create_index("ix_services_service_type_id_starts_at_id", "services", ["service_type_id", "starts_at", "id"])
    op.drop_index("ix_services_service_type_id", table_name="services")
    op.create_index(
        "ix_services_staff_person_id_starts_at",
        "services",
        ["staff_person_id", "starts_at"],
        postgresql_where=sa.text("staff_person_id IS NOT NULL"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run = op.get_bind().exec_driver_sql
    op.drop_index("ix_services_staff_person_id_starts_at", table_name="services")
    op.create_index("ix_services_service_type_id", "services", ["service_type_id"])
    for index in ("ix_services_service_type_id_starts_at_id", "ix_services_starts_at_id", "ix_services_open"):
        op.drop_index(index, table_name="services")
    run("DROP TRIGGER events_archive_services ON events")
    run("DROP TRIGGER services_fill_is_archived ON services")
    run("DROP FUNCTION events_archive_services()")
    run("DROP FUNCTION services_fill_is_archived()")
    op.drop_column("services", "is_archived")
