"""a change of privacy leaves rows alone that give no place

The function `users_show_places` stands in `database/functions`.

Revision ID: shown_places
Revises: lists_in_order
"""

revision = "shown_places"
down_revision = "lists_in_order"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
