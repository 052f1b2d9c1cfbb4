"""why a place was taken away

Revision ID: 0008_cancel_reasons
Revises: 0007_folded_names
"""

import sqlalchemy as sa
from alembic import op

revision = "0008_cancel_reasons"
down_revision = "0007_folded_names"
branch_labels = None
depends_on = None

TABLES = ("registrations", "bookings", "services")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in TABLES:
        op.add_column(table, sa.Column("cancel_reason", sa.String(1000), nullable=True))
        op.create_check_constraint(
            op.f(f"ck_{table}_reason_belongs_to_cancellation"),
            table,
            "cancel_reason IS NULL OR cancelled_at IS NOT NULL",
        )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in TABLES:
        op.drop_constraint(op.f(f"ck_{table}_reason_belongs_to_cancellation"), table, type_="check")
        op.drop_column(table, "cancel_reason")
