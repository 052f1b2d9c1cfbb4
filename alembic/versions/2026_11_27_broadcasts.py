"""news for many people, told in batches after the commit, and who is to be told of the next message of a chat

Revision ID: broadcasts
Revises: places_counted_together
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "broadcasts"
down_revision = "places_counted_together"
branch_labels = None
depends_on = None

WAKE = """
CREATE FUNCTION wake_broadcasters() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('broadcasts', '');
    RETURN NULL;
END $$
"""
TRIGGER = """
CREATE TRIGGER broadcasts_wake AFTER INSERT ON broadcasts FOR EACH STATEMENT EXECUTE FUNCTION wake_broadcasters()
"""
TOLD = """
UPDATE chat_members SET is_told = true FROM notifications told
WHERE told.subject_id = chat_members.chat_id AND told.user_id = chat_members.user_id AND told.type = 'NEW_MESSAGE'
    AND told.read_at IS NULL
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "broadcasts",
        sa.Column("number", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=False),
        sa.Column("audience", sa.String(20), nullable=False),
        sa.Column("recipients", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
        sa.Column("notice", postgresql.JSONB(), nullable=False),
        sa.Column("topic", sa.String(100), nullable=True),
        sa.Column("ends", postgresql.ARRAY(sa.String()), server_default="{}", nullable=False),
        sa.Column("ends_of_each", postgresql.ARRAY(sa.String()), server_default="{}", nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("done_up_to", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("served_at", sa.DateTime(timezone=True), server_default=sa.func.clock_timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_broadcasts")),
    )
    op.create_index(op.f("ix_broadcasts_object_id_number"), "broadcasts", ["object_id", "number"])
    has_topic = sa.text("topic IS NOT NULL")
    op.create_index(op.f("ix_broadcasts_topic"), "broadcasts", ["topic"], postgresql_where=has_topic)
    op.execute(WAKE)
    op.execute(TRIGGER)
    op.add_column("chat_members", sa.Column("is_told", sa.Boolean(), server_default="false", nullable=False))
    op.execute(TOLD)
    for name, columns, where in (
        ("ix_chat_members_to_tell", ["chat_id", "user_id"], "NOT is_told AND left_at IS NULL"),
        ("ix_chat_members_told", ["user_id", "chat_id"], "is_told"),
    ):
        op.create_index(name, "chat_members", columns, postgresql_where=sa.text(where))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("chat_members", "is_told")
    op.drop_table("broadcasts")
    op.execute("DROP FUNCTION wake_broadcasters()")
    op.execute("DROP FUNCTION IF EXISTS chat_members_to_tell(uuid, uuid, integer)")
