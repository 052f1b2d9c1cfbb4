"""What resolvers are given: the caller, loaders, and the way to the database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession
from strawberry.types import Info as StrawberryInfo

import dataloaders.people.users
from auth.viewer import GUEST, Viewer
from database import Database, UnitOfWork, Writing
from dataloaders.core.compiled_loaders import CompiledLoaders
from dataloaders.core.loaders import Loaders
from dataloaders.core.spending import Spending
from errors import UserErrors
from resolvers.booking.time_conflicts import Policy
from translations import DEFAULT_LOCALE, LOCALES, Reader, negotiate

if TYPE_CHECKING:
    from schema.core.ports import Ports


@dataclass(frozen=True, slots=True)
class Caller:
    """What is known of the caller beside who they are."""

    address: str = ""
    user_agent: str = ""
    accept_language: str = ""


@dataclass(eq=False)
class Context:
    """The context of one HTTP request, or of one operation of a WebSocket."""

    ports: Ports
    caller: Caller
    viewer: Viewer = GUEST
    is_socket: bool = False
    loaders: Loaders = field(init=False)
    spending: Spending = field(default_factory=Spending)
    """What the operation has read so far."""
    in_vain: bool = False
    """Whether the input is known to be wrong, so that a rule is only asked what else is: nothing is committed."""
    _asked_locale: str | None = None
    """What Accept-Language asks for, empty where that is none of ours. Read once: each name in a catalogue asks."""
    _outer: UnitOfWork | None = None
    _has_written: bool = False
    """Whether the caller may be another than they were when the request came."""

    def __post_init__(self) -> None:
        self.become(self.viewer)

    def become(self, viewer: Viewer) -> None:
        """Set the caller and the loaders that see with the caller's eyes."""
        self.viewer = viewer
        made = CompiledLoaders if self.ports.settings.execution == "engine" else Loaders
        self.loaders = made(self.database, viewer, caching=not self.is_socket, spending=self.spending)

    @property
    def database(self) -> Database:
        return self.ports.database

    @property
    def locale(self) -> str:
        """Accept-Language, then the user's own choice, then English."""
        asked = self._asked_locale
        if asked is None:
            asked = self._asked_locale = negotiate(self.caller.accept_language) or ""
        if asked:
            return asked
        user = self.viewer.user
        return user.locale if user and user.locale in LOCALES else DEFAULT_LOCALE

    @property
    def reader(self) -> Reader:
        """The caller as somebody for whom messages are put into words."""
        return Reader(self.locale, self.viewer.user.time_zone if self.viewer.user else None)

    @property
    def conflict_policy(self) -> Policy:
        return Policy(self.ports.settings.time_conflicts)

    def reading(self) -> AbstractAsyncContextManager[AsyncSession]:
        return self.database.reading()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[UnitOfWork]:
        """One transaction; within `replaying()` a savepoint of its transaction."""
        self._has_written = True
        if self._outer is None:
            async with self.database.writing() as uow:
                yield uow
                self._refuse_in_vain()
        else:
            events = len(self._outer.events)
            try:
                async with self._outer.session.begin_nested():
                    yield self._outer
                    await self._outer.session.flush()
                    self._refuse_in_vain()
            except BaseException:
                del self._outer.events[events:]
                raise
        self.loaders.clear()

    @asynccontextmanager
    async def writing_once(self) -> AsyncIterator[Writing]:
        """For a rule that writes by one statement, which commits by itself. Within `replaying()` as `writing()`.

        No such rule changes a user. So the caller's row, which was read for this very request, is still what a reading
        would find. That of a live stream is older.
        """
        self._refuse_in_vain()
        if self._outer is None:
            async with self.database.writing_once() as once:
                yield once
            self.loaders.clear()
            caller = self.viewer.user
            if isinstance(caller, asyncpg.Record) and not self.is_socket and not self._has_written:
                self.loaders.prime(dataloaders.people.users.by_id, caller.id, caller)
        else:
            async with self.writing() as uow:
                yield uow

    def _refuse_in_vain(self) -> None:
        if self.in_vain:
            raise UserErrors(())

    @asynccontextmanager
    async def outer_writing(self) -> AsyncIterator[UnitOfWork]:
        """Open a transaction that the following `writing()` blocks join, for idempotency keys."""
        async with self.database.outer_turns, self.database.writing() as uow:
            self._outer = uow
            try:
                yield uow
            finally:
                self._outer = None


class Info(StrawberryInfo[Context, None]):
    """`info` of every resolver."""
