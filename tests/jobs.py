"""Runs the jobs that are due, inside the test: the relay's hop and the handlers are the real ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.ports.repository import EntrypointExecutionParameter
from pgqueuer.types import QueueEntrypoint, QueueManagerId

from integrations.mail import Mail
from jobs.handlers import HANDLERS
from jobs.queue import handle, to_jobs
from outbox.relay import Relay
from resolvers.notifications.broadcasting import tell_next
from schema.core.ports import Ports


@dataclass
class Outgoing:
    """A mailer that keeps what it is given. A mail sent again under its key replaces itself."""

    mails: dict[str, Mail] = field(default_factory=dict)

    async def send(self, mail: Mail) -> None:
        self.mails[mail.key] = mail


@dataclass
class Jobs:
    """`await run_jobs()` relays and runs whatever is due and answers with the mails it sent, in order of sending.

    A handler that raises fails the test.
    """

    ports: Ports
    database_url: str

    async def __call__(self) -> list[Mail]:
        outgoing = Outgoing()
        relay = Relay(self.ports.database, {"jobs": to_jobs}, interval=1.0)
        connection = await asyncpg.connect(self.database_url)
        try:
            queries = Queries(AsyncpgDriver(connection))
            while (
                await tell_next(self.ports.database)
                or await relay.deliver("jobs")
                or await self._run_due(queries, outgoing)
            ):
                pass
        finally:
            await connection.close()
        return list(outgoing.mails.values())

    async def _run_due(self, queries: Queries, outgoing: Outgoing) -> int:
        jobs = await queries.dequeue(
            batch_size=100,
            entrypoints={QueueEntrypoint(name): EntrypointExecutionParameter(0) for name in HANDLERS},
            queue_manager_id=QueueManagerId(uuid4()),
            global_concurrency_limit=None,
            heartbeat_timeout=timedelta(minutes=1),
        )
        for job in jobs:
            await handle(self.ports.database, outgoing, self.ports.settings, UUID((job.payload or b"").decode()))
            await queries.log_jobs([(job, "successful", None)])
        return len(jobs)
