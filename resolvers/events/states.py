"""Actions that are open to an event, by its status and the clock. `docs/event-states.md` draws the table.

Every rule that moves an event from one status to another, or edits it, asks here first. `booking.locks.editable` asks
who may do it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from errors import InvalidStatus, UserError, _
from models import Event, EventStatus, Service, is_over, utcnow
from resolvers.events.validation import EventInPast


class EventOver(EventInPast):
    message = _("The event is over.")


class EventTookPlace(EventInPast):
    message = _(
        "People took part in this event, so its time and place stay. To hold it again, archive it and bring it back "
        "with a new date."
    )


class EventAction(Enum):
    UPDATE = "UPDATE"
    """Change the event or its services."""
    PUBLISH = "PUBLISH"
    CANCEL = "CANCEL"
    ARCHIVE = "ARCHIVE"
    REACTIVATE = "REACTIVATE"


@dataclass(frozen=True)
class ActionRule:
    """The conditions that an action sets on the event."""

    statuses: frozenset[EventStatus]
    before_end: bool = False
    """Whether the action is refused once the event is over."""


CHANGEABLE = frozenset({EventStatus.DRAFT, EventStatus.PENDING_REVIEW, EventStatus.PUBLISHED})

GATES: dict[EventAction, ActionRule] = {
    EventAction.UPDATE: ActionRule(CHANGEABLE),
    EventAction.PUBLISH: ActionRule(frozenset({EventStatus.DRAFT, EventStatus.PENDING_REVIEW}), before_end=True),
    EventAction.CANCEL: ActionRule(CHANGEABLE, before_end=True),
    EventAction.ARCHIVE: ActionRule(frozenset(EventStatus) - {EventStatus.ARCHIVED}),
    EventAction.REACTIVATE: ActionRule(frozenset({EventStatus.CANCELLED, EventStatus.ARCHIVED})),
}


def is_event_over(event: Event) -> bool:
    return is_over(event.ends_at, utcnow())


def took_place(event: Event) -> bool:
    """Whether it is history of those who were there: then it is not moved, and held again as another event."""
    return event.published_at is not None and event.cancelled_at is None and is_event_over(event) and event.taken > 0


def service_took_place(event: Event, service: Service) -> bool:
    """As `took_place`, of one service of an event that is out."""
    is_held = event.status is EventStatus.PUBLISHED and not service.is_cancelled
    return is_held and is_over(service.ends_at, utcnow()) and service.taken > 0


def refusal(event: Event, action: EventAction, *path: str) -> UserError | None:
    """Return the refusal of an action, or null if the action is open."""
    gate = GATES[action]
    if event.status not in gate.statuses:
        return InvalidStatus(path=path, status=event.status)
    if gate.before_end and is_event_over(event):
        return EventOver(path=path)
    return None


def require(event: Event, action: EventAction, *path: str) -> None:
    """Raise the refusal of an action unless it is open."""
    if found := refusal(event, action, *path):
        raise found
