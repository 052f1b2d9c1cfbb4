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
"""Seconds before those are asked for again who were held by others."""
LONGEST_PRECEDENCE = 1.0
"""Seconds for which a job lets those go first who are being told: mail about it can wait, other mail not for long."""


class Broadcaster:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._has_news = asyncio.Event()
        self._is_idle = asyncio.Event()
        self._is_idle.set()

    def wake(self, *_notified: object) -> None:
        self._has_news.set()

    async def give_way(self) -> None:
        """Wait a while if people are being told: thousands of mails at once would take the process's whole time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_PRECEDENCE):
                await self._is_idle.wait()

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
        try:
            while (told := await tell_next(self._database)) is not None:
                self._is_idle.clear()
                if told.is_stuck:
                    await asyncio.sleep(PAUSE)
        finally:
            self._is_idle.set()
