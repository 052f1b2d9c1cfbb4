"""one notification for what is repeated

Revision ID: 0009_notification_topics
Revises: 0008_cancel_reasons
"""

import sqlalchemy as sa
from alembic import op

revision = "0009_notification_topics"
down_revision = "0008_known_devices"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("notifications", sa.Column("topic", sa.String(100), nullable=True))
    op.add_column("notifications", sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        op.f("ix_notifications_topic_user_id"),
        "notifications",
        ["topic", "user_id"],
        postgresql_where=sa.text("topic IS NOT NULL"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index(op.f("ix_notifications_topic_user_id"), table_name="notifications")
    op.drop_column("notifications", "updated_at")
    op.drop_column("notifications", "topic")
