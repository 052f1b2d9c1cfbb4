from __future__ import annotations

import asyncio
import random
import time
from email import message_from_bytes

import pytest
from sqlalchemy import func, select, text

from app import make_ports
from commands.migrations import migrate
from integrations.embedded import EmbeddedServers
from integrations.mail import mailbox_folder
from models import HandledEvent, Notification, NotificationType, OutboxDelivery, OutboxEvent
from settings import Settings
from tests.clients import ServerProcess
from tests.conftest import SCRATCH_ENVIRONMENT
from tests.factories import make_user
from tests.news import notify

pytestmark = pytest.mark.outside

READERS, ROUNDS = 60, 10
"""Ten mails an hour of one type to one person are sent, and no more."""


@pytest.fixture
def start_worker(environment, tmp_path):
    """Start real worker processes whose mail goes to a folder of this test."""
    running: list[ServerProcess] = []

    def start() -> ServerProcess:
        home = environment | {"WINGDING_HOME": str(tmp_path), "LOG_FORMAT": "json"}
        running.append(ServerProcess(home, command=("worker",)))
        return running[-1]

    yield start
    for worker in running:
        worker.stop()


async def test_a_worker_killed_again_and_again_sends_every_notification_once(
    ports, save, count, environment, tmp_path, start_worker
):
    readers = [make_user(email=f"reader{number}@example.org") for number in range(READERS)]
    await save(*readers)
    mailbox = mailbox_folder(Settings.load(environment | {"WINGDING_HOME": str(tmp_path)}))
    chance = random.Random(7)

    async def send_notices() -> None:
        for number in range(ROUNDS):
            async with ports.database.writing() as uow:
                await notify(uow, [one.id for one in readers], NotificationType.EVENT_APPROVED, title=f"Walk {number}")
            await asyncio.sleep(0.1)

    sending = asyncio.create_task(send_notices())
    kills = 0
    while not sending.done() or kills < 4:
        worker = start_worker()
        before = await count(HandledEvent)
        async with asyncio.timeout(30):
            while await count(HandledEvent) == before and not await is_done(ports):
                await asyncio.sleep(0.01)
        await asyncio.sleep(chance.random() * 0.3)
        worker.kill()
        kills += 1
    await sending
    start_worker()
    async with asyncio.timeout(120):  # a killed worker's claims end after 25 seconds
        while not await is_done(ports):
            await asyncio.sleep(0.2)

    expected = READERS * ROUNDS
    async with ports.database.reading() as session:
        per_reader = await session.execute(
            select(Notification.user_id, func.count(), func.max(Notification.sequence)).group_by(Notification.user_id)
        )
        assert {(total, last) for _user, total, last in per_reader} == {(ROUNDS, ROUNDS)}
        keys = {f"{id}.eml" for id in await session.scalars(select(Notification.id))}
    files = {file.name for file in mailbox.iterdir() if not file.name.startswith(".")}
    assert files == keys
    assert await count(OutboxEvent, OutboxEvent.name == "notification.sent") == expected
    assert await count(HandledEvent) == expected
    recipients = [message_from_bytes(file.read_bytes())["To"] for file in mailbox.glob("[!.]*.eml")]
    assert {recipients.count(one.email) for one in readers} == {ROUNDS}


async def test_a_worker_outlives_restarts_of_its_database(tmp_path):
    """Twelve restarts, at once and after some time, with work going on: the worker lives, and no job is given up."""
    with EmbeddedServers(tmp_path / "home", lossy=True) as servers:
        environment = SCRATCH_ENVIRONMENT | {
            "DATABASE_URL": servers.urls.database, "REDIS_URL": servers.urls.redis, "WINGDING_HOME": str(servers.home),
        }  # fmt: skip
        await migrate(servers.urls.database)
        worker = ServerProcess(environment, command=("worker",))
        ports = make_ports(Settings.load(environment))
        try:
            readers = [make_user(email=f"reader{number}@example.org") for number in range(24)]
            async with ports.database.writing() as uow:
                uow.session.add_all(readers)
            chance = random.Random(11)
            for number in range(12):
                async with ports.database.writing() as uow:
                    chosen = [readers[(2 * number + step) % 24].id for step in range(20)]
                    await notify(uow, chosen, NotificationType.EVENT_APPROVED, title=f"Walk {number}")
                await asyncio.sleep(chance.random() * 0.4)
                await asyncio.to_thread(servers.restart_postgres)
                await asyncio.sleep(chance.choice([0.0, 0.05, 1.0]))
                assert worker.process.poll() is None
            async with asyncio.timeout(90):
                while not await is_done(ports):
                    await asyncio.sleep(0.2)

            async with ports.database.reading() as session:
                held = await session.scalar(text("SELECT count(*) FROM pgqueuer WHERE status = 'failed'"))
            files = [file for file in mailbox_folder(ports.settings).iterdir() if not file.name.startswith(".")]
            assert (held, len(files)) == (0, 240)
        finally:
            worker.stop()
            await ports.database.dispose()


async def test_sigterm_ends_a_worker_promptly(ports, start_worker, count, save):
    ada = make_user()
    await save(ada)
    worker = start_worker()
    async with ports.database.writing() as uow:
        await notify(uow, [ada.id], NotificationType.EVENT_APPROVED, title="Walk")
    async with asyncio.timeout(30):
        while not await count(HandledEvent):
            await asyncio.sleep(0.05)

    started = time.monotonic()
    await asyncio.to_thread(worker.stop)

    assert time.monotonic() - started < 3
    assert worker.process.returncode == 0


async def is_done(ports) -> bool:
    async with ports.database.reading() as session:
        owed = await session.scalar(
            select(func.count()).select_from(OutboxDelivery).where(OutboxDelivery.consumer == "jobs")
        )
        unhandled = await session.scalar(
            select(func.count())
            .select_from(OutboxEvent)
            .where(OutboxEvent.name == "notification.sent", OutboxEvent.id.not_in(select(HandledEvent.event_id)))
        )
    return not owed and not unhandled
