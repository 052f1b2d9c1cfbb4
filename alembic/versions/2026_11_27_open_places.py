"""lists of big events and clubs are ranges of an index: who may know of a place, and numbers that are kept

Revision ID: open_places
Revises: read_marks
"""

import sqlalchemy as sa
from alembic import op

revision = "open_places"
down_revision = "read_marks"
branch_labels = None
depends_on = None

AUDIENCE = """
CREATE FUNCTION audience_of(privacy jsonb, field text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(privacy ->> field, CASE field WHEN 'registrations' THEN 'NOBODY' ELSE 'MEMBERS' END)
$$
"""
TAKES_PART = """
CREATE OR REPLACE FUNCTION users_take_part() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    person record;
BEGIN
    SELECT privacy, is_active INTO person FROM users WHERE id = NEW.user_id AND deleted_at IS NULL FOR SHARE;
    IF NOT FOUND AND EXISTS (SELECT FROM users WHERE id = NEW.user_id) THEN
        RAISE EXCEPTION 'the account % was deleted', NEW.user_id USING ERRCODE = 'serialization_failure';
    END IF;
    IF TG_TABLE_NAME = 'registrations' THEN
        NEW.shown_to := CASE WHEN person.is_active THEN audience_of(person.privacy, 'registrations') END;
    ELSIF TG_TABLE_NAME = 'club_memberships' THEN
        NEW.shown_to := audience_of(person.privacy, 'clubs');
    END IF;
    RETURN NEW;
END $$
"""
FORMER_TAKES_PART = """
CREATE OR REPLACE FUNCTION users_take_part() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM users WHERE id = NEW.user_id AND deleted_at IS NULL FOR SHARE;
    IF NOT FOUND AND EXISTS (SELECT FROM users WHERE id = NEW.user_id) THEN
        RAISE EXCEPTION 'the account % was deleted', NEW.user_id USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN NEW;
END $$
"""
SHOWS = """
CREATE FUNCTION users_show_places() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE registrations SET shown_to = CASE WHEN NEW.is_active THEN audience_of(NEW.privacy, 'registrations') END
    WHERE user_id = NEW.id
        AND shown_to IS DISTINCT FROM CASE WHEN NEW.is_active THEN audience_of(NEW.privacy, 'registrations') END;
    UPDATE club_memberships SET shown_to = audience_of(NEW.privacy, 'clubs')
    WHERE user_id = NEW.id AND shown_to IS DISTINCT FROM audience_of(NEW.privacy, 'clubs');
    RETURN NULL;
END $$
"""
SEEN = {"INSERT": "NEW TABLE AS came", "DELETE": "OLD TABLE AS gone", "UPDATE": "NEW TABLE AS came OLD TABLE AS gone"}
MEMBERS = """
CREATE FUNCTION clubs_count_members() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        UPDATE clubs SET member_count = member_count + counted.number
        FROM (SELECT club_id, count(*) AS number FROM came WHERE state = 'ACTIVE' GROUP BY club_id) AS counted
        WHERE clubs.id = counted.club_id;
    ELSIF TG_OP = 'DELETE' THEN
        UPDATE clubs SET member_count = member_count - counted.number
        FROM (SELECT club_id, count(*) AS number FROM gone WHERE state = 'ACTIVE' GROUP BY club_id) AS counted
        WHERE clubs.id = counted.club_id;
    ELSE
        UPDATE clubs SET member_count = member_count + counted.number
        FROM (
            SELECT club_id, sum(number) AS number
            FROM (
                SELECT club_id, 1 AS number FROM came WHERE state = 'ACTIVE'
                UNION ALL
                SELECT club_id, -1 FROM gone WHERE state = 'ACTIVE'
            ) AS changed
            GROUP BY club_id HAVING sum(number) <> 0
        ) AS counted
        WHERE clubs.id = counted.club_id;
    END IF;
    RETURN NULL;
END $$
"""
RATINGS = """
CREATE FUNCTION count_ratings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO rating_counts AS kept (event_id, rating, number)
        SELECT event_id, rating, count(*) FROM came WHERE status = 'PUBLISHED'
        GROUP BY event_id, rating ORDER BY event_id, rating
        ON CONFLICT (event_id, rating) DO UPDATE SET number = kept.number + excluded.number;
    ELSIF TG_OP = 'DELETE' THEN
        UPDATE rating_counts SET number = rating_counts.number - counted.number
        FROM (
            SELECT event_id, rating, count(*) AS number FROM gone WHERE status = 'PUBLISHED' GROUP BY event_id, rating
        ) AS counted
        WHERE rating_counts.event_id = counted.event_id AND rating_counts.rating = counted.rating;
    ELSE
        PERFORM FROM rating_counts
        JOIN (SELECT event_id, rating FROM came UNION SELECT event_id, rating FROM gone) AS changed
            USING (event_id, rating)
        ORDER BY event_id, rating FOR NO KEY UPDATE OF rating_counts;
        UPDATE rating_counts SET number = rating_counts.number - counted.number
        FROM (
            SELECT event_id, rating, count(*) AS number FROM gone WHERE status = 'PUBLISHED' GROUP BY event_id, rating
        ) AS counted
        WHERE rating_counts.event_id = counted.event_id AND rating_counts.rating = counted.rating;
        INSERT INTO rating_counts AS kept (event_id, rating, number)
        SELECT event_id, rating, count(*) FROM came WHERE status = 'PUBLISHED'
        GROUP BY event_id, rating ORDER BY event_id, rating
        ON CONFLICT (event_id, rating) DO UPDATE SET number = kept.number + excluded.number;
    END IF;
    RETURN NULL;
END $$
"""
COUNTED = {"club_memberships": "clubs_count_members", "reviews": "count_ratings"}
HOLDING = "('CONFIRMED', 'OFFERED')"
INDEXES = {
    # Name: table, columns, condition.
    "ix_registrations_event_id_shown_to_created_at_id": (
        "registrations", "event_id shown_to created_at id", f"admission IN {HOLDING}",
    ),
    "ix_registrations_ended": (
        "registrations", "event_id admission created_at id", f"admission NOT IN {HOLDING}",
    ),
    "ix_registrations_event_id_attendance_created_at_id": (
        "registrations", "event_id attendance created_at id", "attendance <> 'EXPECTED'",
    ),
    "ix_bookings_ended": ("bookings", "service_id admission created_at id", f"admission NOT IN {HOLDING}"),
    "ix_bookings_service_id_attendance_created_at_id": (
        "bookings", "service_id attendance created_at id", "attendance <> 'EXPECTED'",
    ),
    "ix_club_memberships_club_id_state_created_at_id": ("club_memberships", "club_id state created_at id", None),
    "ix_club_memberships_club_id_shown_to_created_at_id": (
        "club_memberships", "club_id shown_to created_at id", "state = 'ACTIVE' AND role = 'MEMBER'",
    ),
    "ix_club_memberships_running": (
        "club_memberships", "club_id created_at id", "state = 'ACTIVE' AND role <> 'MEMBER'",
    ),
    "ix_chat_members_chat_id_joined_at_user_id": ("chat_members", "chat_id joined_at user_id", "left_at IS NULL"),
    "ix_reviews_event_id_rating_created_at_id": ("reviews", "event_id rating created_at id", None),
    "ix_reviews_hidden": ("reviews", "event_id created_at id", "status = 'HIDDEN'"),
    "ix_notifications_user_id_type_sequence": ("notifications", "user_id type sequence", None),
}  # fmt: skip


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run = op.get_bind().exec_driver_sql
    op.add_column("clubs", sa.Column("member_count", sa.Integer, nullable=False, server_default="0"))
    for table in ("registrations", "club_memberships"):
        op.add_column(table, sa.Column("shown_to", sa.String(32), nullable=True))
    op.create_table(
        "rating_counts",
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("rating", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.CheckConstraint("number >= 0", name=op.f("ck_rating_counts_number_not_negative")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_rating_counts_event_id_events"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("event_id", "rating", name=op.f("pk_rating_counts")),
    )
    for statement in (AUDIENCE, TAKES_PART, SHOWS, MEMBERS, RATINGS):
        run(statement)
    # The triggers first: they lock the tables until the end, so that nothing is written between them and the counts.
    run(
        "CREATE TRIGGER users_show_places AFTER UPDATE OF privacy, is_active ON users FOR EACH ROW "
        "WHEN (OLD.privacy <> NEW.privacy OR OLD.is_active <> NEW.is_active) EXECUTE FUNCTION users_show_places()"
    )
    for table, function in COUNTED.items():
        for action, seen in SEEN.items():
            run(
                f"CREATE TRIGGER {table}_count_{action.lower()} AFTER {action} ON {table} REFERENCING {seen} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
            )
    run(
        "UPDATE registrations SET shown_to = CASE WHEN is_active THEN audience_of(privacy, 'registrations') END "
        "FROM users WHERE users.id = user_id"
    )
    run("UPDATE club_memberships SET shown_to = audience_of(privacy, 'clubs') FROM users WHERE users.id = user_id")
    run(
        "UPDATE clubs SET member_count = counted.number FROM (SELECT club_id, count(*) AS number FROM club_memberships "
        "WHERE state = 'ACTIVE' GROUP BY club_id) AS counted WHERE clubs.id = counted.club_id"
    )
    run(
        "INSERT INTO rating_counts (event_id, rating, number) SELECT event_id, rating, count(*) FROM reviews "
        "WHERE status = 'PUBLISHED' GROUP BY event_id, rating"
    )
    for name, (table, columns, condition) in INDEXES.items():
        op.create_index(name, table, columns.split(), postgresql_where=sa.text(condition) if condition else None)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run = op.get_bind().exec_driver_sql
    for name, (table, _, _) in INDEXES.items():
        op.drop_index(name, table_name=table)
    for table in COUNTED:
        for action in SEEN:
            run(f"DROP TRIGGER {table}_count_{action.lower()} ON {table}")
    run("DROP TRIGGER users_show_places ON users")
    for function in (*COUNTED.values(), "users_show_places"):
        run(f"DROP FUNCTION {function}()")
    run(FORMER_TAKES_PART)
    run("DROP FUNCTION audience_of(jsonb, text)")
    op.drop_table("rating_counts")
    for table in ("club_memberships", "registrations"):
        op.drop_column(table, "shown_to")
    op.drop_column("clubs", "member_count")
