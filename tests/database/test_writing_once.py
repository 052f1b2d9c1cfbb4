"""Writing by one statement: all of it or nothing, whatever happens to the request or the connection."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import ClassVar

import asyncpg
import pytest
from sqlalchemy import Uuid, column, func, select, text, values

from auth.viewer import GUEST
from database import BoundStatement, RecordedEvents, recording, recording_values
from database.recording import RECORDING
from database.rows import Values
from dataloaders.core.rule_statements import Statement
from models import DomainEvent, IdempotencyKey, OutboxDelivery, OutboxEvent, StreamEvent, uuid7

WRITE = """
INSERT INTO idempotency_keys (scope, key, operation, input_hash, created_at) VALUES ('s', $1, 'o', 'h', now())
RETURNING key
"""
SLOWLY = f"WITH written AS ({WRITE}) SELECT key, pg_sleep(60) FROM written"


def asked(sql, *arguments):
    return BoundStatement(sql, arguments, Values)


@pytest.fixture
def wakes(ports, monkeypatch):
    """How often the relay was woken."""
    found = []
    monkeypatch.setattr(ports.database, "after_commit", lambda: found.append(True))
    return found


async def test_one_statement_commits_by_itself_and_wakes_the_relay(ports, count, wakes):
    async with ports.database.writing_once() as once:
        [row] = await once.write(asked(WRITE, "one"))
        assert row.key == "one"
        assert await count(IdempotencyKey) == 1

    assert wakes == [True]


async def test_what_wrote_nothing_wakes_nobody_and_may_be_tried_again(ports, count, wakes):
    async with ports.database.writing_once() as once:
        assert await once.write(asked("UPDATE idempotency_keys SET answer = 'x' RETURNING key")) == []
    assert wakes == []

    async with ports.database.writing_once() as once:
        await once.write(asked("UPDATE idempotency_keys SET answer = 'x' RETURNING key"))
        await once.write(asked(WRITE, "one"))
    assert wakes == [True]
    assert await count(IdempotencyKey) == 1


async def test_a_second_statement_that_writes_is_a_bug(ports, count):
    with pytest.raises(RuntimeError, match="one statement"):
        async with ports.database.writing_once() as once:
            await once.write(asked(WRITE, "one"))
            await once.write(asked(WRITE, "two"))

    assert await count(IdempotencyKey) == 1


@pytest.mark.parametrize("way", ["writing_once", "writing"])
async def test_a_named_constraint_decides_and_others_stay_bugs(ports, count, way):
    async with getattr(ports.database, way)() as uow:
        await uow.write(asked(WRITE, "one"))

    async with getattr(ports.database, way)() as uow:
        assert await uow.write(asked(WRITE, "one"), unless="pk_idempotency_keys") == []
        with pytest.raises(asyncpg.UniqueViolationError):
            await uow.write(asked(WRITE, "one"), unless="pk_outbox")
        # Nothing is spoilt: one may go on.
        await uow.write(asked(WRITE, "two"))

    assert await count(IdempotencyKey) == 2


async def test_a_cancelled_write_leaves_nothing_and_gives_its_connection_back(ports, count):
    async def write():
        async with ports.database.writing_once() as once:
            await once.write(asked(SLOWLY, "one"))

    writing = asyncio.create_task(write())
    await asyncio.sleep(0.2)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing

    running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'WITH written%' AND state = 'active'"
    async with asyncio.timeout(5):
        while (await ports.database.fetch(running, [], Values))[0][0]:
            await asyncio.sleep(0.02)
    assert await count(IdempotencyKey) == 0
    async with ports.database.writing_once() as once:
        await once.write(asked(WRITE, "two"))
    assert await count(IdempotencyKey) == 1


async def test_a_lost_connection_is_not_asked_again_and_not_used_again(ports, count):
    async def write():
        async with ports.database.writing_once() as once:
            await once.write(asked(SLOWLY, "one"))

    writing = asyncio.create_task(write())
    await asyncio.sleep(0.2)
    async with ports.database.reading() as session:
        killing = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'WITH written%'"
        assert len((await session.execute(text(killing))).all()) == 1
    with pytest.raises((asyncpg.PostgresError, OSError)):
        await writing

    assert await count(IdempotencyKey) == 0
    async with ports.database.writing_once() as once:
        await once.write(asked(WRITE, "two"))
    assert await count(IdempotencyKey) == 1


async def test_who_waits_to_write_keeps_nobody_from_reading(ports, settings):
    async def wait_for_ever():
        async with ports.database.writing_once() as once:
            await once.write(asked("SELECT pg_sleep(60)"))

    waiting = [asyncio.create_task(wait_for_ever()) for _ in range(settings.database_pool_size + 5)]
    await asyncio.sleep(0.1)

    async with asyncio.timeout(5):
        for _ in range(3):
            assert (await ports.database.fetch("SELECT 1 AS one", [], Values))[0].one == 1
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_transaction_that_fails_or_is_stopped_leaves_nothing(ports, count):
    with pytest.raises(ZeroDivisionError):
        async with ports.database.delivering() as connection:
            await connection.execute(WRITE.replace("$1", "'one'"))
            raise ZeroDivisionError

    async def hang():
        async with ports.database.delivering() as connection:
            await connection.execute(WRITE.replace("$1", "'two'"))
            await asyncio.sleep(60)

    stopped = asyncio.create_task(hang())
    await asyncio.sleep(0.2)
    stopped.cancel()
    await asyncio.gather(stopped, return_exceptions=True)

    async with ports.database.delivering() as connection:
        await connection.execute(WRITE.replace("$1", "'three'"))
    async with ports.database.reading() as session:
        assert (await session.scalars(select(IdempotencyKey.key))).all() == ["three"]


@dataclass(frozen=True, kw_only=True)
class Grew(StreamEvent):
    name: ClassVar[str] = "test.grew"
    subject_type: ClassVar[str] = "Test"
    has_job: ClassVar[bool] = True
    by_id: object
    size: int


@dataclass(frozen=True, kw_only=True)
class Ended(DomainEvent):
    name: ClassVar[str] = "test.ended"
    subject_type: ClassVar[str] = "Test"


OWNERS = [uuid7() for _ in range(3)]


def _record(_viewer):
    rows = values(column("owner", Uuid()), name="owners").data([(owner,) for owner in OWNERS]).cte("owners")
    size = func.length(func.concat(rows.c.owner))
    grew = {"subject_id": rows.c.owner, "stream": func.concat("s:", rows.c.owner), "sequence": 7}
    happened = [
        RecordedEvents(Grew, rows, grew | {"by_id": rows.c.owner, "size": size}),
        RecordedEvents(Ended, rows, {"subject_id": rows.c.owner}),
    ]
    return select(rows.c.owner).add_cte(*recording(happened))


RECORD = Statement(_record, given=RECORDING)


@pytest.mark.parametrize("has_sink", [True, False])
async def test_a_statement_records_as_a_unit_of_work_does(ports, has_sink):
    """The same events, in the same order, owed to the same consumers."""

    async def recorded():
        async with ports.database.writing() as uow:
            events = (await uow.session.scalars(select(OutboxEvent).order_by(OutboxEvent.id))).all()
            owed = {(one.event_id, one.consumer) for one in await uow.session.scalars(select(OutboxDelivery))}
            await uow.session.execute(text("DELETE FROM outbox"))
        return [
            (one.name, one.subject_type, one.subject_id, one.event_metadata, one.stream, one.sequence,
             {consumer for id, consumer in owed if id == one.id})
            for one in events
        ]  # fmt: skip

    async with ports.database.writing_once() as once:
        await once.write(RECORD.bind(GUEST, **recording_values(has_sink=has_sink)))
    by_statement = await recorded()
    async with ports.database.writing() as uow:
        uow.has_sink = has_sink
        for owner in OWNERS:
            uow.record(Grew(subject_id=owner, stream=f"s:{owner}", sequence=7, by_id=owner, size=36))
        for owner in OWNERS:
            uow.record(Ended(subject_id=owner))

    assert by_statement == await recorded()
    assert len(by_statement) == 6


def test_events_with_a_field_that_a_statement_does_not_give_are_refused():
    rows = select(column("owner", Uuid())).cte("owners")

    with pytest.raises(TypeError, match="Grew has other fields: by_id, sequence, size, stream"):
        recording([RecordedEvents(Grew, rows, {"subject_id": rows.c.owner})])
