"""what a statement asks once it holds a lock

A statement that waited for a lock sees other tables as they were before it waited. A volatile function sees them as
they are when it is called, so what must be known under the lock is asked by one.

Revision ID: 0004_asked_under_lock
Revises: 0003_job_queue
"""

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

# Members who do not follow the chat now and have not been told of it since they last looked (S3-06).
MEMBERS_AWAY = """
CREATE FUNCTION chat_members_away(chat uuid, author uuid) RETURNS SETOF uuid LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN QUERY
        SELECT reader.user_id FROM chat_members reader JOIN users ON users.id = reader.user_id
        WHERE reader.chat_id = chat AND reader.user_id <> author AND reader.left_at IS NULL AND users.is_active
            AND (reader.watching_until IS NULL OR reader.watching_until < now())
            AND NOT EXISTS (
                SELECT FROM notifications
                WHERE user_id = reader.user_id AND read_at IS NULL AND type = 'NEW_MESSAGE' AND subject_id = chat
            );
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(OFFERS_SERVICES)
    op.execute(MEMBERS_AWAY)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP FUNCTION chat_members_away(uuid, uuid)")
    op.execute("DROP FUNCTION event_offers_services(uuid)")
