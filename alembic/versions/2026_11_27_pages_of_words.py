"""pages of events by their words

A page of events that have a frequent word looks at the next events, in the order of the list. One by a rare word asks
an index of the words of titles, of tags or of places for what has them there (docs/adr/0025-word-search.md).

Revision ID: pages_of_words
Revises: open_places
"""

from alembic import op

revision = "pages_of_words"
down_revision = "open_places"
branch_labels = None
depends_on = None

PLACES = {"title": "{a}", "tags": "{a,b}", "place": "{a,b,c}"}


def upgrade() -> None:
    for name, weights in PLACES.items():
        op.execute(
            f"""CREATE INDEX ix_event_words_{name} ON event_words USING gin (ts_filter(words, '{weights}'::"char"[]))"""
        )
    op.execute("CREATE INDEX ix_event_words_next ON event_words (starts_at, event_id) WHERE NOT is_archived")
    op.execute("CREATE INDEX ix_event_words_newest ON event_words (created_at, event_id) WHERE NOT is_archived")
    # The indexes are of expressions, of which PostgreSQL knows nothing yet.
    op.execute("ANALYZE event_words")


def downgrade() -> None:
    for name in (*PLACES, "next", "newest"):
        op.drop_index(f"ix_event_words_{name}", "event_words")
