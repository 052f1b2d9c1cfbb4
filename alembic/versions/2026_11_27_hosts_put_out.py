"""nobody hosts an event who was put out of it, or of its club

Revision ID: hosts_put_out
Revises: access_changes
"""

from alembic import op

revision = "hosts_put_out"
down_revision = "access_changes"
branch_labels = None
depends_on = None

# The locks are those that whoever writes the row holds already, in their order: a ban holds the club's, a removal from
# the event the event's.
REFUSE = """
CREATE FUNCTION refuse_host_put_out() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM FROM clubs WHERE id = (SELECT club_id FROM events WHERE id = NEW.event_id) FOR SHARE;
    PERFORM FROM events WHERE id = NEW.event_id FOR NO KEY UPDATE;
    IF event_entry(NEW.event_id, NEW.user_id) = 'RESTRICTED' OR EXISTS (
        SELECT FROM registrations registration
        WHERE registration.event_id = NEW.event_id AND registration.user_id = NEW.user_id
            AND registration.admission = 'REJECTED'
    ) THEN
        RAISE EXCEPTION 'who was put out has no role'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'ck_event_hosts_not_put_out';
    END IF;
    RETURN NEW;
END $$
"""
# Their chats with the roles, as the rule does: those of past events too, of which they hold a place there still.
END_ROLES = """
WITH ended AS (
    DELETE FROM event_hosts host USING events, club_memberships membership
    WHERE events.id = host.event_id AND membership.club_id = events.club_id AND membership.user_id = host.user_id
        AND membership.state = 'BANNED' AND coalesce(membership.banned_until > now(), true)
    RETURNING host.event_id, host.user_id
)
UPDATE chat_members member SET left_at = now(), left_sequence = chats.last_sequence, watching_until = NULL
FROM chats, ended
WHERE chats.event_id = ended.event_id AND member.chat_id = chats.id AND member.user_id = ended.user_id
    AND member.left_at IS NULL
"""
HAND_ON = """
UPDATE event_hosts SET role = 'ORGANIZER'
FROM (
    SELECT DISTINCT ON (host.event_id) host.event_id, host.user_id
    FROM event_hosts host JOIN users ON users.id = host.user_id
    WHERE host.role = 'CO_ORGANIZER' AND users.is_active AND NOT EXISTS (
        SELECT FROM event_hosts other WHERE other.event_id = host.event_id AND other.role = 'ORGANIZER'
    )
    ORDER BY host.event_id, host.created_at, host.user_id
) heir
WHERE event_hosts.event_id = heir.event_id AND event_hosts.user_id = heir.user_id
"""
# Whoever kept a role at an event ran it all the same.
LET_BACK = """
UPDATE registrations SET admission = 'CANCELLED'
FROM event_hosts host
WHERE host.event_id = registrations.event_id AND host.user_id = registrations.user_id
    AND registrations.admission = 'REJECTED'
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in (END_ROLES, HAND_ON, LET_BACK, REFUSE):
        op.execute(statement)
    op.execute(
        "CREATE TRIGGER event_hosts_refuse_put_out BEFORE INSERT ON event_hosts "
        "FOR EACH ROW EXECUTE FUNCTION refuse_host_put_out()"
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TRIGGER event_hosts_refuse_put_out ON event_hosts")
    op.execute("DROP FUNCTION refuse_host_put_out()")
