"""Conditions of lists that are narrowed by sets of values. A set that is null does not narrow anything."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, SQLColumnExpression, and_, any_, literal, or_

from models import EventTiming, has_begun, is_over, utcnow


def among(column: Any, values: Collection[Any] | None) -> list[ColumnElement[bool]]:
    """Return the condition that the column has one of these values, members of an enum or ids.

    A set of one compares as a single value does, because only then does an index over this column and the list's order
    give the rows in that order. Longer sets of ids are one array, so that all of them share one statement.
    """
    if values is None:
        return []
    unique = list(dict.fromkeys(values))
    if len(unique) == 1:
        return [column == unique[0]]
    if hasattr(column.type, "enums"):
        return [column.in_(unique)]
    return [column == any_(literal(unique, ARRAY(column.type)))]


def at_times(
    starts_at: SQLColumnExpression[datetime],
    ends_at: SQLColumnExpression[datetime],
    timings: Collection[EventTiming] | None,
) -> list[ColumnElement[bool]]:
    """Return the condition that a time from start to end is upcoming, ongoing or past."""
    if timings is None:
        return []
    now, wanted = utcnow(), frozenset(timings)
    begun, over = has_begun(starts_at, now), is_over(ends_at, now)
    conditions: dict[frozenset[EventTiming], list[ColumnElement[bool]]] = {
        frozenset({EventTiming.UPCOMING}): [~begun],
        frozenset({EventTiming.ONGOING}): [and_(begun, ~over)],
        # What has ended has begun: an index over the start need not go further.
        frozenset({EventTiming.PAST}): [begun, over],
        frozenset({EventTiming.UPCOMING, EventTiming.ONGOING}): [~over],
        frozenset({EventTiming.ONGOING, EventTiming.PAST}): [begun],
        frozenset({EventTiming.UPCOMING, EventTiming.PAST}): [or_(~begun, over)],
        frozenset(EventTiming): [],
    }
    return conditions[wanted]
