"""accounts are deleted: when, and that nobody gives a deleted one a place

Revision ID: account_deletion
Revises: mail_deliveries
"""

import sqlalchemy as sa
from alembic import op

revision = "account_deletion"
down_revision = "listed_services"
branch_labels = None
depends_on = None

ERASED = (
    "deleted_at IS NULL OR NOT is_active AND display_name = '' AND num_nonnulls(email, claimed_email, "
    "deletion_at, bio, location, birth_date, first_name, last_name, patronymic, phone, comment) = 0"
)

# Whoever takes a place at the moment of the deletion either has it before, and it is ended with the others, or waits
# for the row here and is refused. It is a lost race, so who asked is told to try again: then they are signed out.
TAKES_PART = """
CREATE FUNCTION users_take_part() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM users WHERE id = NEW.user_id AND deleted_at IS NULL FOR SHARE;
    IF NOT FOUND AND EXISTS (SELECT FROM users WHERE id = NEW.user_id) THEN
        RAISE EXCEPTION 'the account % was deleted', NEW.user_id USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN NEW;
END $$
"""
TAKING_PART = "NEW.admission IN ('CONFIRMED', 'OFFERED', 'PENDING_APPROVAL', 'WAITLISTED')"
BELONGING = "NEW.state IN ('ACTIVE', 'PENDING', 'INVITED')"
# Table to the column that is updated, when the new row gives the person a part, and when it is news.
TABLES = {
    "registrations": ("admission", TAKING_PART, "NEW.admission <> OLD.admission"),
    "club_memberships": ("state", BELONGING, "NEW.state <> OLD.state"),
    "event_hosts": ("user_id", "true", "NEW.user_id <> OLD.user_id"),
    "chat_members": ("left_at", "NEW.left_at IS NULL", "OLD.left_at IS NOT NULL"),
}


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("users", sa.Column("deletion_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("users", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(op.f("ck_users_deleted_is_erased"), "users", ERASED)
    op.create_index(
        op.f("ix_users_deletion_at"), "users", ["deletion_at"], postgresql_where=sa.text("deletion_at IS NOT NULL")
    )
    # What others were told of a person forgets their name with them.
    op.create_index(
        op.f("ix_notifications_actor_id"),
        "notifications",
        ["actor_id"],
        postgresql_where=sa.text("actor_id IS NOT NULL"),
    )
    op.execute(TAKES_PART)
    for table, (column, gives_part, is_news) in TABLES.items():
        op.execute(
            f"CREATE TRIGGER {table}_take_part_insert BEFORE INSERT ON {table} FOR EACH ROW "
            f"WHEN ({gives_part}) EXECUTE FUNCTION users_take_part()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_take_part_update BEFORE UPDATE OF {column} ON {table} FOR EACH ROW "
            f"WHEN ({gives_part} AND {is_news}) EXECUTE FUNCTION users_take_part()"
        )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in TABLES:
        op.execute(f"DROP TRIGGER {table}_take_part_update ON {table}")
        op.execute(f"DROP TRIGGER {table}_take_part_insert ON {table}")
    op.execute("DROP FUNCTION users_take_part()")
    op.drop_index(op.f("ix_notifications_actor_id"), table_name="notifications")
    op.drop_index(op.f("ix_users_deletion_at"), table_name="users")
    op.drop_constraint(op.f("ck_users_deleted_is_erased"), "users")
    op.drop_column("users", "deleted_at")
    op.drop_column("users", "deletion_at")
