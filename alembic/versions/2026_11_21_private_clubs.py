"""private clubs by an index of their own

Lists of events leave out those of private clubs: which clubs these are is asked with every page.

Revision ID: 0005_private_clubs
Revises: 0004_asked_under_lock
"""

import sqlalchemy as sa
from alembic import op

revision = "0005_private_clubs"
down_revision = "0004_asked_under_lock"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index("ix_clubs_private", "clubs", ["id"], postgresql_where=sa.text("visibility = 'PRIVATE'"))


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_clubs_private", table_name="clubs")
