"""what lists are narrowed and sorted by

Revision ID: 0006_lists
Revises: 0007_folded_names
"""

from alembic import op

revision = "0006_lists"
down_revision = "0008_cancel_reasons"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index("ix_reviews_author_id_created_at_id", "reviews", ["author_id", "created_at", "id"])
    op.drop_index("ix_reviews_author_id", table_name="reviews")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index("ix_reviews_author_id", "reviews", ["author_id"])
    op.drop_index("ix_reviews_author_id_created_at_id", table_name="reviews")
