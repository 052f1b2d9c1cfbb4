"""names are compared by a key that the database makes

Two venues whose names differ by case, ё, spaces, or the way in which Unicode spells a letter are one. `name_key()`
makes the key, for whatever compares or sorts names. Titles and names that were stored with line ends, invisible
characters or decomposed letters are put right; of venues that turn out to have one name, those made later get a number.

Revision ID: 0007_folded_names
Revises: 0006_mail_addresses
"""

from alembic import op

revision = "0007_folded_names"
down_revision = "0006_events_come_back"
branch_labels = None
depends_on = None

IGNORED = r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
IGNORED += r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
"""What Unicode calls default ignorable."""
SPACES = r"[\s\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+"

NAME_KEY = rf"""
CREATE FUNCTION name_key(name text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN btrim(regexp_replace(
    replace(translate(lower(normalize(regexp_replace(name, '{IGNORED}', '', 'g'), NFKC)), 'ёς', 'еσ'), 'ß', 'ss'),
    '{SPACES}', ' ', 'g'
))
"""

NEVER_MEANT = r"[\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b"
NEVER_MEANT += r"\u202a-\u202e\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb]"
TIDY = f"normalize(btrim(regexp_replace(regexp_replace(%s, '{SPACES}', ' ', 'g'), '{NEVER_MEANT}', '', 'g')), NFC)"
ONE_LINE = {
    "events": ["title"],
    "venues": ["name", "address"],
    "clubs": ["name"],
    "chats": ["title"],
    "users": ["display_name", "first_name", "last_name", "patronymic", "location"],
}

SHORTEN = "UPDATE venues SET name = left(name, 20) WHERE char_length(name_key(name)) > 400"
NUMBER = """
DO $$
DECLARE
    venue record;
    number integer;
BEGIN
    FOR venue IN
        SELECT id, name FROM (
            SELECT id, name, row_number() OVER (PARTITION BY name_key(name) ORDER BY created_at, id) AS place
            FROM venues
        ) AS placed WHERE place > 1
    LOOP
        number := 2;
        WHILE EXISTS (SELECT FROM venues WHERE name_key(name) = name_key(left(venue.name, 190) || ' ' || number)) LOOP
            number := number + 1;
        END LOOP;
        UPDATE venues SET name = left(venue.name, 190) || ' ' || number WHERE id = venue.id;
    END LOOP;
END $$
"""


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run = op.get_bind().exec_driver_sql
    run(NAME_KEY)
    for table, columns in ONE_LINE.items():
        for column in columns:
            tidy = TIDY % column
            run(f"UPDATE {table} SET {column} = {tidy} WHERE {column} <> {tidy} AND {tidy} <> ''")
    run(SHORTEN)
    run(NUMBER)
    run("ALTER TABLE venues DROP COLUMN name_key")
    run("ALTER TABLE venues ADD COLUMN name_key text GENERATED ALWAYS AS (name_key(name)) STORED")
    run("ALTER TABLE venues ADD CONSTRAINT ck_venues_name_key_is_short CHECK (char_length(name_key) <= 400)")
    run("ALTER TABLE venues ADD CONSTRAINT uq_venues_name_key UNIQUE (name_key)")
    run("ALTER TABLE clubs DROP COLUMN name_key")
    run("ALTER TABLE clubs ADD COLUMN name_key text GENERATED ALWAYS AS (left(name_key(name), 255)) STORED")
    run("CREATE INDEX ix_clubs_name_key_id ON clubs (name_key, id)")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    run = op.get_bind().exec_driver_sql
    run("ALTER TABLE clubs DROP COLUMN name_key")
    run(
        "ALTER TABLE clubs ADD COLUMN name_key varchar(255) "
        "GENERATED ALWAYS AS (lower(translate(name, 'ёЁ', 'ее'))) STORED"
    )
    run("CREATE INDEX ix_clubs_name_key_id ON clubs (name_key, id)")
    run("ALTER TABLE venues DROP COLUMN name_key")
    run("ALTER TABLE venues ADD COLUMN name_key varchar(200)")
    run("UPDATE venues SET name_key = left(name_key(name), 200)")
    run("ALTER TABLE venues ALTER COLUMN name_key SET NOT NULL")
    run("ALTER TABLE venues ADD CONSTRAINT uq_venues_name_key UNIQUE (name_key)")
    run("DROP FUNCTION name_key(text)")
