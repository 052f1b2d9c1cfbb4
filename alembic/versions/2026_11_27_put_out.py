"""being put out of a club, and what a club says to who wants to take part in its events

Whoever was removed from a club stood there as one whose request was declined, and could ask their way back in. Rows of
people who had been members once become bans; hosts lift those that were none.

Revision ID: put_out
Revises: 0007_sign_ups
"""

import sqlalchemy as sa
from alembic import op

revision = "put_out"
down_revision = "0009_local_times"
branch_labels = None
depends_on = None

# Asked under the event's lock, so it is volatile (see 0004). A ban and the members' own events are looked at here and
# nowhere else. Hosts of an event may take part in it without being members.
ENTRY = """
CREATE FUNCTION event_entry(event uuid, person uuid) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    club record;
BEGIN
    SELECT
        events.visibility = 'CLUB' OR clubs.visibility = 'PRIVATE' AS members_only,
        membership.state = 'ACTIVE' AS is_member,
        membership.state = 'BANNED' AND coalesce(membership.banned_until > clock_timestamp(), true) AS is_banned
    INTO club
    FROM events
    JOIN clubs ON clubs.id = events.club_id
    LEFT JOIN club_memberships membership ON membership.club_id = clubs.id AND membership.user_id = person
    WHERE events.id = event;
    IF NOT FOUND THEN
        RETURN 'OPEN';
    ELSIF club.is_banned THEN
        RETURN 'RESTRICTED';
    ELSIF NOT club.members_only OR club.is_member
        OR EXISTS (SELECT FROM event_hosts host WHERE host.event_id = event AND host.user_id = person) THEN
        RETURN 'OPEN';
    END IF;
    RETURN 'MEMBERS_ONLY';
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("club_memberships", sa.Column("ban_reason", sa.String(1000), nullable=True))
    op.add_column("club_memberships", sa.Column("banned_until", sa.DateTime(timezone=True), nullable=True))
    op.execute("UPDATE club_memberships SET state = 'BANNED' WHERE state = 'REJECTED' AND joined_at IS NOT NULL")
    op.create_check_constraint(
        op.f("ck_club_memberships_ban_belongs_to_its_state"),
        "club_memberships",
        "state = 'BANNED' OR (ban_reason IS NULL AND banned_until IS NULL)",
    )
    op.execute(ENTRY)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP FUNCTION event_entry(uuid, uuid)")
    op.drop_constraint(op.f("ck_club_memberships_ban_belongs_to_its_state"), "club_memberships")
    op.execute("UPDATE club_memberships SET state = 'REJECTED' WHERE state = 'BANNED'")
    op.drop_column("club_memberships", "banned_until")
    op.drop_column("club_memberships", "ban_reason")
