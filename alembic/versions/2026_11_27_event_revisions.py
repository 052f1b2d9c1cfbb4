"""changes of events wait for review

Revision ID: 0008_event_revisions
Revises: put_out
"""

import sqlalchemy as sa
from alembic import op

revision = "0008_event_revisions"
down_revision = "put_out"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "event_revisions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.String(length=500), nullable=True),
        sa.Column("description", sa.String(length=20000), nullable=True),
        sa.Column("removes_description", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("venue_id", sa.Uuid(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("moves_services", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("reactivates", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "reactivates OR removes_description OR num_nonnulls(title, description, venue_id, starts_at, ends_at) > 0",
            name=op.f("ck_event_revisions_proposes_something"),
        ),
        sa.CheckConstraint(
            "description IS NULL OR NOT removes_description", name=op.f("ck_event_revisions_one_description")
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_event_revisions_event_id_events"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["venue_id"], ["venues.id"], name=op.f("fk_event_revisions_venue_id_venues")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_revisions")),
    )
    op.create_index(op.f("ix_event_revisions_event_id"), "event_revisions", ["event_id"])
    op.add_column("moderation_items", sa.Column("revision_id", sa.Uuid(), nullable=True))
    op.create_unique_constraint(op.f("uq_moderation_items_revision_id"), "moderation_items", ["revision_id"])
    op.create_foreign_key(
        op.f("fk_moderation_items_revision_id_event_revisions"),
        "moderation_items", "event_revisions", ["revision_id"], ["id"], ondelete="CASCADE",
    )  # fmt: skip


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DELETE FROM moderation_items WHERE revision_id IS NOT NULL")
    op.drop_column("moderation_items", "revision_id")
    op.drop_table("event_revisions")
