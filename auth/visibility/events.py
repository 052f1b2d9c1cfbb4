"""Events, their services and their revisions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    and_,
    exists,
    false,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import aliased

from auth.permissions import Permission
from auth.viewer import Viewer
from auth.visibility.clubs import clubs_of, clubs_ruled_by
from models import (
    HOLDING,
    TAKING_PART,
    Admission,
    Booking,
    Club,
    ClubVisibility,
    Event,
    EventHost,
    EventRevision,
    EventRole,
    EventStatus,
    EventVisibility,
    ModerationItem,
    Registration,
    Service,
)

SHOWN = (EventStatus.PUBLISHED, EventStatus.CANCELLED, EventStatus.ARCHIVED)
"""Statuses in which an event is out in the open, if it ever went out: a draft may be cancelled or archived too."""
EDITING_ROLES = (EventRole.ORGANIZER, EventRole.CO_ORGANIZER)
"""Roles at an event that may change it."""


def hosted_by(user_id: UUID | None) -> Select[UUID]:
    """Ids of the events at which someone has a role."""
    return select(EventHost.event_id).where(EventHost.user_id == user_id)


def run_by(user_id: UUID) -> CompoundSelect[UUID]:
    """Ids of the events at which someone has a role, or all of whose club they may change."""
    of_clubs = select(Event.id).where(Event.club_id.in_(clubs_ruled_by(user_id)))
    return hosted_by(user_id).union_all(of_clubs)


def events_of(user_id: UUID) -> CompoundSelect[UUID]:
    """Ids of the events that someone runs, and of those that went out and in which they took part: of the archive this
    is theirs.
    """
    took_part = (
        select(Registration.event_id)
        .join(Event, Event.id == Registration.event_id)
        .where(Registration.user_id == user_id, Registration.admission.in_(HOLDING), SHOWN_EVENT)
    )
    return union_all(run_by(user_id), took_part)


def _edited_by(user_id: UUID) -> CompoundSelect[UUID]:
    """Ids of the events that someone may change without being staff."""
    hosting = select(EventHost.event_id).where(EventHost.user_id == user_id, EventHost.role.in_(EDITING_ROLES))
    return hosting.union_all(select(Event.id).where(Event.club_id.in_(clubs_ruled_by(user_id))))


PRIVATE = Club.visibility == literal_column(f"'{ClubVisibility.PRIVATE.name}'")
"""Written out and not as a parameter, or PostgreSQL could not tell that `ix_clubs_private` has all that is wanted."""
OF_PRIVATE_CLUB = exists().where(Club.id == Event.club_id, PRIVATE).correlate(Event)
"""The condition for a few events that are looked up: it reads the club of each."""
AMONG_PRIVATE_CLUBS = Event.club_id.in_(select(Club.id).where(PRIVATE))
"""The condition for lists, which go through many events: private clubs are read once."""
SHOWN_EVENT = and_(Event.status.in_(SHOWN), Event.published_at.is_not(None))
"""It is out in the open, or was."""


def is_deleted(entity: type[Event | Service], key: Any) -> ColumnElement[bool]:
    """Whether the event or service of this id was deleted."""
    other = aliased(entity)
    return exists().where(other.id == key, other.deleted_at.is_not(None)).correlate_except(other)


def _is_open(visibilities: Iterable[EventVisibility], of_private_club: ColumnElement[bool]) -> ColumnElement[bool]:
    """Nobody is kept from it by its visibility, or by that of its club."""
    return and_(Event.visibility.in_(tuple(visibilities)), or_(Event.club_id.is_(None), ~of_private_club))


def _open_to_all(visibilities: Iterable[EventVisibility], of_private_club: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(SHOWN_EVENT, _is_open(visibilities, of_private_club))


def _taking_part(user_id: UUID) -> Select[UUID]:
    """Ids of the events at which someone has a place, or waits for one."""
    return select(Registration.event_id).where(Registration.user_id == user_id, Registration.admission.in_(TAKING_PART))


def _events(
    viewer: Viewer, visibilities: Iterable[EventVisibility], of_private_club: ColumnElement[bool]
) -> ColumnElement[bool]:
    if viewer.is_staff:
        return Event.deleted_at.is_(None)
    return _open_or_own(viewer, _open_to_all(visibilities, of_private_club))


def _open_or_own(viewer: Viewer, open_to_all: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return the condition for events that are open to all, or the viewer's own by a role, a club or a registration."""
    is_there = Event.deleted_at.is_(None)
    if viewer.id is None:
        return and_(is_there, open_to_all)
    return and_(
        is_there,
        or_(
            open_to_all,
            and_(SHOWN_EVENT, Event.club_id.in_(clubs_of(viewer.id))),
            and_(SHOWN_EVENT, Event.id.in_(_taking_part(viewer.id))),
            Event.club_id.in_(clubs_ruled_by(viewer.id)),
            Event.id.in_(hosted_by(viewer.id)),
        ),
    )


OPENED = (EventVisibility.PUBLIC, EventVisibility.UNLISTED)


def event_is_visible(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition that the viewer may open an `Event`, given a link."""
    return _events(viewer, OPENED, OF_PRIVATE_CLUB)


def events_visible_to(viewer: Viewer) -> Select[Event]:
    """Events that the viewer may open, given a link."""
    return select(Event).where(event_is_visible(viewer))


def events_listed_to(viewer: Viewer, *, never_out_too: bool = False, hidden_too: bool = False) -> Select[Event]:
    """Events that lists and search show: without the unlisted ones of others.

    Staff, who may open every event, are shown what everyone is and what is their own. Of others' they find those that
    never went out, such as drafts, and those that are hidden, if they ask for them.
    """
    is_open = _is_open((EventVisibility.PUBLIC,), AMONG_PRIVATE_CLUBS)
    if viewer.is_staff and never_out_too and hidden_too:
        return select(Event).where(Event.deleted_at.is_(None))
    if viewer.is_staff and never_out_too:
        return select(Event).where(_open_or_own(viewer, is_open))
    return select(Event).where(
        _open_or_own(viewer, SHOWN_EVENT if viewer.is_staff and hidden_too else and_(SHOWN_EVENT, is_open))
    )


def events_readable_by(viewer: Viewer) -> Select[Event]:
    """As `events_visible_to`, and records: deleted events that the viewer was registered for. For reading alone: rules
    build on what is visible.

    Who has given their place back reads it unless it belonged to a club.
    """
    visible = _events(viewer, OPENED, OF_PRIVATE_CLUB)
    if viewer.id is None:
        return select(Event).where(visible)
    own = exists().where(
        Registration.event_id == Event.id,
        Registration.user_id == viewer.id,
        Registration.admission != Admission.REJECTED,
        or_(
            Registration.admission.in_(TAKING_PART),
            and_(Event.club_id.is_(None), Event.visibility.in_(OPENED)),
        ),
    )
    record = and_(Event.deleted_at.is_not(None), SHOWN_EVENT, own.correlate(Event))
    return select(Event).where(or_(visible, record))


def services_visible_to(viewer: Viewer) -> Select[Service]:
    visible = events_visible_to(viewer).with_only_columns(Event.id)
    return select(Service).where(Service.deleted_at.is_(None), Service.event_id.in_(visible))


def services_readable_by(viewer: Viewer) -> Select[Service]:
    """As `services_visible_to`, and records: deleted services that the viewer had booked. See `events_readable_by`."""
    within = Service.event_id.in_(events_readable_by(viewer).with_only_columns(Event.id))
    there: ColumnElement[bool] = Service.deleted_at.is_(None)
    if viewer.id is not None:
        there = or_(there, Service.id.in_(select(Booking.service_id).where(Booking.user_id == viewer.id)))
    return select(Service).where(there, within)


def event_revisions_visible_to(viewer: Viewer) -> Select[EventRevision]:
    """Everything for moderators; to others their own, and those of events that they may change."""
    statement = select(EventRevision)
    if viewer.can(Permission.EVENT_MODERATE):
        return statement
    if viewer.id is None:
        return statement.where(false())
    own = select(ModerationItem.revision_id).where(ModerationItem.submitted_by_id == viewer.id)
    return statement.where(or_(EventRevision.id.in_(own), EventRevision.event_id.in_(_edited_by(viewer.id))))
