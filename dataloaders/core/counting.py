"""How many rows a list has. They are counted up to a bound: what a count reads must not grow with the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer, Select, func, literal_column, select

MOST_COUNTED = 10_000
"""Rows. Of a longer list it is only said that it has more."""


@dataclass(frozen=True, slots=True)
class Total:
    """The length of a list. If `is_capped`, it has more rows than `number`."""

    number: int = 0
    is_capped: bool = False


def total_of(counted: int) -> Total:
    """Return the total that a statement of `bounded_count` has counted."""
    return Total(min(counted, MOST_COUNTED), counted > MOST_COUNTED)


def bounded_count(statement: Select[Any]) -> Select[Any]:
    """Return a statement that counts the rows of another one, to one more than `MOST_COUNTED`."""
    return select(func.count()).select_from(first_rows(statement).subquery())


def first_rows(statement: Select[Any]) -> Select[Any]:
    """Return so many rows of a statement, in no order and without values, that a count of them can be told."""
    most = literal_column(str(MOST_COUNTED + 1), Integer)
    return statement.with_only_columns(literal_column("1"), maintain_column_froms=True).order_by(None).limit(most)
