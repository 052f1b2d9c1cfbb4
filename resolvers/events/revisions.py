"""Changes of what a moderator has approved: they wait, while the approved version stays out.

There is at most one for an event. Whatever is proposed later is put together with it into a new one, so that a
moderator decides on exactly what they have looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import select

from auth.rights import acts_as_staff
from auth.viewer import Viewer
from auth.visibility.events import event_revisions_visible_to
from database import UnitOfWork
from errors import NotFound
from models import DomainEvent, Event, EventRevision, ModerationItem, ModerationState, uuid7
from resolvers.booking.locks import editable
from resolvers.core import audit
from resolvers.core.moments import in_utc
from resolvers.events.lifecycle import AlreadyDecided, withdraw_from_review
from resolvers.events.validation import EventChanges

REVIEWED = {
    "title": "title",
    "description": "description",
    "venue_id": "venue",
    "new_venue": "venue",
    "starts_at": "startsAt",
    "ends_at": "endsAt",
}
"""Fields that a moderator approves: their names in `EventChanges`, and those that clients know."""


@dataclass(frozen=True, kw_only=True)
class EventRevisionSubmitted(DomainEvent):
    name: ClassVar[str] = "event.revision.submitted"
    subject_type: ClassVar[str] = "EventRevision"
    event_id: UUID


@dataclass(frozen=True, kw_only=True)
class EventRevisionWithdrawn(DomainEvent):
    name: ClassVar[str] = "event.revision.withdrawn"
    subject_type: ClassVar[str] = "EventRevision"
    event_id: UUID


async def pending(uow: UnitOfWork, event: Event) -> EventRevision | None:
    """Return the revision of a locked event that waits for a moderator."""
    found: EventRevision | None = await uow.session.scalar(
        select(EventRevision)
        .join(ModerationItem, ModerationItem.revision_id == EventRevision.id)
        .where(EventRevision.event_id == event.id, ModerationItem.state == ModerationState.PENDING)
    )
    return found


def changes_of(revision: EventRevision) -> EventChanges:
    """Return the changes that a revision proposes."""
    found: dict[str, Any] = {
        name: getattr(revision, name)
        for name in ("title", "description", "venue_id", "starts_at", "ends_at")
        if getattr(revision, name) is not None
    }
    if revision.removes_description:
        found["description"] = None
    return found  # type: ignore[return-value]  # a dict of just these keys


async def propose(
    uow: UnitOfWork,
    viewer: Viewer,
    event: Event,
    changes: EventChanges,
    *,
    moves_services: bool,
    reactivates: bool = False,
) -> EventRevision | None:
    """Put checked changes before the moderators, in the place of what waits already. Values that the event has anyway
    are left out; null where nothing is left.
    """
    values = _values(event, changes) | {"moves_services": moves_services, "reactivates": reactivates}
    before = await pending(uow, event)
    if before is not None and all(getattr(before, name) == value for name, value in values.items()):
        return before
    if before is not None:
        await withdraw_from_review(uow, event)
    if not reactivates and not any(values[name] for name in PROPOSED):
        return None
    revision = EventRevision(id=uuid7(), event_id=event.id, **values)
    uow.session.add(revision)
    await uow.session.flush()
    uow.session.add(ModerationItem(event_id=event.id, revision_id=revision.id, submitted_by_id=viewer.require_user()))
    uow.record(EventRevisionSubmitted(subject_id=revision.id, event_id=event.id))
    await uow.session.flush()
    return revision


PROPOSED = ("title", "description", "removes_description", "venue_id", "starts_at", "ends_at")


def _values(event: Event, changes: EventChanges) -> dict[str, Any]:
    """Columns of a revision."""
    wanted: dict[str, Any] = dict(changes)
    for name in {"starts_at", "ends_at"} & wanted.keys():
        wanted[name] = in_utc(wanted[name])
    differing = {
        name: wanted[name]
        for name in ("title", "description", "venue_id", "starts_at", "ends_at")
        if name in wanted and wanted[name] != getattr(event, name)
    }
    removes_description = "description" in differing and differing["description"] is None
    return dict.fromkeys(PROPOSED) | differing | {"removes_description": removes_description}


async def withdraw(uow: UnitOfWork, viewer: Viewer, *, revision_id: UUID) -> EventRevision:
    """Take a pending revision back: whoever may change the event."""
    seen = await uow.session.scalar(event_revisions_visible_to(viewer).where(EventRevision.id == revision_id))
    if seen is None:
        raise NotFound(path=("revisionId",))
    event = await editable(uow, viewer, seen.event_id, path=("revisionId",))
    state = await uow.session.scalar(select(ModerationItem.state).where(ModerationItem.revision_id == revision_id))
    if state is not ModerationState.PENDING:
        raise AlreadyDecided(path=("revisionId",), status=state)
    await withdraw_from_review(uow, event)
    event.version += 1
    if await acts_as_staff(uow.session, viewer, event):
        audit.note(
            uow, viewer, "event.revision.withdraw", subject_type="EventRevision", subject_id=seen.id,
            before={"state": ModerationState.PENDING}, after={"state": ModerationState.WITHDRAWN},
        )  # fmt: skip
    uow.record(EventRevisionWithdrawn(subject_id=seen.id, event_id=event.id))
    await uow.session.flush()
    return seen
