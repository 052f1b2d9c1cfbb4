"""Finding services: as events are found, whose rule decides what a viewer is shown.

`docs/lists.md` tells authors of clients what is found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, Select, any_, func, literal, select

from auth.viewer import Viewer
from auth.visibility.booking import all_bookings_are_visible
from dataloaders.core.filter_conditions import among, at_times
from dataloaders.core.keyset_pages import Key, Listing, Order
from errors import Forbidden, UserError
from models import HOLDING, Booking, Event, EventVisibility, EventWords, Service, utcnow
from resolvers.core import word_search
from resolvers.events.search import (
    TimeFilter,
    has_free_places,
    hosted_by_viewer,
    in_time,
    listed_to,
    on_days,
    problems_of_time,
)
from resolvers.events.word_pages import WordListing


class ServiceSort(Enum):
    RELEVANCE = "RELEVANCE"
    STARTS_AT_ASC = "STARTS_AT_ASC"
    STARTS_AT_DESC = "STARTS_AT_DESC"


SOONEST_FIRST: Order = (Key(Service.starts_at), Key(Service.id))
ORDERS: dict[ServiceSort, Order] = {
    # Where no text is looked for.
    ServiceSort.RELEVANCE: SOONEST_FIRST,
    ServiceSort.STARTS_AT_ASC: SOONEST_FIRST,
    ServiceSort.STARTS_AT_DESC: (Key(Service.starts_at, descending=True), Key(Service.id, descending=True)),
}
LOCAL_START = func.timezone(Event.time_zone, Service.starts_at, type_=DateTime(timezone=False))
"""The local time at the venue. PostgreSQL knows every zone here: `events.local_start` was computed with it."""


@dataclass(frozen=True, kw_only=True)
class ServiceFilter(TimeFilter):
    """The text is looked for among the words of the event, and days and timings are those of the service."""

    event_ids: Sequence[UUID] | None = None
    service_type_ids: Sequence[UUID] | None = None
    venue_ids: Sequence[UUID] | None = None
    club_ids: Sequence[UUID] | None = None
    staff_person_ids: Sequence[UUID] | None = None
    participant_id: UUID | None = None
    is_cancelled: bool | None = None
    has_free_places: bool | None = None
    visibilities: Sequence[EventVisibility] | None = None

    @property
    def is_about_few(self) -> bool:
        """Whether it names something to which few services belong, or days of its own."""
        named = (
            self.event_ids, self.service_type_ids, self.venue_ids, self.club_ids, self.staff_person_ids,
            self.participant_id, self.date_from, self.date_to,
        )  # fmt: skip
        return self.hosted_by_viewer is True or any(one is not None for one in named)


def listing(viewer: Viewer, wanted: ServiceFilter | None = None, sort: ServiceSort | None = None) -> Listing:
    """Return the services of events that lists show to a viewer, narrowed and in order. By default the best matches
    come first.

    Raises `Forbidden` if the viewer asks for somebody's services and may not read everyone's bookings. `problems` finds
    what may be wrong with the filter.
    """
    wanted = wanted or ServiceFilter()
    if wanted.participant_id is not None and not all_bookings_are_visible(viewer):
        raise Forbidden(path=("filter", "participantId"))
    listed = listed_to(
        viewer,
        wanted,
        never_out_too=wanted.event_ids is not None or wanted.statuses is not None,
        hidden_too=any(
            named is not None
            for named in (wanted.event_ids, wanted.visibilities, wanted.club_ids, wanted.participant_id)
        ),
    )
    statement = (
        in_time(listed, viewer, wanted)
        .join(Service, Service.event_id == Event.id)
        .with_only_columns(Service, maintain_column_froms=True)
        .where(Service.deleted_at.is_(None), *_narrowing(viewer, wanted))
    )
    query = word_search.query_of(wanted.text)
    if query is None:
        return Listing(statement, ORDERS[sort or ServiceSort.STARTS_AT_ASC], plans_anew=wanted.is_about_some_time)
    within = [] if wanted.looks_into_archive else [~EventWords.is_archived]
    having = statement.join(EventWords, EventWords.event_id == Event.id).where(query.matches(EventWords.words), *within)
    if sort is not None and sort is not ServiceSort.RELEVANCE:
        return Listing(having, ORDERS[sort])
    place = (Key(EventWords.starts_at), Key(EventWords.event_id))
    order = (Key(query.rank(EventWords.words)), *place, *SOONEST_FIRST)
    if wanted.is_about_few or wanted.looks_into_archive:
        return Listing(having, order)
    return WordListing(
        having, order, query, Service, statement, within, time="starts_at", by_rank=True, then=SOONEST_FIRST
    )


def problems(wanted: ServiceFilter) -> Iterator[UserError]:
    """Yield the problems of a filter."""
    return problems_of_time(wanted, statuses="eventStatuses")


def _narrowing(viewer: Viewer, wanted: ServiceFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        *among(Event.id, wanted.event_ids),
        *among(Event.venue_id, wanted.venue_ids),
        *among(Event.club_id, wanted.club_ids),
        *among(Event.status, wanted.statuses),
        *among(Event.visibility, wanted.visibilities),
        *hosted_by_viewer(viewer, wanted.hosted_by_viewer),
        *among(Service.service_type_id, wanted.service_type_ids),
        *among(Service.staff_person_id, wanted.staff_person_ids),
        *has_free_places(Service, wanted.has_free_places),
        *on_days(Service.starts_at, LOCAL_START, wanted),
        *at_times(Service.starts_at, Service.ends_at, wanted.timings),
    ]
    if wanted.is_cancelled is not None:
        conditions.append(Service.cancelled_at.is_not(None) if wanted.is_cancelled else Service.cancelled_at.is_(None))
    if wanted.participant_id is not None:
        conditions.append(_with_place_of(wanted.participant_id))
    if wanted.is_about_archive:
        # It follows from the rest: the last day of the others is over.
        last = select(func.max(Service.starts_at)).where(Service.is_archived).scalar_subquery()
        conditions.append(Service.starts_at <= func.greatest(literal(utcnow(), Service.starts_at.type), last))
    if viewer.id is None or not wanted.looks_into_archive:
        # Said of the event too; of the service, it is what `ix_services_open` has.
        conditions.append(~Service.is_archived)
    return conditions


def _with_place_of(user_id: UUID) -> ColumnElement[bool]:
    """As an array, because a person's bookings are few and PostgreSQL can take them for many."""
    booked: Select[Any] = select(Booking.service_id).where(Booking.user_id == user_id, Booking.admission.in_(HOLDING))
    return Service.id == any_(func.array(booked.scalar_subquery()))
