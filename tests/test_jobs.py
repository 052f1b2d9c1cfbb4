from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import pytest
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver, AsyncpgPoolDriver
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.errors import FailingListenerError
from sqlalchemy import delete, select, update

import jobs.handlers
import jobs.worker
import models
from integrations.mail import MailRefused
from jobs.events.lifecycle import archive_past, complete_ended
from jobs.mail_limits import MOST_OF_ONE_CAUSE
from jobs.notifications.broadcasts import CHANNEL
from jobs.queue import MailAlreadyClaimed, handle, to_jobs
from jobs.schedules import (
    SCHEDULES,
    prune_availability,
    prune_idempotency_keys,
    prune_job_log,
    prune_outbox,
    prune_sign_in,
)
from jobs.worker import Worker
from models import (
    AttemptCount,
    AvailabilityChange,
    Channel,
    DomainEvent,
    Event,
    EventStatus,
    HandledEvent,
    IdempotencyKey,
    KnownDevice,
    MailDelivery,
    NotificationPreference,
    NotificationType,
    OneTimePurpose,
    OneTimeToken,
    OutboxDelivery,
    OutboxEvent,
    ProviderSignIn,
    Session,
    SignUp,
    uuid7,
)
from outbox.relay import Relay
from settings import Settings
from tests.factories import in_days, make_category, make_event, make_user, make_venue, now, zone_where_it_is
from tests.jobs import Outgoing
from tests.news import notify


async def test_a_notification_is_mailed_once(ports, save, run_jobs, count):
    ada = make_user(email="ada@example.org")
    await save(ada)
    await approve(ports, ada)

    mails = await run_jobs()

    assert [(mail.to, mail.subject) for mail in mails] == [("ada@example.org", "Your event is published: Walk")]
    assert await count(OutboxDelivery, OutboxDelivery.consumer == "jobs") == 0
    assert await count(HandledEvent) == 1
    assert await run_jobs() == []


async def test_mail_is_in_the_readers_language(ports, save, run_jobs):
    ada = make_user(locale="ru")
    await save(ada)
    await approve(ports, ada)

    [mail] = await run_jobs()

    assert mail.subject == "Ваше событие опубликовано: Walk"
    assert "Его одобрил модератор." in mail.text and "Открыть Wingding" in mail.text


async def test_preferences_are_obeyed_when_it_is_sent(ports, save, run_jobs):
    ada = make_user()
    await save(ada)
    await approve(ports, ada)
    await save(
        NotificationPreference(
            user_id=ada.id, type=NotificationType.EVENT_APPROVED, channel=Channel.EMAIL, is_enabled=False
        )
    )

    assert await run_jobs() == []


@pytest.mark.parametrize("change", ["read", "inactive", "unproven", "off in the app"])
async def test_no_mail_where_it_is_no_longer_wanted(ports, save, run_jobs, change):
    ada = make_user()
    await save(ada)
    await approve(ports, ada)
    async with ports.database.writing() as uow:
        match change:
            case "read":
                await uow.session.execute(update(models.Notification).values(marked_at=now()))
            case "inactive":
                await uow.session.execute(update(models.User).values(is_active=False))
            case "unproven":
                await uow.session.execute(update(models.User).values(email_verified_at=None))
            case _:
                uow.session.add(
                    NotificationPreference(
                        user_id=ada.id, type=NotificationType.EVENT_APPROVED, channel=Channel.IN_APP, is_enabled=False
                    )
                )

    assert await run_jobs() == []


async def test_types_that_come_often_are_not_mailed_unless_asked_for(ports, save, run_jobs):
    ada, bob = make_user(), make_user()
    await save(ada, bob)
    await save(
        NotificationPreference(
            user_id=bob.id, type=NotificationType.NEW_MESSAGE, channel=Channel.EMAIL, is_enabled=True
        )
    )
    async with ports.database.writing() as uow:
        await notify(uow, [ada.id, bob.id], NotificationType.NEW_MESSAGE)

    assert [mail.to for mail in await run_jobs()] == [bob.email]


async def test_the_same_job_at_the_same_time_has_one_effect(ports, save, settings, monkeypatch):
    ada = make_user()
    await save(ada)
    await approve(ports, ada)
    effects = []

    async def slow(uow, _mailer, _settings, event) -> None:
        await asyncio.sleep(0.1)
        effects.append(event.id)

    monkeypatch.setitem(jobs.handlers.HANDLERS, "notification.sent", slow)
    async with ports.database.reading() as session:
        event_id = await session.scalar(select(OutboxEvent.id))

    done = await asyncio.gather(*[handle(ports.database, Outgoing(), settings, event_id) for _ in range(3)])

    assert sorted(done) == [False, False, True]
    assert effects == [event_id]


async def test_the_same_mail_at_the_same_time_is_sent_once(ports, save, settings, count):
    ada = make_user()
    await save(ada)
    await approve(ports, ada)
    async with ports.database.reading() as session:
        event_id = await session.scalar(select(OutboxEvent.id))
    sent, others_are_there = [], asyncio.Event()

    class Slow(Outgoing):
        async def send(self, mail) -> None:
            sent.append(mail.key)
            await others_are_there.wait()

    first = asyncio.create_task(handle(ports.database, Slow(), settings, event_id))
    await until(lambda: count(MailDelivery), seconds=10)
    others = await asyncio.gather(
        *[handle(ports.database, Slow(), settings, event_id) for _ in range(2)], return_exceptions=True
    )
    others_are_there.set()

    assert [type(one) for one in others] == [MailAlreadyClaimed, MailAlreadyClaimed]
    assert await first is True
    assert len(sent) == 1
    assert await handle(ports.database, Slow(), settings, event_id) is False
    assert await count(MailDelivery, MailDelivery.sent_at.is_not(None)) == 1


async def test_a_mail_whose_sender_died_is_sent_under_the_same_name(ports, save, settings, count):
    ada = make_user()
    await save(ada)
    await approve(ports, ada)
    async with ports.database.reading() as session:
        event_id = await session.scalar(select(OutboxEvent.id))
    first, second = Outgoing(), Outgoing()
    assert await handle(ports.database, first, settings, event_id) is True
    # As if the worker had died between the server's word and our mark.
    async with ports.database.writing() as uow:
        await uow.session.execute(delete(HandledEvent))
        await uow.session.execute(update(MailDelivery).values(sent_at=None))
    with pytest.raises(MailAlreadyClaimed):
        await handle(ports.database, second, settings, event_id)
    async with ports.database.writing() as uow:
        await uow.session.execute(update(MailDelivery).values(claimed_until=now()))

    assert await handle(ports.database, second, settings, event_id) is True

    assert first.mails.keys() == second.mails.keys()
    assert await count(MailDelivery, MailDelivery.attempts == 2) == 1


async def test_a_repeat_is_not_held_back_by_what_it_has_counted_itself(ports, save, settings, monkeypatch):
    ada = make_user()
    await save(ada)
    for _ in range(MOST_OF_ONE_CAUSE["OWN"]):
        await approve(ports, ada)
    async with ports.database.reading() as session:
        event_ids = (await session.scalars(select(OutboxEvent.id).order_by(OutboxEvent.id))).all()
    broken, working = Outgoing(), Outgoing()
    monkeypatch.setattr(broken, "send", refuse)
    for event_id in event_ids:
        with pytest.raises(ConnectionError):
            await handle(ports.database, broken, settings, event_id)

    for event_id in event_ids:
        await handle(ports.database, working, settings, event_id)

    assert len(working.mails) == len(event_ids)


async def test_a_failed_job_leaves_no_trace_and_may_run_again(ports, save, settings, count, monkeypatch):
    ada = make_user()
    await save(ada)
    await approve(ports, ada)
    async with ports.database.reading() as session:
        event_id = await session.scalar(select(OutboxEvent.id))
    broken, working = Outgoing(), Outgoing()
    monkeypatch.setattr(broken, "send", refuse)

    with pytest.raises(ConnectionError):
        await handle(ports.database, broken, settings, event_id)
    assert await count(HandledEvent) == 0
    assert await handle(ports.database, working, settings, event_id) is True
    assert len(working.mails) == 1


async def test_the_hop_into_the_queue_is_in_the_relays_transaction(ports, save, queries):
    ada = make_user()
    await save(ada)
    await approve(ports, ada)

    async def enqueue_and_fail(connection, events) -> None:
        await to_jobs(connection, events)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await Relay(ports.database, {"jobs": enqueue_and_fail}, interval=1).deliver("jobs")
    lost = await queries.queue_size()
    await Relay(ports.database, {"jobs": to_jobs}, interval=1).deliver("jobs")

    assert lost == []
    assert [(one.entrypoint, one.count) for one in await queries.queue_size()] == [("notification.sent", 1)]


async def test_every_event_with_a_job_has_a_handler():
    wanting = {cls.name for cls in every(DomainEvent) if cls.has_job and cls.__module__.startswith("resolvers.")}

    assert wanting == set(jobs.handlers.HANDLERS)


async def test_the_worker_tries_again_and_sets_aside_what_never_works(ports, save, settings, queries, monkeypatch):
    ada = make_user()
    await save(ada)
    await approve(ports, ada)
    monkeypatch.setattr(jobs.worker, "MOST_ATTEMPTS", 2)
    attempts = []

    async def fail(*_arguments) -> None:
        attempts.append(1)
        raise ConnectionError

    monkeypatch.setitem(jobs.handlers.HANDLERS, "notification.sent", fail)
    async with running_worker(settings):
        await until(lambda: queries.list_failed_jobs(), seconds=15)

    [held] = await queries.list_failed_jobs()
    assert len(attempts) == 2
    assert (held.entrypoint, held.status) == ("notification.sent", "failed")


async def test_the_worker_does_not_repeat_mail_refused_for_good(ports, save, settings, queries, monkeypatch):
    ada = make_user()
    await save(ada)
    await approve(ports, ada)
    attempts = []

    async def fail(*_arguments) -> None:
        attempts.append(1)
        raise MailRefused

    monkeypatch.setitem(jobs.handlers.HANDLERS, "notification.sent", fail)
    async with running_worker(settings):
        await until(lambda: queries.list_failed_jobs(), seconds=15)

    assert len(attempts) == 1


async def test_the_worker_asks_for_its_notifications_once_it_listens(ports, settings, monkeypatch):
    steps, listen, notify = [], AsyncpgPoolDriver.add_listener, Queries.notify_health_check

    async def slowly(self, *arguments) -> None:
        await asyncio.sleep(0.1)
        await listen(self, *arguments)
        if arguments[0] != CHANNEL:
            steps.append("listens")

    async def asked(self, id) -> None:
        steps.append("asks")
        await notify(self, id)

    monkeypatch.setattr(AsyncpgPoolDriver, "add_listener", slowly)
    monkeypatch.setattr(Queries, "notify_health_check", asked)
    async with running_worker(settings):
        while len(steps) < 2:
            await asyncio.sleep(0.01)

    assert steps[:2] == ["listens", "asks"]


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InternalClientError("cannot switch to state 11"),
        ExceptionGroup("several", [ConnectionResetError(), asyncpg.InterfaceError("connection is closed")]),
        FailingListenerError(),
        RuntimeError("a fault of ours"),
    ],
    ids=repr,
)
async def test_a_worker_begins_anew_whatever_ended_its_work(ports, save, settings, count, monkeypatch, error):
    ada = make_user()
    await save(ada)
    await approve(ports, ada)
    monkeypatch.setattr(jobs.worker, "FIRST_PAUSE", 0.01)
    works, work = [], Worker._work

    async def fail_first(self) -> None:
        works.append(1)
        if len(works) < 3:
            raise error
        await work(self)

    monkeypatch.setattr(Worker, "_work", fail_first)
    async with running_worker(settings):
        await until(lambda: count(HandledEvent), seconds=15)

    assert len(works) == 3


async def test_a_job_that_cannot_be_put_off_is_not_given_up(ports, save, settings, count, queries, monkeypatch):
    ada = make_user()
    await save(ada)
    await approve(ports, ada)
    monkeypatch.setattr(jobs.worker, "STALE", timedelta(seconds=1))
    attempts, handler = [], jobs.handlers.HANDLERS["notification.sent"]

    async def fail_first(*arguments) -> None:
        attempts.append(1)
        if len(attempts) == 1:
            raise asyncpg.InterfaceError("connection is closed")
        await handler(*arguments)

    async def away(*_arguments) -> None:
        raise asyncpg.InterfaceError("connection is closed")

    monkeypatch.setitem(jobs.handlers.HANDLERS, "notification.sent", fail_first)
    monkeypatch.setattr(Queries, "retry_job", away)
    async with running_worker(settings):
        await until(lambda: count(HandledEvent), seconds=15)

    assert len(attempts) == 2
    assert await queries.list_failed_jobs() == []


async def test_a_stopped_worker_gives_its_job_back(ports, save, settings, queries, monkeypatch):
    ada = make_user()
    await save(ada)
    await approve(ports, ada)
    monkeypatch.setattr(jobs.worker, "GRACE", 0.2)
    begun = asyncio.Event()

    async def hang(*_arguments) -> None:
        begun.set()
        await asyncio.sleep(60)

    monkeypatch.setitem(jobs.handlers.HANDLERS, "notification.sent", hang)
    started = asyncio.get_running_loop().time()
    async with running_worker(settings):
        await asyncio.wait_for(begun.wait(), 10)
        started = asyncio.get_running_loop().time()
    took = asyncio.get_running_loop().time() - started

    assert took < 3
    assert [(one.entrypoint, one.status, one.count) for one in await queries.queue_size()] == [
        ("notification.sent", "queued", 1)
    ]


async def test_the_end_of_an_event_is_announced_once(ports, save, settings, count):
    ended = await events(save, [in_days(-1), in_days(-2), in_days(1)])
    await save_again(ports, ended[1], status=EventStatus.CANCELLED)

    first = await complete_ended(ports.database, settings)
    second = await complete_ended(ports.database, settings)

    assert (first, second) == (1, 0)
    async with ports.database.reading() as session:
        announced = await session.scalars(select(OutboxEvent.subject_id).where(OutboxEvent.name == "event.completed"))
        assert announced.all() == [ended[0].id]


async def test_two_sweeps_at_once_announce_each_end_once(ports, save, settings, count):
    await events(save, [in_days(-1)] * 20)

    await asyncio.gather(*[complete_ended(ports.database, settings) for _ in range(4)])

    assert await count(OutboxEvent, OutboxEvent.name == "event.completed") == 20


async def test_an_event_is_archived_when_its_day_is_over_where_it_took_place(ports, save, settings, count):
    """They ended at the same moment, four hours ago: the evening before, an hour after midnight, this morning."""
    hours = {2: EventStatus.ARCHIVED, 5: EventStatus.PUBLISHED, 12: EventStatus.PUBLISHED}
    zones = {zone_where_it_is(hour): expected for hour, expected in hours.items()}
    rows = {zone: (await events(save, [timedelta(hours=-6)], time_zone=zone))[0] for zone in zones}
    old = (await events(save, [in_days(-3)]))[0]
    draft = (await events(save, [in_days(-3)], status=EventStatus.DRAFT))[0]

    await archive_past(ports.database, settings)
    again = await archive_past(ports.database, settings)

    async with ports.database.reading() as session:
        found = dict(tuple(row) for row in await session.execute(select(Event.id, Event.status)))
    assert found[old.id] is EventStatus.ARCHIVED
    assert found[draft.id] is EventStatus.DRAFT
    assert {zone: found[row.id] for zone, row in rows.items()} == zones
    assert again == 0
    assert await count(OutboxEvent, OutboxEvent.name == "event.archived") == 2


async def test_the_outbox_keeps_what_is_owed_or_young_or_failed(ports, save, settings, queries):
    kept_owed, kept_young, kept_failed, gone = (outbox_event(age) for age in (8, 6, 8, 8))
    await save(kept_owed, kept_young, kept_failed, gone)
    await save(OutboxDelivery(event_id=kept_owed.id, consumer="sink"), HandledEvent(event_id=gone.id))
    await queries.enqueue("x", None, dedupe_key=str(kept_failed.id))
    await queries.driver.execute("UPDATE pgqueuer SET status = 'failed'")

    assert await prune_outbox(ports.database, settings) == 1

    async with ports.database.reading() as session:
        left = set(await session.scalars(select(OutboxEvent.id)))
    assert left == {kept_owed.id, kept_young.id, kept_failed.id}


async def test_what_is_over_is_pruned(ports, save, settings, count):
    ada = make_user()
    [event] = await events(save, [in_days(1)])
    await save(ada)
    for days in (-9, -0.5):
        key = f"{days}".encode().ljust(32)
        await save(
            Session(user_id=ada.id, expires_at=in_days(days), ended_at=None),
            Session(user_id=ada.id, expires_at=in_days(30), ended_at=in_days(days)),
            OneTimeToken(
                token_hash=key,
                user_id=ada.id,
                purpose=OneTimePurpose.VERIFY_EMAIL,
                email="a@b.org",
                expires_at=in_days(days),
            ),
            ProviderSignIn(
                state_hash=key,
                nonce="",
                code_verifier="",
                redirect_uri="",
                expires_at=in_days(30 if days > -1 else days),
            ),
            SignUp(
                email="a@b.org", handle="a", display_name="A", locale="en", time_zone="UTC", created_at=in_days(days)
            ),
            AttemptCount(key=f"{days}", count=1, window_ends_at=in_days(1 if days > -1 else days)),
            IdempotencyKey(scope="s", key=f"{days}", operation="o", input_hash="h", created_at=in_days(days)),
            AvailabilityChange(
                event_id=event.id, sequence=1 if days < -1 else 2, taken=0, services=[], occurred_at=in_days(days)
            ),
        )

    pruned = [
        await sweep(ports.database, settings)
        for sweep in (prune_sign_in, prune_idempotency_keys, prune_availability, prune_job_log)
    ]

    assert pruned == [6, 1, 1, 0]
    kinds = (Session, OneTimeToken, SignUp, ProviderSignIn, AttemptCount)
    assert [await count(kind) for kind in kinds] == [2, 1, 1, 1, 1]


async def test_devices_are_forgotten_that_have_not_signed_in_for_long(ports, save, settings, count):
    ada = make_user()
    await save(ada)
    for days in (-401, -399):
        await save(
            KnownDevice(user_id=ada.id, token_hash=b"%d" % days, network="192.0.2.7", last_used_at=in_days(days))
        )

    assert await prune_sign_in(ports.database, settings) == 1

    assert await count(KnownDevice) == 1


@pytest.mark.parametrize("name", sorted(SCHEDULES))
async def test_every_schedule_runs_on_empty_tables(ports, settings, name):
    _expression, sweep = SCHEDULES[name]

    assert await sweep(ports.database, settings) == 0


@pytest.fixture
async def queries(ports, servers):
    connection = await asyncpg.connect(servers.urls.database)
    yield Queries(AsyncpgDriver(connection))
    await connection.close()


class running_worker:
    """A worker in this process, stopped as SIGTERM does it."""

    def __init__(self, settings: Settings) -> None:
        self._worker = Worker(settings)

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._worker.run())

    async def __aexit__(self, *_error) -> None:
        self._worker.stop()
        await asyncio.wait_for(self._task, 15)


async def until(condition, *, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.05)


async def refuse(_mail) -> None:
    raise ConnectionError


async def approve(ports, user) -> None:
    async with ports.database.writing() as uow:
        await notify(uow, [user.id], NotificationType.EVENT_APPROVED, title="Walk")


async def events(save, starts, **values):
    author, category, venue = make_user(), make_category(), make_venue()
    await save(author, category, venue)
    rows = [make_event(author, category, venue, starts_at=start, **values) for start in starts]
    await save(*rows)
    return rows


async def save_again(ports, event, **values) -> None:
    async with ports.database.writing() as uow:
        await uow.session.execute(update(Event).where(Event.id == event.id).values(**values))


def outbox_event(age_in_days: float) -> OutboxEvent:
    return OutboxEvent(
        id=uuid7(),
        name="test",
        subject_type="Test",
        subject_id=uuid7(),
        event_metadata={},
        occurred_at=in_days(-age_in_days),
    )


def every(base):
    return [found for cls in base.__subclasses__() for found in (cls, *every(cls))]
