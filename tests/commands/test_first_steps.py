"""From an empty database to an event that an administrator creates, by commands alone."""

from __future__ import annotations

import asyncio
import io
from argparse import Namespace

import orjson
import pytest
from sqlalchemy import select

from commands import cli, create_admin, grant_role, new_signing_keys, setup
from commands.accounts import refusals_told
from commands.check import check
from errors import StartError
from models import AuditEntry, EventCategory, Interest, OutboxEvent, Role, ServiceType, User, Venue
from schema.core import ids
from settings import Settings
from tests.factories import in_days

CREATE = """mutation ($input: CreateEventInput!) {
  createEvent(input: $input) { errors { code path } event { title } }
}"""


def run(settings: Settings, *arguments: str) -> int:
    """Run a command as the shell does, over these settings."""
    given = cli.parser().parse_args(arguments)
    modules = {"setup": setup, "create-admin": create_admin, "grant-role": grant_role}
    status: int = modules[given.command].main(settings, given)
    return status


async def admin(settings: Settings, **given: str | None) -> None:
    values = {"handle": "root", "email": "root@example.org", "name": "", "password": "correct horse battery"}
    await create_admin.create_admin(settings, **values | given)  # type: ignore[arg-type]


async def test_catalogues_are_added_once_and_an_event_can_be_created(settings, client, tables, count, ports):
    before = {finding.name: finding for finding in await check(settings)}
    assert "wingding setup" in before["catalogues"].words and not before["catalogues"].is_good
    assert "wingding create-admin" in before["administrators"].words

    first, second = await setup.set_up(settings), await setup.set_up(settings, with_venues=True)
    assert "added 6 categories, 24 interests, 8 types of services" in first
    assert "added 0 categories, 0 interests, 0 types of services, 3 venues" in second
    assert [await count(one) for one in (EventCategory, Interest, ServiceType, Venue)] == [6, 24, 8, 3]

    await admin(settings)
    assert all(one.is_good for one in await check(settings) if one.name in ("catalogues", "administrators"))
    async with ports.database.reading() as session:
        root = (await session.scalars(select(User))).one()
        [category, venue] = [(await session.scalars(select(one.id).limit(1))).one() for one in (EventCategory, Venue)]
    given = {"categoryId": ids.encode("EventCategory", category), "venueId": ids.encode("Venue", venue)}
    given |= {
        "title": "First",
        "description": "Whoever comes",
        "startsAt": in_days(3).isoformat(),
        "endsAt": in_days(4).isoformat(),
    }
    created = await client(root).execute(CREATE, **given)
    assert created.data["createEvent"] == {"errors": [], "event": {"title": "First"}}


async def test_an_administrator_is_made_with_a_password_or_by_a_link(settings, tables, ports):
    await admin(settings)
    await admin(settings, handle="other", email="other@example.org", password=None)

    async with ports.database.reading() as session:
        assert set(await session.scalars(select(User.role))) == {Role.ADMIN}
        names = list(await session.scalars(select(OutboxEvent.name)))
    assert names.count("user.registered") == 2 and names.count("user.password_reset.requested") == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"handle": "ROOT", "email": "b@example.org"}, "handle: This handle is taken."),
        ({"handle": "b", "email": "Root@example.org"}, "handle: A handle has 3 to 50"),
        ({"handle": "bob", "email": "Root@example.org"}, "email: Another account has this"),
        ({"handle": "bob", "email": "no", "password": "short"}, "email: .* password: "),
        ({"handle": "bob", "email": "bob@example.org", "password": "bob@example.org"}, "too easy to guess"),
    ],
)
async def test_what_is_wrong_with_an_administrator_is_told(settings, tables, count, given, said):
    await admin(settings)
    with pytest.raises(StartError, match=said), refusals_told():
        await admin(settings, **given)
    assert await count(User) == 1


async def test_a_role_is_granted_in_nobodys_name(settings, tables, ports):
    await admin(settings)
    await admin(settings, handle="second", email="second@example.org")
    await grant_role.grant(settings, "SECOND", Role.VOLUNTEER)
    await grant_role.grant(settings, "second", Role.VOLUNTEER)

    async with ports.database.reading() as session:
        [entry] = await session.scalars(select(AuditEntry))
        assert (entry.action, entry.actor_id) == ("user.role.assign", None)
        assert (entry.before, entry.after) == ({"role": "ADMIN"}, {"role": "VOLUNTEER"})


async def test_commands_tell_what_they_refuse(settings, tables, monkeypatch, capsys):
    async def shell(*arguments: str) -> int:
        return await asyncio.to_thread(run, settings, *arguments)

    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))
    assert await shell("create-admin", "root", "root@example.org", "--name", "Rita") == 0
    assert await shell("create-admin", "more", "more@example.org", "--generate") == 0
    assert "password: " in capsys.readouterr().out
    with pytest.raises(StartError, match="handle: "):
        await shell("grant-role", "nobody", "ADMIN")
    assert await shell("grant-role", "more", "user") == 0
    with pytest.raises(StartError, match="At least one administrator must remain"):
        await shell("grant-role", "root", "USER")
    assert await shell("setup", "--venues") == 0


def test_an_old_database_is_told(settings, monkeypatch) -> None:
    monkeypatch.setattr("commands.migrations.newest_revision", lambda: "later")
    with pytest.raises(StartError, match="wingding migrate"):
        setup.main(settings, Namespace(venues=False))


def test_signing_keys_are_written_for_their_owner_alone(tmp_path) -> None:
    file = tmp_path / "keys.json"
    given = cli.parser().parse_args(["new-signing-keys", str(file)])

    assert new_signing_keys.main(Settings(), given) == 0
    assert file.stat().st_mode & 0o777 == 0o600
    assert orjson.loads(file.read_text())["keys"]
    with pytest.raises(StartError, match="not overwritten"):
        new_signing_keys.main(Settings(), given)
    with pytest.raises(StartError, match="cannot be written"):
        new_signing_keys.main(Settings(), Namespace(file=str(tmp_path / "no" / "keys.json")))
