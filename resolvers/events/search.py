"""Finding events: filters that combine by AND, on top of what the viewer may be shown.

`docs/lists.md` tells authors of clients what is found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    ColumnElement,
    CompoundSelect,
    Select,
    and_,
    any_,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import aliased

from auth.viewer import Viewer
from auth.visibility.events import events_listed_to, events_of, hosted_by
from dataloaders.core.filter_conditions import among, at_times
from dataloaders.core.keyset_pages import Key, Listing, Order
from errors import Contradiction, ErrorCode, UserError, _
from models import (
    Event,
    EventInterest,
    EventStatus,
    EventTiming,
    EventVisibility,
    EventWords,
    Service,
    has_begun,
    utcnow,
)
from resolvers.core import word_search
from resolvers.core.moments import EARLIEST, LATEST
from resolvers.core.money import Price
from resolvers.events.lifecycle import day_is_over
from resolvers.events.word_pages import WordListing

NEVER: ColumnElement[bool] = literal_column("false", Boolean)
"""`false()` would take the place of all other conditions, and of those that link the tables, too."""
OVER_BY_DATE = (EventStatus.PUBLISHED, EventStatus.CANCELLED)
"""Statuses from which an event goes into the archive once it is over. A draft stays until its author decides."""
WIDEST_OFFSET = timedelta(hours=15)
"""No zone is further from UTC, so a day of any zone lies within these bounds of the same day in UTC."""


class EventSort(Enum):
    RELEVANCE = "RELEVANCE"
    STARTS_AT_ASC = "STARTS_AT_ASC"
    STARTS_AT_DESC = "STARTS_AT_DESC"
    CREATED_AT_DESC = "CREATED_AT_DESC"


def _orders(of: Any, event_id: Any, *rank: Key) -> dict[EventSort, Order]:
    """Return the orders by columns of events, or of the matches among their words."""
    return {
        EventSort.RELEVANCE: (*rank, Key(of.starts_at), Key(event_id)),
        EventSort.STARTS_AT_ASC: (Key(of.starts_at), Key(event_id)),
        EventSort.STARTS_AT_DESC: (Key(of.starts_at, descending=True), Key(event_id, descending=True)),
        EventSort.CREATED_AT_DESC: (Key(of.created_at, descending=True), Key(event_id, descending=True)),
    }


ORDERS = _orders(Event, Event.id)


class EmptyDateRange(UserError):
    code = ErrorCode.INVALID
    message = _("A range of dates must end after it begins; its last day is not included.")


@dataclass(frozen=True, kw_only=True)
class TimeFilter:
    """Conditions on time, for lists of events and of services. A condition that is null does not narrow the list."""

    text: str | None = None
    date_from: date | None = None
    date_to: date | None = None
    timings: Sequence[EventTiming] | None = None
    statuses: Sequence[EventStatus] | None = None
    """Statuses of the event."""
    archived: bool | None = None
    hosted_by_viewer: bool | None = None
    """Whether the viewer runs the event."""

    @property
    def looks_into_archive(self) -> bool:
        """Whether archived events are included. If `archived` is null, they are when the filter asks for past events or
        for the status ARCHIVED.
        """
        if self.archived is not None:
            return self.archived
        return EventTiming.PAST in (self.timings or ()) or EventStatus.ARCHIVED in (self.statuses or ())

    @property
    def is_about_some_time(self) -> bool:
        """Whether it asks for what has begun, is over or archived: which of all events that is, the clock says."""
        return self.looks_into_archive or (self.timings is not None and EventTiming.UPCOMING not in self.timings)

    @property
    def is_about_archive(self) -> bool:
        """Whether only archived events are wanted."""
        return self.looks_into_archive and (self.archived is True or set(self.statuses or ()) == {EventStatus.ARCHIVED})


@dataclass(frozen=True, kw_only=True)
class EventFilter(TimeFilter):
    ids: Sequence[UUID] | None = None
    category_ids: Sequence[UUID] | None = None
    interest_ids: Sequence[UUID] | None = None
    venue_ids: Sequence[UUID] | None = None
    club_ids: Sequence[UUID] | None = None
    service_type_ids: Sequence[UUID] | None = None
    is_free: bool | None = None
    price_to: Price | None = None
    has_free_places: bool | None = None
    visibilities: Sequence[EventVisibility] | None = None

    @property
    def is_about_few(self) -> bool:
        """Whether it names something to which few events belong."""
        named = (self.ids, self.interest_ids, self.venue_ids, self.club_ids, self.service_type_ids)
        return self.hosted_by_viewer is True or any(one is not None for one in named)


def listing(viewer: Viewer, wanted: EventFilter | None = None, sort: EventSort | None = None) -> Listing:
    """Return the events a viewer is shown, narrowed and in order. By default the best matches come first.

    `problems` finds what may be wrong with the filter.
    """
    wanted = wanted or EventFilter()
    listed = listed_to(
        viewer,
        wanted,
        never_out_too=wanted.ids is not None or wanted.statuses is not None,
        hidden_too=wanted.ids is not None or wanted.visibilities is not None or wanted.club_ids is not None,
    )
    statement = _narrow(in_time(listed, viewer, wanted), viewer, wanted)
    query = word_search.query_of(wanted.text)
    if query is None:
        return Listing(statement, ORDERS[sort or EventSort.STARTS_AT_ASC], plans_anew=plans_anew(wanted))
    return _by_words(statement, wanted, query, sort or EventSort.RELEVANCE)


def _by_words(statement: Select[Event], wanted: EventFilter, query: word_search.WordQuery, sort: EventSort) -> Listing:
    """Narrow the events to those that have the words of a text."""
    within = words_within(wanted)
    having = statement.join(EventWords, EventWords.event_id == Event.id).where(query.matches(EventWords.words), *within)
    order = _orders(EventWords, EventWords.event_id, Key(query.rank(EventWords.words)))[sort]
    if wanted.is_about_few or wanted.looks_into_archive:
        return Listing(having, order)
    return WordListing(
        having,
        order,
        query,
        Event,
        statement,
        within,
        time="created_at" if sort is EventSort.CREATED_AT_DESC else "starts_at",
        by_rank=sort is EventSort.RELEVANCE,
        descending=sort in (EventSort.STARTS_AT_DESC, EventSort.CREATED_AT_DESC),
    )


def words_within(wanted: TimeFilter) -> list[ColumnElement[bool]]:
    """Return what a filter says of the rows in `event_words`, which have the times of their events."""
    conditions = _starts_within(wanted, EventWords.starts_at)
    timings = set(wanted.timings or EventTiming)
    if timings == {EventTiming.UPCOMING}:
        conditions.append(~has_begun(EventWords.starts_at, utcnow()))
    elif EventTiming.UPCOMING not in timings:
        conditions.append(has_begun(EventWords.starts_at, utcnow()))
    if not wanted.looks_into_archive:
        conditions.append(~EventWords.is_archived)
    return conditions


def _narrow(statement: Select[Event], viewer: Viewer, wanted: EventFilter) -> Select[Event]:
    return statement.where(
        *_plain(wanted),
        *_linked(wanted),
        *on_days(Event.starts_at, Event.local_start, wanted),
        *_price(wanted),
        *at_times(Event.starts_at, Event.ends_at, wanted.timings),
        *hosted_by_viewer(viewer, wanted.hosted_by_viewer),
    )


def problems(wanted: EventFilter) -> list[UserError]:
    """Return the conditions that contradict each other."""
    found = list(problems_of_time(wanted))
    if wanted.price_to is not None and wanted.is_free is False and wanted.price_to.amount.is_zero():
        found.append(Contradiction(path=("filter", "priceTo")))
    return found


def problems_of_time(wanted: TimeFilter, *, statuses: str = "statuses") -> Iterator[UserError]:
    """Yield the problems of a filter's conditions on time. `statuses` names its field for statuses of events."""
    if wanted.archived is None and wanted.date_from is None and wanted.date_to is None:
        return
    if wanted.date_from is not None and wanted.date_to is not None and wanted.date_to <= wanted.date_from:
        yield EmptyDateRange(path=("filter", "dateRange", "to"))
        return
    of_event = set(EventStatus if wanted.statuses is None else wanted.statuses)
    if wanted.archived and not of_event & {*OVER_BY_DATE, EventStatus.ARCHIVED}:
        yield Contradiction(path=("filter", statuses))
    if wanted.archived is False and of_event == {EventStatus.ARCHIVED}:
        yield Contradiction(path=("filter", statuses))
    if not _possible_timings(wanted, of_event):
        yield Contradiction(path=("filter", "dateRange" if wanted.timings is None else "timings"))


def _possible_timings(wanted: TimeFilter, of_event: set[EventStatus]) -> set[EventTiming]:
    """Return the wanted timings that are possible with these days and statuses."""
    possible, now = set(EventTiming if wanted.timings is None else wanted.timings), utcnow()
    if wanted.archived and EventStatus.ARCHIVED not in of_event:
        # What belongs to the archive by the calendar is over.
        possible &= {EventTiming.PAST}
    if (first := _within_calendar(wanted.date_from)) and _midnight(first) - WIDEST_OFFSET > now:
        possible -= {EventTiming.ONGOING, EventTiming.PAST}
    if (end := _within_calendar(wanted.date_to)) and _midnight(end) + WIDEST_OFFSET <= now:
        possible -= {EventTiming.UPCOMING}
    return possible


def listed_to(viewer: Viewer, wanted: TimeFilter, *, never_out_too: bool, hidden_too: bool) -> Select[Event]:
    """Return the events that a list may show. Those that the viewer runs are the viewer's own, whatever they are."""
    if wanted.hosted_by_viewer and viewer.id is not None:
        return select(Event).where(Event.deleted_at.is_(None))
    return events_listed_to(viewer, never_out_too=never_out_too, hidden_too=hidden_too)


def plans_anew(wanted: TimeFilter) -> bool:
    return wanted.is_about_some_time or wanted.hosted_by_viewer is not None


def in_time(listed: Select[Event], viewer: Viewer, wanted: TimeFilter) -> Select[Event]:
    """Narrow the listed events to those in the archive, those outside, or both, as the filter asks.

    The archive is for those who took part in an event, ran it, or are staff. An event whose day is over counts
    as archived before the sweep has come by.
    """
    put_away, is_over = _is_put_away(Event), day_is_over(utcnow())
    if wanted.is_about_archive:
        archived = or_(put_away, and_(Event.status.in_(OVER_BY_DATE), is_over))
        if viewer.id is None:
            return listed.where(NEVER)
        if viewer.is_staff or wanted.hosted_by_viewer:
            return listed.where(archived, Event.starts_at <= _last_archived_start())
        return _one_of(events_of(viewer.id)).where(archived)
    active = and_(~put_away, or_(Event.status.not_in(OVER_BY_DATE), ~is_over))
    if wanted.timings is not None and EventTiming.UPCOMING not in wanted.timings:
        active = and_(active, _has_begun_and_is_not_put_away())
    if viewer.id is None or not wanted.looks_into_archive:
        return listed.where(active)
    if viewer.is_staff or wanted.hosted_by_viewer:
        return listed
    if wanted.timings is not None and EventTiming.UPCOMING not in wanted.timings:
        # What is the viewer's own of the archive, and the few that have begun and are not in it.
        return _one_of(union_all(events_of(viewer.id), listed.where(active).with_only_columns(Event.id)))
    return listed.where(or_(active, Event.id.in_(events_of(viewer.id))))


def _is_put_away(event: Any) -> ColumnElement[bool]:
    # Written out and not as a parameter, or PostgreSQL could not tell that `ix_events_open` has all that is wanted.
    condition: ColumnElement[bool] = event.status == literal_column(f"'{EventStatus.ARCHIVED.name}'")
    return condition


def _has_begun_and_is_not_put_away() -> ColumnElement[bool]:
    """Whether an event has begun and is not put away. These are few. PostgreSQL would take them for a quarter of all,
    since half have begun and half are not put away.
    """
    other = aliased(Event)
    begun = select(other.id).where(~_is_put_away(other), has_begun(other.starts_at, utcnow()))
    return Event.id == any_(func.array(begun.scalar_subquery()))


def _last_archived_start() -> ColumnElement[datetime]:
    """Return a moment after which no archived event starts. It follows from the rest, and lets an index over the start
    leave out all that is to come.
    """
    last = select(func.max(Event.starts_at)).where(_is_put_away(Event)).scalar_subquery()
    return func.greatest(literal(utcnow(), Event.starts_at.type), last)


def _one_of(ids: CompoundSelect[UUID]) -> Select[Event]:
    """Events by their ids, of which there are few. As an array, because PostgreSQL can take them for many and would go
    through all that has ever been.
    """
    chosen = func.array(ids.scalar_subquery())
    return select(Event).where(Event.deleted_at.is_(None), Event.id == any_(chosen))


def hosted_by_viewer(viewer: Viewer, wanted: bool | None) -> list[ColumnElement[bool]]:
    if wanted is None:
        return []
    hosted = Event.id.in_(hosted_by(viewer.id)) if viewer.id else NEVER
    return [hosted if wanted else ~hosted]


def has_free_places(row: Any, wanted: bool | None) -> list[ColumnElement[bool]]:
    """By the numbers of an event or a service alone: whether one may take them is another question."""
    if wanted is None:
        return []
    # Without a capacity there is no limit.
    is_full = func.coalesce(row.taken >= row.capacity, False)
    return [~is_full if wanted else is_full]


def _plain(wanted: EventFilter) -> list[ColumnElement[bool]]:
    return [
        *among(Event.id, wanted.ids),
        *among(Event.category_id, wanted.category_ids),
        *among(Event.venue_id, wanted.venue_ids),
        *among(Event.club_id, wanted.club_ids),
        *among(Event.status, wanted.statuses),
        *among(Event.visibility, wanted.visibilities),
        *has_free_places(Event, wanted.has_free_places),
    ]


def _linked(wanted: EventFilter) -> list[ColumnElement[bool]]:
    """By rows of other tables, each event once."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.interest_ids is not None:
        having = select(EventInterest.event_id).where(*among(EventInterest.interest_id, wanted.interest_ids))
        conditions.append(Event.id.in_(having))
    if wanted.service_type_ids is not None:
        conditions.append(
            exists().where(
                Service.event_id == Event.id,
                *among(Service.service_type_id, wanted.service_type_ids),
                Service.cancelled_at.is_(None),
            )
        )
    return conditions


def on_days(starts_at: Any, local_start: Any, wanted: TimeFilter) -> list[ColumnElement[bool]]:
    """Return conditions on the local day of the start. The bounds in UTC let an index help."""
    conditions = _starts_within(wanted, starts_at)
    if (first := _within_calendar(wanted.date_from)) is not None:
        conditions.append(local_start >= datetime.combine(first, time()))
    if (end := _within_calendar(wanted.date_to)) is not None:
        conditions.append(local_start < datetime.combine(end, time()))
    return conditions


def _starts_within(wanted: TimeFilter, starts_at: Any) -> list[ColumnElement[bool]]:
    """Between which moments something starts at all events, if it does on the wanted days."""
    conditions: list[ColumnElement[bool]] = []
    if (first := _within_calendar(wanted.date_from)) is not None:
        conditions.append(starts_at >= _midnight(first) - WIDEST_OFFSET)
    if (end := _within_calendar(wanted.date_to)) is not None:
        conditions.append(starts_at < _midnight(end) + WIDEST_OFFSET)
    return conditions


def _within_calendar(day: date | None) -> date | None:
    """No event lies beyond these days, so a bound beyond them may be moved there."""
    return day and min(max(day, EARLIEST.date()), LATEST.date() + timedelta(days=2))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _price(wanted: EventFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.is_free is not None:
        conditions.append(Event.price_amount == 0 if wanted.is_free else Event.price_amount > 0)
    if wanted.price_to is not None:
        affordable = and_(
            Event.price_currency == wanted.price_to.currency, Event.price_amount <= wanted.price_to.amount
        )
        conditions.append(or_(Event.price_amount == 0, affordable))
    return conditions
