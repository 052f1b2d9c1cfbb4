"""Access to live streams, checked when one begins, and for all its readers when something has changed.

One statement answers for many, whatever their roles, so that a thousand who follow one event cost little more than one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Select,
    Uuid,
    and_,
    bindparam,
    case,
    column,
    func,
    literal_column,
    or_,
    select,
)

from auth.viewer import GUEST, IS_OPEN, STAFF, Viewer, given_viewer, roles_of_sessions, still_stands
from auth.visibility.events import events_visible_to
from database import Database
from database.rows import row_class
from dataloaders.core.rule_statements import Statement
from models import AvailabilityChange, Event, Role, Session, User
from realtime.batching import Batcher


class StreamReader(NamedTuple):
    """A reader of an event's stream. `is_staff` counts for readers without a session, as a job may be."""

    event_id: UUID
    user_id: UUID | None
    session_id: UUID | None
    is_staff: bool


@dataclass(frozen=True)
class EventPlace:
    """A reader's position at an event that they may see. `role` is that of their session now, null once it is over."""

    club_id: UUID | None
    head: int
    oldest: int | None
    """The lowest number of the entries that are kept."""
    role: Role | None


def _visible(viewer: Viewer) -> ColumnElement[bool]:
    condition = events_visible_to(viewer).whereclause
    assert condition is not None
    return condition


def _events(_viewer: Viewer) -> Select[*tuple[object, ...]]:
    """Select a row for each reader who may see the event."""
    ids = ("event_id", "user_id", "session_id")
    given: list[Any] = [bindparam(f"{name}s", type_=ARRAY(Uuid())) for name in ids]
    given.append(bindparam("are_staff", type_=ARRAY(Boolean())))
    columns: list[Any] = [*(column(name, Uuid()) for name in ids), column("is_staff", Boolean())]
    wanted = func.unnest(*given).table_valued(*columns).render_derived(name="wanted")
    reader = given_viewer(user_id=literal_column("wanted.user_id", Uuid()))
    is_staff = case((wanted.c.session_id.is_(None), wanted.c.is_staff), else_=User.role.in_(STAFF))
    oldest = select(func.min(AvailabilityChange.sequence)).where(AvailabilityChange.event_id == Event.id)
    return (
        select(
            *wanted.c,
            Event.club_id,
            Event.availability_sequence.label("head"),
            oldest.correlate(Event).scalar_subquery().label("oldest"),
            User.role.label("role"),
        )
        .select_from(wanted)
        .join(Event, Event.id == wanted.c.event_id)
        .outerjoin(Session, and_(Session.id == wanted.c.session_id, IS_OPEN))
        .outerjoin(User, and_(User.id == Session.user_id, User.is_active))
        .where(or_(_visible(reader), and_(is_staff, _visible(given_viewer(Role.MODERATOR)))))
    )


EVENTS = Statement(_events, given=("event_ids", "user_ids", "session_ids", "are_staff"), rows=row_class(User))
OPEN_TO_ALL = _visible(GUEST)
"""The condition that everybody may see an event."""


class StreamAccess:
    """One for a process. Those who ask at the same time are answered together."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._events = Batcher(self._look_up)
        self._roles = Batcher(self._read_roles)

    async def event(self, event_id: UUID, viewer: Viewer) -> EventPlace | None:
        """Return a viewer's position at an event, null if it is hidden from them."""
        return await self._events.load(StreamReader(event_id, viewer.id, viewer.session_id, viewer.is_staff))

    async def still_stands(self, viewer: Viewer) -> bool:
        """Whether a viewer is signed in as they were."""
        role = await self._roles.load(viewer.session_id) if viewer.session_id else None
        return still_stands(viewer, role)

    async def _read_roles(self, session_ids: Sequence[UUID]) -> dict[UUID, Role]:
        return await roles_of_sessions(self._database, session_ids)

    async def _look_up(self, readers: Sequence[StreamReader]) -> dict[StreamReader, EventPlace]:
        event_ids, user_ids, session_ids, are_staff = (list(column) for column in zip(*readers, strict=True))
        asked = EVENTS.bind(GUEST, event_ids=event_ids, user_ids=user_ids, session_ids=session_ids, are_staff=are_staff)
        return {
            StreamReader(row["event_id"], row["user_id"], row["session_id"], row["is_staff"]): EventPlace(
                row["club_id"], row["head"], row["oldest"], row.role
            )
            for row in await self._database.fetch(asked.sql, asked.arguments, asked.row_class)
        }
