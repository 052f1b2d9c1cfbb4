"""events come back

Revision ID: 0006_events_come_back
Revises: 0005_private_clubs
"""

import sqlalchemy as sa
from alembic import op

revision = "0006_events_come_back"
down_revision = "0006_mail_addresses"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "events", sa.Column("put_away_by_staff", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("events", sa.Column("previous_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_events_previous_id_events"), "events", "events", ["previous_id"], ["id"], ondelete="SET NULL"
    )
    op.create_index(
        op.f("ix_events_previous_id"), "events", ["previous_id"], postgresql_where=sa.text("previous_id IS NOT NULL")
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index(op.f("ix_events_previous_id"), table_name="events")
    op.drop_constraint(op.f("fk_events_previous_id_events"), "events", type_="foreignkey")
    op.drop_column("events", "previous_id")
    op.drop_column("events", "put_away_by_staff")
