"""what a statement asks once it holds a lock

A statement that waited for a lock sees other tables as they were before it waited. A volatile function sees them as
they are when it is called, so what must be known under the lock is asked by one.

Revision ID: 0004_asked_under_lock
Revises: 0003_job_queue
"""

import sqlalchemy as sa
from alembic import op

revision = "0004_asked_under_lock"
down_revision = "0003_job_queue"
branch_labels = None
depends_on = None

OFFERS_SERVICES = """
CREATE FUNCTION event_offers_services(event uuid) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM services WHERE event_id = event AND cancelled_at IS NULL);
END $$
"""

# Members who do not follow the chat now and have not been told of it since they last looked. Most have been
# told: those are found by one look into an index, and only the others are looked at any further.
MEMBERS_AWAY = """
CREATE FUNCTION chat_members_away(chat uuid, author uuid) RETURNS SETOF uuid LANGUAGE plpgsql VOLATILE ROWS 5 AS $$
BEGIN
    RETURN QUERY
        SELECT reader.user_id FROM chat_members reader JOIN users ON users.id = reader.user_id
        WHERE reader.chat_id = chat AND reader.user_id <> author AND reader.left_at IS NULL AND users.is_active
            AND (reader.watching_until IS NULL OR reader.watching_until < now())
            AND reader.user_id NOT IN (
                SELECT told.user_id FROM notifications told
                WHERE told.subject_id = chat AND told.type = 'NEW_MESSAGE' AND told.read_at IS NULL
            );
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index(
        "ix_notifications_subject_id_user_id",
        "notifications",
        ["subject_id", "user_id"],
        postgresql_where=sa.text("read_at IS NULL AND type = 'NEW_MESSAGE'"),
    )
    op.execute(OFFERS_SERVICES)
    op.execute(MEMBERS_AWAY)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP FUNCTION chat_members_away(uuid, uuid)")
    op.execute("DROP FUNCTION event_offers_services(uuid)")
    op.drop_index("ix_notifications_subject_id_user_id", "notifications")
