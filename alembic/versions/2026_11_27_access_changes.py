"""live streams hear of every row that takes a right away

Rules told them of some: a closed session, a role, a membership, a chat that was left. Nobody told of an event that was
hidden, of a club that became private, of hosts and participants who were put out, of users who were deactivated. The
database tells of all of them, whoever writes the row.

Revision ID: access_changes
Revises: mail_deliveries
"""

from alembic import op

revision = "access_changes"
down_revision = "data_exports"
branch_labels = None
depends_on = None

# An event of the outbox that is owed to live streams alone: `realtime.streams.access_stream` has its name. Who gives a
# place back loses sight of the event only where it is not open to all.
TELL = """
CREATE FUNCTION tell_access_changed() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    whose uuid := to_jsonb(OLD) ->> TG_ARGV[0];
    told uuid := gen_random_uuid();
BEGIN
    IF TG_TABLE_NAME = 'registrations' THEN
        PERFORM FROM events LEFT JOIN clubs ON clubs.id = events.club_id
        WHERE events.id = OLD.event_id AND (events.visibility = 'CLUB' OR clubs.visibility = 'PRIVATE');
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
    END IF;
    INSERT INTO outbox (id, name, subject_type, subject_id, metadata, stream, sequence)
    VALUES (told, 'access.changed', TG_ARGV[1], whose, '{}', 'access:' || whose, 0);
    INSERT INTO outbox_deliveries (event_id, consumer) VALUES (told, 'live');
    RETURN NULL;
END $$
"""

SHOWN = "IN ('PUBLISHED', 'CANCELLED', 'ARCHIVED')"
TAKES_PART = "IN ('CONFIRMED', 'OFFERED', 'PENDING_APPROVAL', 'WAITLISTED')"
IS_OPEN = "OLD.ended_at IS NULL AND OLD.expires_at > now()"
WHOSE = {
    "users": ("id", "User"),
    "sessions": ("user_id", "User"),
    "chat_members": ("user_id", "User"),
    "club_memberships": ("user_id", "User"),
    "event_hosts": ("user_id", "User"),
    "registrations": ("user_id", "User"),
    "clubs": ("id", "Club"),
    "events": ("id", "Event"),
}
"""The column with the id by which streams hear that they are to look again, and what has that id."""
CHANGED = {
    "users": ("role, is_active", "OLD.role <> NEW.role OR OLD.is_active AND NOT NEW.is_active"),
    "sessions": (
        "ended_at, expires_at",
        f"{IS_OPEN} AND (NEW.ended_at IS NOT NULL OR NEW.expires_at < OLD.expires_at)",
    ),
    "chat_members": ("left_at", "OLD.left_at IS NULL AND NEW.left_at IS NOT NULL"),
    "club_memberships": ("state, role", "OLD.state = 'ACTIVE' AND (NEW.state <> 'ACTIVE' OR NEW.role <> OLD.role)"),
    "registrations": ("admission", f"OLD.admission {TAKES_PART} AND NOT NEW.admission {TAKES_PART}"),
    "clubs": ("visibility", "OLD.visibility <> 'PRIVATE' AND NEW.visibility = 'PRIVATE'"),
    "events": (
        "status, visibility, club_id, published_at, deleted_at",
        "(OLD.visibility, OLD.club_id, OLD.published_at IS NULL, OLD.deleted_at IS NULL)"
        " IS DISTINCT FROM (NEW.visibility, NEW.club_id, NEW.published_at IS NULL, NEW.deleted_at IS NULL)"
        f" OR OLD.status {SHOWN} AND NOT NEW.status {SHOWN}",
    ),
}
"""Columns, and when a change of them takes something away."""
GONE = {
    "users": "true",
    "sessions": IS_OPEN,
    "chat_members": "OLD.left_at IS NULL",
    "club_memberships": "OLD.state = 'ACTIVE'",
    "event_hosts": "true",
    "registrations": f"OLD.admission {TAKES_PART}",
    "clubs": "true",
    "events": "OLD.deleted_at IS NULL",
}
"""When the end of a row does."""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(TELL)
    for table, (columns, takes_away) in CHANGED.items():
        _tell(table, "changed", f"UPDATE OF {columns}", takes_away)
    for table, takes_away in GONE.items():
        _tell(table, "gone", "DELETE", takes_away)


def _tell(table: str, how: str, event: str, takes_away: str) -> None:
    whose, kind = WHOSE[table]
    op.execute(
        f"CREATE TRIGGER {table}_tell_access_{how} AFTER {event} ON {table} "
        f"FOR EACH ROW WHEN ({takes_away}) EXECUTE FUNCTION tell_access_changed('{whose}', '{kind}')"
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for how, tables in (("gone", GONE), ("changed", CHANGED)):
        for table in tables:
            op.execute(f"DROP TRIGGER {table}_tell_access_{how} ON {table}")
    op.execute("DROP FUNCTION tell_access_changed()")
