from __future__ import annotations

from argparse import Namespace
from dataclasses import fields
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from commands.demo import demo_world
from commands.demo.world import DemoWorld
from commands.migrations import migrate
from commands.seed import main as seed_main
from commands.seed import need_no_people, seed
from commands.settings import settings_table
from errors import StartError
from schema import make_schema
from settings import Choice, Number, Settings, SettingsError, Url
from tests.clients import ROOT


def test_schema_file_is_true() -> None:
    """`make schema` writes it."""
    assert (ROOT / "schema.graphql").read_text() == make_schema().as_str() + "\n"


def test_settings_page_is_true() -> None:
    """`wingding settings > docs/settings.md` writes it."""
    assert (ROOT / "docs" / "settings.md").read_text() == settings_table()


WRONG = {
    Number: ("nan", "inf", "-inf", "-1", "1e12", "10000000000000", "ten"),
    Choice: ("yes", "true", "1", "xml", "ON"),
    Url: ("example.org", "ftp:/x", "ftp://example.org", "//example.org", "https//example.org", "1"),
}
"""What no setting of a kind understands."""
REST = {
    "HOST", "WINGDING_HOME", "ALLOWED_ORIGINS", "TRUSTED_PROXIES", "SECRET_KEY", "SIGNING_KEYS_FILE", "QUOTAS",
    "OIDC_NAME", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_REDIRECT_URIS", "MAIL_FROM", "S3_BUCKET", "S3_REGION",
    "S3_ACCESS_KEY", "S3_SECRET_KEY", "TRUSTED_DOCUMENTS_FILE", "SINK_STREAM",
}  # fmt: skip
"""Settings that are neither a number nor a choice nor one URL."""


def named_in(error: SettingsError) -> set[str]:
    return {part.partition(" ")[0] for part in str(error).split("; ") if " is not understood: " in part}


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in WRONG.items() for value in values])
def test_every_wrong_setting_is_named_at_once(kind: type, value: str) -> None:
    of_kind = {item.name.upper() for item in fields(Settings) if isinstance(item.metadata["cast"], kind)}
    assert of_kind

    with pytest.raises(SettingsError) as raised:
        Settings.load(dict.fromkeys(of_kind, value))

    assert named_in(raised.value) == of_kind


def test_every_number_choice_and_url_is_checked() -> None:
    unchecked = {item.name.upper() for item in fields(Settings) if not isinstance(item.metadata["cast"], tuple(WRONG))}
    assert unchecked == REST


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    names = {item.name.upper() for item in fields(Settings)} - {"TRUSTED_PROXIES"}

    assert Settings.load(dict.fromkeys(names, "")) == Settings.load({})
    assert Settings.load({"TRUSTED_PROXIES": ""}).trusted_proxies == ""


def test_every_default_can_be_written_out() -> None:
    """A range that excludes its own default would be found by the first operator who writes it down."""
    for item in fields(Settings):
        if isinstance(item.metadata["cast"], Number) or (item.default and isinstance(item.metadata["cast"], Choice)):
            found = Settings.load({item.name.upper(): str(item.default)})
            assert getattr(found, item.name) == item.default
        if isinstance(item.metadata["cast"], Number):
            for bound in (item.metadata["cast"].least, item.metadata["cast"].most):
                assert getattr(Settings.load({item.name.upper(): str(bound)}), item.name) == bound


def test_what_is_wrong_is_named_with_its_range_and_with_what_is_missing() -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.load({"ENVIRONMENT": "production", "PORT": "http", "METRICS": "true", "SECRET_KEY": "short"})

    assert "PORT is not understood: port to listen on; 0 to 65535" in str(raised.value)
    assert "METRICS is not understood" in str(raised.value)
    assert "in production: DATABASE_URL is not set; REDIS_URL is not set" in str(raised.value)
    assert "SECRET_KEY is shorter" in str(raised.value)


@pytest.mark.parametrize(
    "believed", ["*", "127.0.0.1, *", "0.0.0.0/0", "127.0.0.1, ::/0", "::ffff:0:0/96", "::ffff:0.0.0.0/96", "proxy"]
)
def test_not_everybody_is_a_trusted_proxy(believed: str) -> None:
    with pytest.raises(SettingsError, match="TRUSTED_PROXIES is not understood"):
        Settings.load({"TRUSTED_PROXIES": believed})


def test_a_short_secret_is_refused() -> None:
    with pytest.raises(SettingsError, match="SECRET_KEY"):
        Settings.load({"SECRET_KEY": "short"})


def test_the_demo_world_is_the_same_every_time() -> None:
    first, second = (demo_world(today=date(2030, 5, 1), scale=1, password_hash="x") for _ in range(2))

    assert first.tables == second.tables
    assert len(first.tables["events"]) == 300


DAYS = [date(2027, 12, 31), date(2027, 2, 28), date(2028, 2, 29), date(2027, 3, 28), date(2027, 10, 31)]
"""The last of a year and of a February, a leap day, both changes of the clocks in Europe."""


def timeless(world: DemoWorld) -> dict[str, list[list[Any]]]:
    """All values of a world but moments, keys, and what is written once an event is over."""
    return {
        table: [
            [value for name, value in row.items() if name != "attendance" and not isinstance(value, datetime | UUID)]
            for row in rows
        ]
        for table, rows in world.tables.items()
        if table != "reviews"
    }


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_the_demo_world_is_the_same_on_every_day_and_before_it(day: date) -> None:
    usual, world = (demo_world(today=one, scale=1, password_hash="x") for one in (date(2027, 6, 9), day))

    scheduled = {"starts_at", "ends_at"}
    moments = [
        value
        for rows in world.tables.values()
        for row in rows
        for name, value in row.items()
        if isinstance(value, datetime) and name not in scheduled
    ]
    assert timeless(world) == timeless(usual)
    assert len(world.tables["reviews"]) == pytest.approx(len(usual.tables["reviews"]), abs=20)
    assert max(moments).date() <= day and max(moments).time() == time()


def test_no_demo_data_in_production() -> None:
    with pytest.raises(StartError, match="none are made in production"):
        seed_main(Settings(environment="production"), Namespace(scale=1, among_people=True))


async def test_seeding_twice_loads_once_and_places_add_up(servers) -> None:
    connection = await asyncpg.connect(servers.urls.database)
    await connection.execute("CREATE DATABASE seeding")
    await connection.close()
    url = servers.urls.database.replace("/postgres?", "/seeding?")
    await need_no_people(url)
    await migrate(url)

    await seed(url)
    await need_no_people(url)
    again = await seed(url)

    connection = await asyncpg.connect(url)
    wrong = await connection.fetchval(
        "SELECT count(*) FROM events WHERE taken <> "
        "(SELECT count(*) FROM registrations WHERE event_id = events.id AND admission = 'CONFIRMED')"
    )
    slugs = await connection.fetch("SELECT slug FROM event_categories ORDER BY slug")
    venues = await connection.fetchval("SELECT count(*) FROM venues WHERE name IN ('Цветной', 'Гиляровского', 'Ясная')")
    await connection.execute("UPDATE users SET email = 'ada@ada.example' WHERE handle = 'ada'")
    await connection.close()
    with pytest.raises(StartError, match=r"\d+ users of the database are not the demo's"):
        await need_no_people(url)
    with pytest.raises(StartError, match="nothing was loaded"):
        await seed(url)
    assert again == "demo data is there already"
    assert wrong == 0
    assert {row["slug"] for row in slugs} >= {"home-concert", "theatre", "bar", "cinema", "master-class"}
    assert venues == 3
