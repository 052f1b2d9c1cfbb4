"""local times of events

Revision ID: 0009_local_times
Revises: 0007_sign_ups
"""

import sqlalchemy as sa
from alembic import op

revision = "0009_local_times"
down_revision = "0007_sign_ups"
branch_labels = None
depends_on = None

LOCAL_START = "timezone(time_zone, starts_at)"
DAY_OVER_AT = "timezone(time_zone, date_trunc('day', timezone(time_zone, ends_at)) + interval '1 day')"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    # A zone that this PostgreSQL does not know would make the new columns impossible.
    for table in ("venues", "events"):
        op.execute(f"UPDATE {table} SET time_zone = 'UTC' WHERE time_zone NOT IN (SELECT name FROM pg_timezone_names)")
    op.create_check_constraint(
        op.f("ck_venues_time_zone_is_known"), "venues", "timezone(time_zone, 'epoch'::timestamptz) IS NOT NULL"
    )
    op.add_column("events", sa.Column("local_start", sa.DateTime(), sa.Computed(LOCAL_START, persisted=True)))
    op.add_column(
        "events", sa.Column("day_over_at", sa.DateTime(timezone=True), sa.Computed(DAY_OVER_AT, persisted=True))
    )
    op.alter_column("events", "local_start", nullable=False)
    op.alter_column("events", "day_over_at", nullable=False)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_column("events", "day_over_at")
    op.drop_column("events", "local_start")
    op.drop_constraint(op.f("ck_venues_time_zone_is_known"), "venues", type_="check")
