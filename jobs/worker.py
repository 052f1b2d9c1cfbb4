"""The worker process: relays the outbox, runs jobs and schedules, until it is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import asyncpg
import structlog
from pgqueuer import PgQueuer
from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.executors import AbstractEntrypointExecutor, EntrypointExecutorParameters
from pgqueuer.domain.types import HealthCheckId
from pgqueuer.errors import FailingListenerError, RetryRequested
from pgqueuer.models import Context, Job, Schedule, TracebackRecord
from pgqueuer.ports.driver import NotifyCallback

from database import Database, dsn_of, is_outage
from integrations.mail import Mailer, MailRefused, make_mailer
from jobs.handlers import HANDLERS
from jobs.notifications.broadcasts import CHANNEL, Broadcaster
from jobs.queue import MailAlreadyClaimed, handle, to_jobs
from jobs.schedules import SCHEDULES, Sweep
from outbox.relay import Relay
from outbox.sinks import Consumer, RedisStreamSink, to_live_streams, to_sink
from realtime.hub import Hub
from realtime.tasks import end
from settings import Settings

log = structlog.get_logger()

MOST_ATTEMPTS = 19
"""Maximum number of attempts. With the delays below they take about a day."""
LONGEST_DELAY = timedelta(hours=4)
LONGEST_JOB = 60.0
STALE = timedelta(seconds=10)
"""A job whose worker was not heard of for so long is taken by another."""
LOOK = timedelta(seconds=2)
"""Between looks into the queue. New jobs are notified of; those put off are not."""
GRACE = 3.0
"""Seconds that running jobs have left once the worker is told to stop; then they go back into the queue."""
CONCURRENT = 40


FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0
"""Seconds before the worker begins anew after it has failed; twice as long each time."""


class ListeningDriver(AsyncpgPoolDriver):
    """pgqueuer's connections. `listening` is set once its notifications arrive."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        super().__init__(pool)
        self.listening = asyncio.Event()

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        await super().add_listener(channel, callback)
        if channel != CHANNEL:
            self.listening.set()


class PatientQueries(Queries):
    """pgqueuer's statements, and two waits that it does without.

    - It gives a job up for good where it cannot be put off: where the database is away, the job stays with this worker
      instead, and is taken anew once its heartbeat is stale.
    - It asks whether notifications arrive before it listens for them, and ends the worker when nothing came.
    """

    def __init__(self, driver: ListeningDriver) -> None:
        super().__init__(driver)
        self._listening = driver.listening

    async def notify_health_check(self, health_check_event_id: HealthCheckId) -> None:
        await self._listening.wait()
        await super().notify_health_check(health_check_event_id)

    async def retry_job(self, job: Job, delay: timedelta, traceback_record: TracebackRecord | None) -> None:
        try:
            await super().retry_job(job, delay, traceback_record)
        except Exception as error:
            log.warning("job.not_put_off", job=job.entrypoint, error=type(error).__name__)


@dataclass
class HandlerExecutor(AbstractEntrypointExecutor):
    """Runs the handler of an event: again and later where it fails, and set aside as `failed` after the last time."""

    database: Database
    mailer: Mailer
    settings: Settings
    stopping: asyncio.Event
    broadcaster: Broadcaster

    async def execute(self, job: Job, context: Context) -> None:
        try:
            await self._run(UUID((job.payload or b"").decode()))
        except (RetryRequested, MailRefused):
            raise
        except MailAlreadyClaimed as claimed:
            raise RetryRequested(timedelta(seconds=claimed.seconds), "claimed") from claimed
        except Exception as error:
            log.warning("job.failed", job=job.entrypoint, attempt=job.attempts, error=type(error).__name__)
            if job.attempts + 1 >= MOST_ATTEMPTS:
                raise
            delay = min(timedelta(seconds=2 ** (job.attempts + 1)), LONGEST_DELAY)
            raise RetryRequested(delay, type(error).__name__) from error

    async def _run(self, event_id: UUID) -> None:
        work = asyncio.create_task(self._handle(event_id))
        stopping = asyncio.create_task(self.stopping.wait())
        await asyncio.wait({work, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        await asyncio.wait({work}, timeout=GRACE)
        if not work.done():
            work.cancel()
            await asyncio.wait({work})
        if work.cancelled():
            raise RetryRequested(timedelta(0), "the worker is stopping")
        work.result()

    async def _handle(self, event_id: UUID) -> None:
        await self.broadcaster.give_way()
        async with asyncio.timeout(LONGEST_JOB):
            await handle(self.database, self.mailer, self.settings, event_id)


class Worker:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._database = Database(settings)
        self._hub = Hub(settings.redis_url)
        self._mailer = make_mailer(settings)
        self._stopping = asyncio.Event()
        self._sink: RedisStreamSink | None = None
        consumers: dict[str, Consumer] = {"live": to_live_streams(self._hub), "jobs": to_jobs}
        if settings.sink_stream:
            self._sink = RedisStreamSink(settings.redis_url, settings.sink_stream, length=settings.sink_stream_length)
            consumers["sink"] = to_sink(self._sink)
        self._relay = Relay(self._database, consumers, interval=settings.relay_interval)
        self._broadcaster = Broadcaster(self._database)
        self._database.after_commit = self._relay.wake
        self._hub.on_reconnect = self._relay.wake

    def stop(self) -> None:
        self._stopping.set()

    async def run(self) -> None:
        """Run until `stop`. A lost database or Redis is waited for, and whatever else fails begins anew."""
        log.info("worker.started")
        await self._hub.connect()
        self._relay.start()
        telling = asyncio.create_task(self._broadcaster.run(), name="broadcasts")
        try:
            await self._supervise()
        finally:
            await end([telling])
            await self._relay.stop()
            await self._hub.disconnect()
            if self._sink is not None:
                await self._sink.close()
            await self._database.dispose()
            log.info("worker.stopped")

    async def _supervise(self) -> None:
        loop, failures = asyncio.get_running_loop(), 0
        while not self._stopping.is_set():
            began = loop.time()
            try:
                await self._work()
            except Exception as error:
                failures = failures + 1 if loop.time() - began < LONGEST_PAUSE else 1
                if _is_lost(error):
                    log.warning("worker.database_lost", error=type(error).__name__, failures=failures)
                else:
                    log.error("worker.failed", exc_info=error, failures=failures)
                await self._wait(min(FIRST_PAUSE * 2 ** min(failures, 10), LONGEST_PAUSE))

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    async def _work(self) -> None:
        """Run jobs and schedules over one pool of connections, until told to stop or until the database is lost."""
        async with _connections(self._settings) as pool:
            driver = ListeningDriver(pool)
            queue = PgQueuer(driver, queries=PatientQueries(driver))
            self._register(queue)
            await driver.add_listener(CHANNEL, self._broadcaster.wake)
            self._broadcaster.wake()
            running = asyncio.create_task(
                queue.run(
                    dequeue_timeout=LOOK,
                    batch_size=CONCURRENT // 2,
                    max_concurrent_tasks=CONCURRENT,
                    shutdown_on_listener_failure=True,
                    heartbeat_timeout=STALE,
                )
            )
            stopping = asyncio.create_task(self._stopping.wait())
            await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            queue.shutdown.set()
            await asyncio.wait({running}, timeout=GRACE * 2)
            if not running.done():
                running.cancel()
                await asyncio.wait({running})
            if not running.cancelled():
                running.result()

    def _register(self, queue: PgQueuer) -> None:
        def executor(parameters: EntrypointExecutorParameters) -> HandlerExecutor:
            ports = (self._database, self._mailer, self._settings)
            return HandlerExecutor(parameters, *ports, self._stopping, self._broadcaster)

        for name in HANDLERS:
            queue.entrypoint(name, on_failure="hold", executor_factory=executor)(_by_executor)
        for name, (expression, sweep) in SCHEDULES.items():
            queue.schedule(name, expression)(self._scheduled(name, sweep))

    def _scheduled(self, name: str, sweep: Sweep) -> Callable[[Schedule], Awaitable[None]]:
        async def run(_schedule: Schedule) -> None:
            log.info("schedule.done", schedule=name, rows=await sweep(self._database, self._settings))

        return run


def _is_lost(error: BaseException) -> bool:
    """Whether the database went away, also where several tasks noticed at once."""
    if isinstance(error, BaseExceptionGroup):
        return all(_is_lost(one) for one in error.exceptions)
    return isinstance(error, FailingListenerError) or is_outage(error)


async def _by_executor(_job: Job) -> None:
    """Do nothing: the executor knows the handler."""


@asynccontextmanager
async def _connections(settings: Settings) -> AsyncIterator[asyncpg.Pool]:
    """pgqueuer's own connections: one listens, the others ask."""
    pool = await asyncpg.create_pool(
        dsn_of(settings.database_url),
        min_size=2,
        max_size=4,
        timeout=5,
        server_settings={"application_name": "wingding jobs", "jit": "off"},
    )
    try:
        yield pool
    finally:
        try:
            await asyncio.wait_for(pool.close(), 2.0)
        except Exception:
            # Closing in good order takes a database that answers. What is raised by it would hide why we are here.
            pool.terminate()
