"""The worker's loop that tells many people, a batch at a time."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from database import Database, is_outage
from resolvers.notifications.broadcasting import tell_next

log = structlog.get_logger()

CHANNEL = "broadcasts"
"""On which the database says that there are new ones (`database/functions/wake_broadcasters.sql`)."""
LOOK = 2.0
"""Seconds between looks for what another worker has left behind."""
PAUSE = 0.05
"""Seconds before those are asked for again who were held by others, and after a failure."""


class Broadcaster:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._has_news = asyncio.Event()

    def wake(self, *_notified: object) -> None:
        self._has_news.set()

    async def run(self) -> None:
        while True:
            self._has_news.clear()
            try:
                await self._tell_all()
            except Exception as error:
                if is_outage(error):
                    log.warning("broadcasts.database_lost", error=type(error).__name__)
                else:
                    log.exception("broadcasts.failed")
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    await self._has_news.wait()

    async def _tell_all(self) -> None:
        while (told := await tell_next(self._database)) is not None:
            if told.is_stuck:
                await asyncio.sleep(PAUSE)
