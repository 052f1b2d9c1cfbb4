"""security notices

Revision ID: security_notices
Revises: 0009_notification_topics
"""

import sqlalchemy as sa
from alembic import op

revision = "security_notices"
down_revision = "0009_notification_topics"
branch_labels = None
depends_on = None

CANONICAL = "email ~ '^[!-?A-~]+@[a-z0-9.-]+$'"
KINDS = (
    "PASSWORD_CHANGED", "NEW_DEVICE", "PROVIDER_LINKED", "PROVIDER_UNLINKED", "EMAIL_CHANGE_ASKED", "EMAIL_CHANGED",
    "LOCKED_OUT",
)  # fmt: skip


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "security_notices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Enum(*KINDS, name="securitynoticekind", native_enum=False, length=32), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("user_agent", sa.String(length=400), nullable=True),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(CANONICAL, name=op.f("ck_security_notices_email_is_canonical")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_security_notices_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_notices")),
    )
    op.create_index(op.f("ix_security_notices_user_id_created_at"), "security_notices", ["user_id", "created_at"])
    op.create_index(op.f("ix_security_notices_created_at"), "security_notices", ["created_at"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("security_notices")
