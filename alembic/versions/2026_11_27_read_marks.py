"""all notifications up to one are read at once, by one row

What was read by itself stays as it is.

Revision ID: read_marks
Revises: broadcasts
"""

import sqlalchemy as sa
from alembic import op

revision = "read_marks"
down_revision = "broadcasts"
branch_labels = None
depends_on = None

BACK = """
UPDATE notifications SET read_at = (
    SELECT mark.read_at FROM read_marks mark
    WHERE mark.user_id = notifications.user_id AND mark.sequence >= notifications.sequence
    ORDER BY mark.sequence LIMIT 1
)
WHERE read_at IS NULL AND EXISTS (
    SELECT FROM read_marks mark WHERE mark.user_id = notifications.user_id AND mark.sequence >= notifications.sequence
)
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("inboxes", sa.Column("read_sequence", sa.BigInteger(), server_default="0", nullable=False))
    op.create_table(
        "read_marks",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_read_marks_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "sequence", name=op.f("pk_read_marks")),
    )

    is_read = sa.text("read_at IS NOT NULL")
    name = "ix_notifications_read_by_themselves"
    op.create_index(name, "notifications", ["user_id", "sequence"], postgresql_where=is_read)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_notifications_read_by_themselves", "notifications")
    op.execute(BACK)
    op.drop_table("read_marks")
    op.drop_column("inboxes", "read_sequence")
