"""copies of one's own data

Revision ID: data_exports
Revises: account_deletion
"""

import sqlalchemy as sa
from alembic import op

revision = "data_exports"
down_revision = "search_forms"
branch_labels = None
depends_on = None

STATES = ("QUEUED", "READY", "FAILED", "EXPIRED")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "data_exports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Enum(*STATES, name="dataexportstate", native_enum=False, length=32), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state <> 'READY' OR num_nonnulls(size, finished_at, expires_at) = 3",
            name=op.f("ck_data_exports_what_is_ready_is_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_data_exports_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_exports")),
    )
    op.create_index(op.f("ix_data_exports_user_id_created_at"), "data_exports", ["user_id", "created_at"])
    op.create_index(op.f("ix_data_exports_state_created_at"), "data_exports", ["state", "created_at"])
    op.create_index(
        "uq_data_exports_queued",
        "data_exports",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("state = 'QUEUED'"),
    )
    op.create_table(
        "data_export_parts",
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["export_id"],
            ["data_exports.id"],
            name=op.f("fk_data_export_parts_export_id_data_exports"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("export_id", "position", name=op.f("pk_data_export_parts")),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_table("data_export_parts")
    op.drop_table("data_exports")
