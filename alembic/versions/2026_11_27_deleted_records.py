"""deleted events and services stay as records of those who took part

Revision ID: 0010_deleted_records
Revises: 0008_event_revisions
"""

import sqlalchemy as sa
from alembic import op

revision = "0010_deleted_records"
down_revision = "0008_event_revisions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in ("events", "services"):
        op.add_column(table, sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
        op.create_index(f"ix_{table}_deleted", table, ["id"], postgresql_where=sa.text("deleted_at IS NOT NULL"))
    op.create_check_constraint(
        op.f("ck_events_deleted_is_closed"), "events", "deleted_at IS NULL OR status IN ('CANCELLED', 'ARCHIVED')"
    )
    op.create_check_constraint(
        op.f("ck_services_deleted_is_cancelled"), "services", "deleted_at IS NULL OR cancelled_at IS NOT NULL"
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table, name in (("events", "deleted_is_closed"), ("services", "deleted_is_cancelled")):
        op.execute(f"DELETE FROM {table} WHERE deleted_at IS NOT NULL")
        op.drop_constraint(op.f(f"ck_{table}_{name}"), table, type_="check")
        op.drop_index(f"ix_{table}_deleted", table_name=table)
        op.drop_column(table, "deleted_at")
