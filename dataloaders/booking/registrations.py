from __future__ import annotations

from enum import Enum
from typing import Any

from sqlalchemy import ColumnElement, Select, Uuid, and_, case, exists, func, literal, select

from auth.permissions import Permission
from auth.viewer import Viewer
from auth.visibility.booking import registrations_of_event, registrations_visible_to
from auth.visibility.people import allows_reading, audiences_with, users_visible_to
from dataloaders.core.declarations import in_parts, one, pages, value
from dataloaders.core.filter_conditions import among, at_times
from dataloaders.core.keyset_pages import Key
from models import HOLDING, Audience, Event, Registration, Service, User


class RegistrationSort(Enum):
    STARTS_AT_ASC = "STARTS_AT_ASC"
    STARTS_AT_DESC = "STARTS_AT_DESC"
    CREATED_AT_DESC = "CREATED_AT_DESC"


def own_registrations(viewer: Viewer) -> Select[Registration]:
    return select(Registration).where(Registration.user_id == viewer.id)


def own_with_events(viewer: Viewer) -> Select[Registration]:
    """As `own_registrations`, for lists that are narrowed and sorted by what the event is."""
    return own_registrations(viewer).join(Event, Event.id == Registration.event_id)


def own_counts(viewer: Viewer) -> Any:
    """Count one's registrations, for the list that nothing narrows: it needs no look at their events."""
    return (
        select(Registration.user_id, func.count())
        .where(Registration.user_id == viewer.id)
        .group_by(Registration.user_id)
    )


def narrowed(statement: Select[Any], _viewer: Viewer, filter: Any) -> Select[Any]:
    return statement.where(
        *among(Registration.admission, filter.admissions), *among(Registration.attendance, filter.attendances)
    )


def narrowed_by_events(statement: Select[Any], viewer: Viewer, filter: Any) -> Select[Any]:
    return narrowed(statement, viewer, filter).where(
        *at_times(Event.starts_at, Event.ends_at, filter.timings), *among(Event.status, filter.event_statuses)
    )


def entry(person_id: Any, event: Any = Event) -> Any:
    """In SQL, whether the club of an event lets a person take part: `OPEN`, `MEMBERS_ONLY` or `RESTRICTED`.

    `event` has the event's `id` and `club_id`. Without a club nothing is asked.
    """
    person = person_id if isinstance(person_id, ColumnElement) else literal(person_id, Uuid())
    asked = func.event_entry(event.id, person)
    return case((event.club_id.is_(None), literal("OPEN")), else_=asked)


def standings(viewer: Viewer) -> Select[Any]:
    """Select what it depends on whether the viewer may take part in an event, beside the event itself."""
    return select(Event.id, *standing_of(viewer))


def standing_of(viewer: Viewer) -> list[Any]:
    """As columns, for a statement that reads events."""
    own = select(Registration.admission).where(Registration.event_id == Event.id, Registration.user_id == viewer.id)
    offering = exists().where(Service.event_id == Event.id, Service.cancelled_at.is_(None))
    return [
        own.correlate(Event).scalar_subquery().label("admission"),
        offering.correlate(Event).label("offers_services"),
        entry(viewer.id).label("entry"),
    ]


by_id = one(Registration, key=Registration.id, select=registrations_visible_to)
by_event_id = pages(
    Registration,
    key=Registration.event_id,
    select=registrations_visible_to,
    parts=lambda viewer, event_id, filter: in_parts(registrations_of_event(viewer, event_id), viewer, filter, narrowed),
    order_by=[Registration.created_at, Registration.id],
    filter=narrowed,
    typical=20,
)
NEWEST_FIRST = [Key(Registration.created_at, descending=True), Key(Registration.id, descending=True)]
own_count_by_user_id = value(key=Registration.user_id, select=own_counts, default=0)
by_user_id = pages(
    Registration,
    key=Registration.user_id,
    select=own_with_events,
    order_by=NEWEST_FIRST,
    sorts={
        RegistrationSort.STARTS_AT_ASC: [Event.starts_at, Registration.id],
        RegistrationSort.STARTS_AT_DESC: [Key(Event.starts_at, descending=True), Key(Registration.id, descending=True)],
        RegistrationSort.CREATED_AT_DESC: NEWEST_FIRST,
    },
    filter=narrowed_by_events,
    typical=10,
    kept_count=lambda _viewer, filter: None if filter else own_count_by_user_id,
)
own_by_event_id = one(Registration, key=Registration.event_id, select=own_registrations)
standing_by_event_id = value(key=Event.id, select=standings)


def participants(viewer: Viewer) -> Select[User]:
    """Select people who hold a place and let the viewer know it."""
    holding = and_(Registration.user_id == User.id, Registration.admission.in_(HOLDING))
    return users_visible_to(viewer).join(Registration, holding).where(allows_reading(viewer, User, "registrations"))


def participants_in_parts(viewer: Viewer, _event_id: Any, _filter: Any) -> list[Select[User]]:
    """Return the same people by their audience, and oneself: of whose account is not active nobody knows.

    The person comes by an outer join, so that counting needs none.
    """
    shown = select(User).select_from(Registration).outerjoin(User, User.id == Registration.user_id)
    shown = shown.where(Registration.admission.in_(HOLDING))
    all_are_shown = viewer.can(Permission.USER_READ_PRIVATE)
    parts = [
        shown.where(Registration.shown_to == audience)
        for audience in (Audience if all_are_shown else audiences_with(viewer))
    ]
    if viewer.id is None or all_are_shown:
        return parts
    return [*parts, shown.where(Registration.shown_to == Audience.NOBODY, Registration.user_id == viewer.id)]


participants_by_event_id = pages(
    User,
    key=Registration.event_id,
    select=participants,
    parts=participants_in_parts,
    order_by=[Registration.created_at, Registration.id],
    typical=20,
)
