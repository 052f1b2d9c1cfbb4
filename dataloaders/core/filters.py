"""Conditions of lists that are narrowed by sets of values. A set that is null does not narrow anything."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, and_, any_, literal, or_

from models import EventTiming, utcnow


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


def at_times(starts_at: Any, ends_at: Any, timings: Collection[EventTiming] | None) -> list[ColumnElement[bool]]:
    """Return the condition that a time from start to end is upcoming, ongoing or past."""
    if timings is None:
        return []
    now, wanted = utcnow(), frozenset(timings)
    conditions: dict[frozenset[EventTiming], list[ColumnElement[bool]]] = {
        frozenset({EventTiming.UPCOMING}): [starts_at > now],
        frozenset({EventTiming.ONGOING}): [and_(starts_at <= now, ends_at > now)],
        # What has ended has begun: an index over the start need not go further.
        frozenset({EventTiming.PAST}): [starts_at <= now, ends_at <= now],
        frozenset({EventTiming.UPCOMING, EventTiming.ONGOING}): [ends_at > now],
        frozenset({EventTiming.ONGOING, EventTiming.PAST}): [starts_at <= now],
        frozenset({EventTiming.UPCOMING, EventTiming.PAST}): [or_(starts_at > now, ends_at <= now)],
        frozenset(EventTiming): [],
    }
    return conditions[wanted]
