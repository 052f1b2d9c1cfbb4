"""sign-ups that are completed by the link

Revision ID: 0007_sign_ups
Revises: 0007_folded_names
"""

import sqlalchemy as sa
from alembic import op

revision = "0007_sign_ups"
down_revision = "0007_capacity_with_services"
branch_labels = None
depends_on = None

CANONICAL = "email ~ '^[!-?A-~]+@[a-z0-9.-]+$'"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "sign_ups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=255), nullable=False),
        sa.Column("handle", sa.String(length=50), nullable=False),
        sa.Column("display_name", sa.String(length=100), nullable=False),
        sa.Column("locale", sa.String(length=8), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(CANONICAL, name=op.f("ck_sign_ups_email_is_canonical")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ups")),
    )
    op.create_index(op.f("ix_sign_ups_created_at"), "sign_ups", ["created_at"])
    op.add_column("one_time_tokens", sa.Column("sign_up_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_one_time_tokens_sign_up_id_sign_ups"),
        "one_time_tokens", "sign_ups", ["sign_up_id"], ["id"], ondelete="CASCADE",
    )  # fmt: skip
    op.create_index(op.f("ix_one_time_tokens_sign_up_id"), "one_time_tokens", ["sign_up_id"])
    op.alter_column("one_time_tokens", "user_id", nullable=True)
    op.create_check_constraint(
        op.f("ck_one_time_tokens_sign_up_has_its_purpose"),
        "one_time_tokens",
        "(purpose = 'SIGN_UP') = (sign_up_id IS NOT NULL)",
    )
    op.create_check_constraint(
        op.f("ck_one_time_tokens_has_one_owner"), "one_time_tokens", "num_nonnulls(user_id, sign_up_id) = 1"
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DELETE FROM one_time_tokens WHERE user_id IS NULL")
    op.drop_constraint(op.f("ck_one_time_tokens_has_one_owner"), "one_time_tokens", type_="check")
    op.drop_constraint(op.f("ck_one_time_tokens_sign_up_has_its_purpose"), "one_time_tokens", type_="check")
    op.alter_column("one_time_tokens", "user_id", nullable=False)
    op.drop_index(op.f("ix_one_time_tokens_sign_up_id"), table_name="one_time_tokens")
    op.drop_constraint(op.f("fk_one_time_tokens_sign_up_id_sign_ups"), "one_time_tokens", type_="foreignkey")
    op.drop_column("one_time_tokens", "sign_up_id")
    op.drop_index(op.f("ix_sign_ups_created_at"), table_name="sign_ups")
    op.drop_table("sign_ups")
