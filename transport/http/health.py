"""What orchestrators and Prometheus ask: /healthz, /readyz, /metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from database import is_outage
from outbox.relay import lag
from schema.core.ports import Ports
from transport.http.bodies import write_json
from transport.observing.metrics import Metrics

APPLIED = text("SELECT EXISTS (SELECT FROM alembic_applied WHERE revision = :revision)")
"""The database may be newer than this code: migrations take nothing away that the release before needs."""
PATIENCE = 2.0
"""Seconds for the database to answer."""


class Health:
    def __init__(self, ports: Ports, metrics: Metrics, newest_revision: Callable[[], str | None]) -> None:
        self._ports = ports
        self._metrics = metrics
        self._newest_revision = newest_revision

    async def healthz(self, _request: Request) -> Response:
        """Answer that the process runs. Nothing more: a restart would not bring the database back."""
        return PlainTextResponse("ok\n")

    async def readyz(self, _request: Request) -> Response:
        """200 when requests can be served. Without Redis they can: only live messages wait."""
        database = await self._database()
        redis = "ok" if self._ports.hub.is_connected else "away; live messages wait"
        body = {"database": database, "redis": redis}
        return Response(write_json(body), 200 if database == "ok" else 503, media_type="application/json")

    async def _database(self) -> str:
        try:
            async with asyncio.timeout(PATIENCE), self._ports.database.reading() as session:
                is_applied = await session.scalar(APPLIED, {"revision": self._newest_revision()})
        except ProgrammingError:
            is_applied = False
        except Exception as error:
            if not is_outage(error):
                raise
            return "away"
        return "ok" if is_applied else "migrations are missing"

    async def metrics(self, _request: Request) -> Response:
        found = self._metrics
        found.redis.set(self._ports.hub.is_connected)
        found.outbox_rows.clear()
        found.outbox_age.clear()
        try:
            async with asyncio.timeout(PATIENCE), self._ports.database.reading() as session:
                for consumer, (rows, seconds) in (await lag(session)).items():
                    found.outbox_rows.labels(consumer).set(rows)
                    found.outbox_age.labels(consumer).set(seconds)
        except Exception as error:
            if not is_outage(error):
                raise
        return Response(found.text(), media_type="text/plain; version=0.0.4")
