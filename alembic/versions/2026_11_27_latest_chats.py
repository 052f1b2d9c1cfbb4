"""lists of chats begin with where something was said lately

The function `latest_chats` stands in `database/functions`.

Revision ID: latest_chats
Revises: pages_of_words
"""

from alembic import op

revision = "latest_chats"
down_revision = "pages_of_words"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index("ix_chats_last_message_at_id", "chats", ["last_message_at", "id"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP FUNCTION latest_chats(uuid, text[], boolean, timestamptz, uuid, boolean, integer)")
    op.drop_index("ix_chats_last_message_at_id", table_name="chats")
