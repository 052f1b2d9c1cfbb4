"""The world that the oracle asks about: the demo data of one fixed day, a standing clock, ids and cursors to ask by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, tzinfo
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Table, select, text

import models.core.base
import tests.factories.core
from auth.viewer import GUEST, Viewer
from commands.demo.world import DemoSize
from commands.seed import seed
from schema.core import ids
from schema.core.context import Caller, Context
from schema.core.node_interface import NODES
from schema.core.ports import Ports
from tests.fuzz.extras import extras

TODAY = date(2126, 5, 20)
MOMENT = datetime(2126, 5, 20, 12, 34, 56, 789012, UTC)
"""PostgreSQL's clock goes on, and events are put away by it: a day in the past would leave their lists empty."""
SIZE = DemoSize(events=60, people=24)
"""Enough for pages to have neighbours, few enough to be put back after each mutation."""

PEOPLE_ASKING = ("guest", "anna", "ada", "max", "vera", "boris", "shy")
"""A guest, a user who hosts, administrator, moderator, volunteer, a user who reads English, one who hides all."""

MISSING = UUID("01890000-0000-7000-8000-000000000000")
"""Of nothing."""


def _keeping(table: Table) -> str:
    return f"CREATE TABLE kept.{table.name} AS TABLE public.{table.name};"


def _restoring(table: Table) -> str:
    """Put the kept rows back, if a single one differs. What the database computes it computes anew."""
    columns = ", ".join(f'"{column.name}"' for column in table.columns if column.computed is None)
    now, then = (f"SELECT {columns} FROM {schema}.{table.name}" for schema in ("public", "kept"))
    return (
        f"rows_new := (SELECT count(*) FROM ({now} EXCEPT ALL {then}) AS only_now); "
        f"rows_old := (SELECT count(*) FROM ({then} EXCEPT ALL {now}) AS only_then); "
        f"IF rows_new + rows_old > 0 THEN rows_of := '{table.name}'; RETURN NEXT; "
        f"DELETE FROM public.{table.name}; INSERT INTO public.{table.name} ({columns}) {then}; END IF;"
    )


TABLES = models.Base.metadata.sorted_tables
KEEP = (
    f"CREATE SCHEMA kept; {' '.join(map(_keeping, TABLES))} "
    "CREATE FUNCTION kept.restore() RETURNS TABLE (rows_of text, rows_new bigint, rows_old bigint) LANGUAGE plpgsql "
    f"AS $$ BEGIN {' '.join(map(_restoring, TABLES))} END $$"
)
FORGET = "DROP SCHEMA kept CASCADE"
AT_REST = "SET LOCAL session_replication_role = replica"
"""Triggers and foreign keys ask nothing."""

SPREAD = """
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT table_name FROM information_schema.columns
        WHERE table_schema = 'public' AND column_name = 'created_at' AND table_name NOT LIKE 'pgqueuer%' LOOP
        EXECUTE format(
            'UPDATE public.%I AS one SET created_at = $1 - make_interval(mins => get_byte(digest, 0), '
            'secs => get_byte(digest, 1) / 1000.0) FROM (SELECT ctid AS place, '
            'decode(md5((to_jsonb(each) - ARRAY[''created_at'', ''updated_at'', ''hash''])::text), ''hex'') AS digest '
            'FROM public.%I AS each) AS drawn WHERE drawn.place = one.ctid', name, name);
    END LOOP;
    FOR name IN SELECT table_name FROM information_schema.columns
        WHERE table_schema = 'public' AND column_name = 'updated_at' LOOP
        EXECUTE format('UPDATE public.%I SET updated_at = created_at', name);
    END LOOP;
END $$"""
"""Drawn from the rows themselves, so that they are the same in each run."""


class StandingClock(datetime):
    """Stands in for `datetime` where the code asks for the time: both answers of a comparison have the same now."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:
        return MOMENT.astimezone(tz)


@contextmanager
def standing_time() -> Iterator[None]:
    """Stand `models.utcnow` still, by the `datetime` of `models.core.base`, and the clock of factories.

    Ids of the factories are drawn by number, so that a failing operation means the same in the next run.
    """
    random = Random("oracle")

    def drawn() -> UUID:
        return UUID(int=(0x0190_0000_0000_7 << 76) | (0x8 << 60) | random.getrandbits(60))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models.core.base, "datetime", StandingClock)
        patch.setattr(tests.factories.core, "datetime", StandingClock)
        patch.setattr(tests.factories.core, "uuid7", drawn)
        yield


@dataclass
class World:
    """`ids` by the name of the GraphQL type, `cursors` by `Type.field`, both in a fixed order."""

    ports: Ports
    people: dict[str, models.User]
    sessions: dict[str, UUID]
    ids: dict[str, list[str]]
    known: frozenset[UUID]
    cursors: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def context(self, person: str, language: str, execution: str, *, is_socket: bool = False) -> Context:
        """A fresh context, as each request gets one. `language` is the Accept-Language header."""
        ports = replace(self.ports, settings=replace(self.ports.settings, execution=execution))
        user = self.people.get(person)
        viewer = replace(Viewer(user), session_id=self.sessions.get(person)) if user else GUEST
        caller = Caller(address="127.0.0.1", user_agent="oracle", accept_language=language)
        return Context(ports=ports, caller=caller, viewer=viewer, is_socket=is_socket)

    async def restore(self) -> tuple[tuple[Any, ...], ...]:
        """Put every table back as it was, and read the people anew.

        For each table that had changed: its name, how many rows were new or changed, how many gone or changed. What is
        owed to listeners does not count: an application that other tests have started may be delivering it.
        """
        async with self.ports.database.engine.begin() as connection:
            await connection.execute(text(AT_REST))
            effects = sorted(tuple(row) for row in await connection.execute(text("SELECT * FROM kept.restore()")))
        self.people = await _people(self.ports)
        return tuple(one for one in effects if one[0] != "outbox_deliveries")


async def load(ports: Ports) -> World:
    """Write the world into empty tables and keep a copy of it."""
    await seed(ports.settings.database_url, today=TODAY, size=SIZE)
    people = await _people(ports)
    await _write(ports, await extras(ports, people))
    await _spread(ports)
    await _run(ports, KEEP)
    people = await _people(ports)
    found, known = await _ids(ports)
    return World(ports, people, await _sessions(ports, people), found, known)


async def _write(ports: Ports, rows: list[models.Base]) -> None:
    """Write rows, those first to which others refer."""
    async with ports.database.writing() as uow:
        for table in TABLES:
            uow.session.add_all([row for row in rows if row.__table__ is table])
            await uow.session.flush()


async def _spread(ports: Ports) -> None:
    """Rows of one transaction were all made in the same instant: give them times of their own, some of them equal."""
    # A DO block takes no parameters.
    await _run(ports, SPREAD.replace("$1", f"timestamptz ''{MOMENT.isoformat()}''"))


async def forget(ports: Ports) -> None:
    await _run(ports, FORGET)


async def _run(ports: Ports, statements: str) -> None:
    """Several statements in one transaction."""
    async with ports.database.engine.begin() as connection:
        raw = (await connection.get_raw_connection()).driver_connection
        assert raw is not None
        await raw.execute(f"{AT_REST}; {statements}")


async def _people(ports: Ports) -> dict[str, models.User]:
    handles = list(PEOPLE_ASKING[1:])
    async with ports.database.reading() as session:
        rows = (await session.scalars(select(models.User).where(models.User.handle.in_(handles)))).all()
    return {row.handle: row for row in rows}


async def _sessions(ports: Ports, people: dict[str, models.User]) -> dict[str, UUID]:
    handles = {user.id: handle for handle, user in people.items()}
    async with ports.database.reading() as session:
        rows = await session.scalars(select(models.Session).order_by(models.Session.id))
        return {handles[row.user_id]: row.id for row in rows}


async def _ids(ports: Ports) -> tuple[dict[str, list[str]], frozenset[UUID]]:
    """Some global ids of each kind, those of the extra rows first; and all ids that there are."""
    found: dict[str, list[str]] = {}
    known = set()
    async with ports.database.reading() as session:
        for name, declaration in NODES.items():
            rows = list(await session.scalars(select(declaration.entity.id).order_by(declaration.entity.id)))  # type: ignore[attr-defined]  # every node has one
            known.update(rows)
            chosen = Random(name).sample(rows, min(len(rows), 6))
            found[name] = [ids.encode(name, row) for row in dict.fromkeys([*rows[:6], *chosen])]
        known.update(await session.scalars(text("SELECT id FROM sessions")))
    return found, frozenset(known)
