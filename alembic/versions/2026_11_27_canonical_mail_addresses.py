"""mail addresses in one spelling

Domains were kept in Unicode by IDNA 2008 and mailed by IDNA 2003, which makes another domain of some. They are kept in
ASCII now, as they are mailed. An address that no mail can be sent to goes away; of two accounts with spellings of one
address one keeps it, the one that was proven first if both are changed here. The others stay without an address. The
downgrade keeps the new spelling, which the older code reads, too.

Revision ID: 0006_mail_addresses
Revises: 0005_private_clubs
"""

from contextlib import suppress

import idna
import sqlalchemy as sa
from alembic import op

revision = "0006_mail_addresses"
down_revision = "0005_private_clubs"
branch_labels = None
depends_on = None

CANONICAL = "^[!-?A-~]+@[a-z0-9.-]+$"
COLUMNS = (("users", "claimed_email"), ("users", "email"), ("one_time_tokens", "email"))


def canonical(address: str) -> str | None:
    local, _, domain = address.rpartition("@")
    if local and local.isascii() and local.isprintable() and " " not in local and "@" not in local:
        with suppress(idna.IDNAError):
            return f"{local}@{idna.encode(domain, uts46=True).decode()}"
    return None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    connection = op.get_bind()
    users = sa.text(
        "SELECT id, email, claimed_email FROM users WHERE email !~ :form OR claimed_email !~ :form "
        "ORDER BY email_verified_at NULLS LAST, id"
    )
    found = connection.execute(users, {"form": CANONICAL}).all()
    connection.execute(sa.text("UPDATE users SET email = NULL WHERE email !~ :form"), {"form": CANONICAL})
    change = sa.text(
        "UPDATE users SET claimed_email = :claimed, email = CASE WHEN NOT EXISTS "
        "(SELECT FROM users others WHERE lower(others.email) = lower(:email) AND others.id <> :id) THEN :email END "
        "WHERE id = :id"
    ).bindparams(sa.bindparam("email", type_=sa.String), sa.bindparam("claimed", type_=sa.String))
    for id, email, claimed in found:
        given = {"email": email and canonical(email), "claimed": claimed and canonical(claimed)}
        connection.execute(change, {"id": id, **given})
    connection.execute(sa.text("UPDATE users SET email_verified_at = NULL WHERE email IS NULL"))
    # Links to these addresses went to the wrong place, or nowhere.
    connection.execute(sa.text("DELETE FROM one_time_tokens WHERE email !~ :form"), {"form": CANONICAL})
    for table, column in COLUMNS:
        op.create_check_constraint(op.f(f"ck_{table}_{column}_is_canonical"), table, f"{column} ~ '{CANONICAL}'")


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table, column in COLUMNS:
        op.drop_constraint(op.f(f"ck_{table}_{column}_is_canonical"), table, type_="check")
