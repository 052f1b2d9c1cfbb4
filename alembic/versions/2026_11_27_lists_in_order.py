"""lists in the order of an index

Venues are listed in the order in which they were used, and archived services by their start.

Revision ID: lists_in_order
Revises: latest_chats
"""

from alembic import op

revision = "lists_in_order"
down_revision = "latest_chats"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX ix_venues_recent ON venues (coalesce(last_used_at, created_at), id)")
    op.execute("CREATE INDEX ix_services_archived ON services (starts_at, id) WHERE is_archived")


def downgrade() -> None:
    op.drop_index("ix_services_archived", "services")
    op.drop_index("ix_venues_recent", "venues")
