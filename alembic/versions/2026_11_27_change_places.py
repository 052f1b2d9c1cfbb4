"""places are changed by one function, and functions live in database/functions

`alembic/env.py` creates it, with all others, after the last revision. This one is there so that a database without it
counts as one that is not migrated.

Revision ID: change_places
Revises: hosts_put_out
"""

from alembic import op

revision = "change_places"
down_revision = "hosts_put_out"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP FUNCTION change_places(jsonb, jsonb, timestamptz)")
