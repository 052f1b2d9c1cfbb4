"""Finding events: filters that combine by AND, on top of what the viewer may be shown (S0-57, S0-64, S4-43)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, false, literal_column, or_, select, true

from auth.viewer import Viewer
from auth.visibility import clubs_ruled_by, events_listed_to, hosted_by
from dataloaders.pages import Key, Listing, Order
from errors import ErrorCode, TooMany, UserError, _, refuse
from models import (
    HOLDING,
    Event,
    EventInterest,
    EventStatus,
    EventTiming,
    EventWords,
    Registration,
    Service,
    utcnow,
)
from resolvers import word_search
from resolvers.event_input import EARLIEST, LATEST, Price, check_price
from resolvers.event_lifecycle import day_is_over

OVER_BY_DATE = (EventStatus.PUBLISHED, EventStatus.CANCELLED)
"""What goes into the archive by the calendar. A draft stays with its author until they decide."""
MOST_IDS = 100
WIDEST_OFFSET = timedelta(hours=15)
"""No zone is further from UTC, so a day of any zone lies within these bounds of the same day in UTC."""


class EventSort(Enum):
    RELEVANCE = "RELEVANCE"
    STARTS_AT_ASC = "STARTS_AT_ASC"
    STARTS_AT_DESC = "STARTS_AT_DESC"
    CREATED_AT_DESC = "CREATED_AT_DESC"


def _orders(of: Any, event_id: Any, *rank: Key) -> dict[EventSort, Order]:
    """The orders by columns of events, or of what was found among their words."""
    return {
        EventSort.RELEVANCE: (*rank, Key(of.starts_at), Key(event_id)),
        EventSort.STARTS_AT_ASC: (Key(of.starts_at), Key(event_id)),
        EventSort.STARTS_AT_DESC: (Key(of.starts_at, descending=True), Key(event_id, descending=True)),
        EventSort.CREATED_AT_DESC: (Key(of.created_at, descending=True), Key(event_id, descending=True)),
    }


ORDERS = _orders(Event, Event.id)


class EmptyDateRange(UserError):
    code = ErrorCode.INVALID
    message = _("A range of dates ends after it begins; its last day is not part of it.")


@dataclass(frozen=True, kw_only=True)
class EventFilter:
    """What is null does not narrow anything."""

    text: str | None = None
    ids: Sequence[UUID] | None = None
    category_id: UUID | None = None
    interest_ids: Sequence[UUID] | None = None
    date_from: date | None = None
    date_to: date | None = None
    venue_id: UUID | None = None
    club_id: UUID | None = None
    service_type_id: UUID | None = None
    is_free: bool | None = None
    price_to: Price | None = None
    timing: EventTiming | None = None
    status: EventStatus | None = None
    archived: bool | None = None
    hosted_by_viewer: bool | None = None


def listing(viewer: Viewer, wanted: EventFilter | None = None, sort: EventSort | None = None) -> Listing:
    """The events a viewer is shown, narrowed and in order. Unless told otherwise, the best finds come first."""
    wanted = wanted or EventFilter()
    _check(wanted)
    statement = _narrow(events_listed_to(viewer).where(_archived(viewer, wanted)), viewer, wanted)
    query = word_search.query_of(wanted.text)
    if query is None:
        return Listing(statement, ORDERS[sort or EventSort.STARTS_AT_ASC])
    return _by_words(statement, wanted, query, sort or EventSort.RELEVANCE)


def _by_words(statement: Select[Event], wanted: EventFilter, query: word_search.WordQuery, sort: EventSort) -> Listing:
    """Those of the events that have the words of a text.

    They are found and put into order by `event_words` alone, so that the events themselves are looked at one by one
    until there are enough for a page.
    """
    rank = query.rank(EventWords.words).label("rank")
    words = select(EventWords.event_id, EventWords.starts_at, EventWords.created_at, rank).where(
        query.matches(EventWords.words), *_starts_within(wanted, EventWords.starts_at)
    )
    if wanted.timing is not None:
        is_upcoming = EventWords.starts_at > utcnow()
        words = words.where(is_upcoming if wanted.timing is EventTiming.UPCOMING else ~is_upcoming)
    if not wanted.archived and wanted.timing is not EventTiming.PAST:
        words = words.where(~EventWords.is_archived)
    order = _orders(EventWords, EventWords.event_id, Key(rank))[sort]
    found = words.order_by(*(key.column.desc() if key.descending else key.column for key in order)).subquery("found")
    statement = statement.join(found, found.c.event_id == Event.id)
    return Listing(statement, _orders(found.c, found.c.event_id, Key(found.c.rank))[sort])


def _narrow(statement: Select[Event], viewer: Viewer, wanted: EventFilter) -> Select[Event]:
    conditions = [*_plain(wanted), *_linked(wanted), *_dates(wanted), *_price(wanted)]
    if wanted.timing is not None:
        conditions.append(_timing(wanted.timing))
    if wanted.hosted_by_viewer is not None:
        hosted = Event.id.in_(hosted_by(viewer.id)) if viewer.id else false()
        conditions.append(hosted if wanted.hosted_by_viewer else ~hosted)
    return statement.where(*conditions)


def _check(wanted: EventFilter) -> None:
    problems: list[UserError] = []
    for name, ids in (("ids", wanted.ids), ("interestIds", wanted.interest_ids)):
        if ids is not None and len(ids) > MOST_IDS:
            problems.append(TooMany(path=("filter", name), maximum=MOST_IDS))
    if wanted.date_from is not None and wanted.date_to is not None and wanted.date_to <= wanted.date_from:
        problems.append(EmptyDateRange(path=("filter", "dateRange", "to")))
    if wanted.price_to is not None:
        check_price(problems, wanted.price_to, "filter", "priceTo")
    refuse(problems)


def _archived(viewer: Viewer, wanted: EventFilter) -> ColumnElement[bool]:
    """The archive is for those who took part in an event, ran it, or are staff (S2-23).

    An event whose day is over counts as archived before the sweep has come by (S4-31). Who asks for past events and
    says nothing of the archive has those in it too, except what was put away before its end: what has been is no
    secret, and is found by its reviews.
    """
    # Written out and not as a parameter, or PostgreSQL could not tell that `ix_events_open` has all that is wanted.
    put_away = Event.status == literal_column(f"'{EventStatus.ARCHIVED.name}'")
    in_archive = or_(put_away, and_(Event.status.in_(OVER_BY_DATE), day_is_over()))
    if wanted.archived:
        return and_(in_archive, _has_part_in(viewer))
    if wanted.archived is None and wanted.timing is EventTiming.PAST:
        return or_(~put_away, Event.archived_at >= Event.ends_at, _has_part_in(viewer))
    return and_(~put_away, or_(Event.status.not_in(OVER_BY_DATE), ~day_is_over()))


def _has_part_in(viewer: Viewer) -> ColumnElement[bool]:
    if viewer.is_staff:
        return true()
    if viewer.id is None:
        return false()
    took_part = select(Registration.event_id).where(
        Registration.user_id == viewer.id, Registration.admission.in_(HOLDING)
    )
    return or_(
        Event.id.in_(hosted_by(viewer.id)),
        Event.id.in_(took_part),
        Event.club_id.in_(clubs_ruled_by(viewer.id)),
    )


def _plain(wanted: EventFilter) -> list[ColumnElement[bool]]:
    equal: list[tuple[Any, Any]] = [
        (Event.category_id, wanted.category_id),
        (Event.venue_id, wanted.venue_id),
        (Event.club_id, wanted.club_id),
        (Event.status, wanted.status),
    ]
    conditions = [column == value for column, value in equal if value is not None]
    if wanted.ids is not None:
        conditions.append(Event.id.in_(wanted.ids))
    return conditions


def _linked(wanted: EventFilter) -> list[ColumnElement[bool]]:
    """By rows of other tables, each event once."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.interest_ids is not None:
        having = select(EventInterest.event_id).where(EventInterest.interest_id.in_(wanted.interest_ids))
        conditions.append(Event.id.in_(having))
    if wanted.service_type_id is not None:
        conditions.append(
            exists().where(
                Service.event_id == Event.id,
                Service.service_type_id == wanted.service_type_id,
                Service.cancelled_at.is_(None),
            )
        )
    return conditions


def _dates(wanted: EventFilter) -> list[ColumnElement[bool]]:
    """The day on which an event starts, on the clock of its venue. The bounds in UTC let an index help."""
    local = Event.local_start
    conditions = _starts_within(wanted, Event.starts_at)
    if (first := _within_calendar(wanted.date_from)) is not None:
        conditions.append(local >= datetime.combine(first, time()))
    if (end := _within_calendar(wanted.date_to)) is not None:
        conditions.append(local < datetime.combine(end, time()))
    return conditions


def _starts_within(wanted: EventFilter, starts_at: Any) -> list[ColumnElement[bool]]:
    """Between which moments an event starts at all events, if it does on the wanted days."""
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


def _timing(timing: EventTiming) -> ColumnElement[bool]:
    now = utcnow()
    if timing is EventTiming.UPCOMING:
        return Event.starts_at > now
    if timing is EventTiming.PAST:
        return Event.ends_at <= now
    return and_(Event.starts_at <= now, Event.ends_at > now)
