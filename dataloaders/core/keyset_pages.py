"""Keyset pages: which rows come next after a cursor, decided by an order whose last column is unique."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import MISSING, dataclass, field, fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache, cached_property
from hashlib import blake2b
from operator import itemgetter
from typing import Any, cast
from uuid import UUID

import orjson
from sqlalchemy import (
    ColumnElement,
    Integer,
    LargeBinary,
    Select,
    and_,
    bindparam,
    func,
    literal,
    literal_column,
    or_,
    tuple_,
)

from database import Database
from dataloaders.core.counting import Total, bounded_count, total_of
from errors import BothWays, InvalidCursor, UserError, check_range

DEFAULT_SIZE = 20
MAXIMUM_SIZE = 100


@dataclass(frozen=True)
class Key:
    """One column of an order. Its values are never null."""

    column: Any
    descending: bool = False

    @cached_property
    def python_type(self) -> type:
        """The type of its values. SQLAlchemy looks for it each time."""
        found: type = self.column.type.python_type
        return found


Order = tuple[Key, ...]

LONGEST_CURSOR = 4_000
"""Characters. The longest that is made holds a name of 255 characters, each of four bytes, and an id."""


@dataclass(frozen=True)
class PageArgs:
    """A slice of a list, as GraphQL Cursor Connections name it. `problems` says what is wrong with it."""

    first: int | None = None
    after: str | None = None
    last: int | None = None
    before: str | None = None
    mark: str = ""
    """The mark of the list, its filter and its sort (`mark_of`). Cursors carry it, or a mark of it and the parent."""

    def problems(self, *, is_known: bool) -> list[UserError]:
        """All that is wrong with it, under the names of the arguments. `is_known` is whether cursors have to carry the
        very mark: the one of a list within depends on the parent.
        """
        problems: list[UserError] = []
        for name in ("first", "last"):
            check_range(problems, getattr(self, name), name, minimum=0, maximum=MAXIMUM_SIZE)
        for name in ("after", "before"):
            cursor = getattr(self, name)
            if cursor is not None and not self._fits(cursor, is_known=is_known):
                problems.append(InvalidCursor(path=(name,)))
        if self.is_backward and (self.first is not None or self.after is not None):
            problems.append(BothWays(path=("before" if self.last is None else "last",)))
        return problems

    def _fits(self, cursor: str, *, is_known: bool) -> bool:
        try:
            written = decode_cursor(cursor)
        except InvalidCursor:
            return False
        return not is_known or written[-1] == self.mark

    @property
    def is_backward(self) -> bool:
        return self.last is not None or self.before is not None

    @property
    def size(self) -> int:
        asked = self.last if self.is_backward else self.first
        return DEFAULT_SIZE if asked is None else asked

    @property
    def cursor(self) -> str | None:
        return self.before if self.is_backward else self.after

    @cached_property
    def written(self) -> list[Any]:
        """The content of the cursor: the values of an order, and a mark."""
        return decode_cursor(self.cursor or "")

    def mark_under(self, parent: Any) -> str:
        """Return the mark that cursors of one parent's list carry. Root lists have none."""
        return self.mark if parent is None else _hash(f"{self.mark} {parent}")

    def is_of(self, parent: Any = None) -> bool:
        """Whether the cursor, if there is one, comes from this very list."""
        return self.cursor is None or self.written[-1] == self.mark_under(parent)

    @property
    def foreign_cursor(self) -> InvalidCursor:
        return InvalidCursor(path=("before" if self.is_backward else "after",))


class Cursors(Sequence[str]):
    """Cursors of what was found, made when they are asked for: most pages need the last one alone, or none."""

    def __init__(self, found: Sequence[Any], values_of: Callable[[Any], Sequence[Any]], args: PageArgs, parent: Any):
        self._found, self._values_of, self._args, self._parent = found, values_of, args, parent
        self._mark: str | None = None

    def __len__(self) -> int:
        return len(self._found)

    def __getitem__(self, index: Any) -> Any:
        if self._mark is None:
            self._mark = self._args.mark_under(self._parent)
        return encode_cursor(self._values_of(self._found[index]), self._mark)


@dataclass(eq=False)
class Page:
    """Rows of one slice with the cursor of each. `count` reads how many rows the list has, only when asked."""

    rows: Sequence[Any] = ()
    cursors: Sequence[str] = ()
    has_next: bool = False
    has_previous: bool = False
    count: Callable[[], Awaitable[Total]] | None = None

    async def total(self) -> Total:
        """Return how many rows the whole list has. Counted once, however many fields tell of it."""
        return Total() if self.count is None else await self._counting

    @cached_property
    def _counting(self) -> asyncio.Future[Total]:
        assert self.count is not None
        return asyncio.ensure_future(self.count())


def mark_of(field_name: str, filter: Any, sort: Any) -> str:
    """Return a short hash of a list's field name, its filter and its sort.

    The order of a set does not matter, and an omitted value counts as its default.
    """
    narrowing, filter_type = [], cast(Any, type(filter))
    for name, default in _defaults(filter_type) if filter is not None else ():
        value = getattr(filter, name)
        if value is not None and (plain := _plain(value)) != default:
            narrowing.append((name, plain))
        elif value is None and default is not None:
            narrowing.append((name, None))
    return _hash(repr((field_name, narrowing, _plain(sort))))


def _hash(written: str) -> str:
    return blake2b(written.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


@cache
def _defaults(filter_type: Any) -> tuple[tuple[str, Any], ...]:
    """Return the fields of a filter with their default values."""
    made = (
        (one.name, one.default if one.default_factory is MISSING else one.default_factory())
        for one in fields(filter_type)
    )
    return tuple((name, None if default is MISSING else _plain(default)) for name, default in made)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return sorted({repr(_plain(one)) for one in value})
    if isinstance(value, str):
        return value.strip() or None
    return None if value is None else value.name if isinstance(value, Enum) else repr(value)


def encode_cursor(values: Sequence[Any], mark: str = "") -> str:
    return urlsafe_b64encode(orjson.dumps([*values, mark], default=str)).rstrip(b"=").decode()


def _read_time(written: str) -> datetime:
    """Read an instant within the years that PostgreSQL takes in UTC. Raises if it is none."""
    moment = datetime.fromisoformat(written)
    if moment.tzinfo is None:
        raise ValueError(written)
    return moment.astimezone(UTC)


def _read_text(written: Any) -> str:
    """Read a text that PostgreSQL can hold, without NUL. Raises if it is none."""
    if not isinstance(written, str) or "\0" in written:
        raise ValueError(written)
    return written


_READERS: dict[type, Callable[[Any], Any]] = {
    UUID: UUID,
    datetime: _read_time,
    Decimal: Decimal,
    int: int,
    float: float,
    str: _read_text,
}


def decode_cursor(cursor: str) -> list[Any]:
    """Decode what `encode_cursor` wrote, the mark last. Raises `InvalidCursor` for anything else."""
    if len(cursor) > LONGEST_CURSOR:
        raise InvalidCursor
    try:
        found = orjson.loads(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError as error:
        raise InvalidCursor from error
    if not isinstance(found, list) or not found or not isinstance(found[-1], str):
        raise InvalidCursor
    return found


def _values_in(args: PageArgs, order: Order) -> list[Any]:
    """Return the values of an order that the cursor carries. Raises `InvalidCursor` if they belong to another order."""
    readers = [_READERS[key.python_type] for key in order]
    try:
        decoded = [read(value) for read, value in zip(readers, args.written[:-1], strict=True)]
    except (ValueError, TypeError, ArithmeticError, AttributeError) as error:
        raise args.foreign_cursor from error
    if any(isinstance(value, int) and abs(value) >= 2**63 for value in decoded):
        raise args.foreign_cursor
    return decoded


def as_stored(order: Order, values: Sequence[Any]) -> list[Any]:
    """Columns with the values of an order as PostgreSQL stores them, where decoding is dear: of a page's cursors few
    are ever made. `read_stored` reads them.
    """
    found = []
    for key, value in zip(order, values, strict=True):
        function = _STORED.get(key.python_type, (None, None))[0]
        found.append(value if function is None else getattr(func, function)(value, type_=LargeBinary))
    return found


def read_stored(order: Order) -> Callable[[Any], list[Any]]:
    """Make a function that reads an order's values from the end of a row (`as_stored`), as cursors write them."""
    readers = [_STORED.get(key.python_type, (None, _same))[1] for key in order]

    def values_of(row: Any) -> list[Any]:
        return [read(value) for read, value in zip(readers, row[-len(readers) :], strict=True)]

    return values_of


def _same(value: Any) -> Any:
    return value


def _moment(stored: bytes) -> datetime:
    return EPOCH + timedelta(microseconds=int.from_bytes(stored, "big", signed=True))


def _written_uuid(stored: bytes) -> str:
    digits = stored.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
"""Since when PostgreSQL counts microseconds."""
_STORED: dict[type, tuple[str | None, Callable[[Any], Any]]] = {
    datetime: ("timestamptz_send", _moment),
    UUID: ("uuid_send", _written_uuid),
}


def beyond(order: Order, bound: Sequence[ColumnElement[Any]], *, backward: bool) -> ColumnElement[bool]:
    """Condition for the rows after these values (before them, going backward)."""
    downs = {key.descending != backward for key in order}
    if len(downs) == 1:
        left, right = tuple_(*(key.column for key in order)), tuple_(*bound)
        return left < right if downs.pop() else left > right
    alternatives = []
    for position, key in enumerate(order):
        equal = [earlier.column == bound[index] for index, earlier in enumerate(order[:position])]
        down = key.descending != backward
        alternatives.append(and_(*equal, key.column < bound[position] if down else key.column > bound[position]))
    return or_(*alternatives)


def window(statement: Select[Any], order: Order, args: PageArgs) -> Select[Any]:
    """Limit the statement to one page and one row more, which tells whether there is a further page."""
    bound = bound_of(order, args, is_open=False)
    return _cut(statement, order, bound, args.size + 1, backward=args.is_backward)


def open_window(statement: Select[Any], order: Order, args: PageArgs) -> Select[Any]:
    """As `window`, for pages from any cursor: `window_values` gives the parameters."""
    bound = bound_of(order, args, is_open=True)
    return _cut(statement, order, bound, at_most(args.size + 1), backward=args.is_backward)


def bound_of(order: Order, args: PageArgs, *, is_open: bool) -> list[ColumnElement[Any]] | None:
    """Return the values of the cursor, as parameters if the window is open; null if there is no cursor."""
    if args.cursor is None:
        return None
    if is_open:
        return [bindparam(f"cursor_{position}", type_=key.column.type) for position, key in enumerate(order)]
    values = _values_in(args, order)
    return [literal(value, key.column.type) for key, value in zip(order, values, strict=True)]


def window_values(order: Order, args: PageArgs) -> dict[str, Any]:
    """Return the parameters of an open window. Raises `InvalidCursor` if the cursor has values of another order.
    `PageArgs.is_of` checks whose list it is from.
    """
    values = _values_in(args, order) if args.cursor is not None else ()
    return {f"cursor_{position}": value for position, value in enumerate(values)}


def at_most(rows: int) -> ColumnElement[int]:
    """Return a limit as a literal: with a parameter PostgreSQL would plan for many rows."""
    return literal_column(str(int(rows)), Integer)


def _cut(
    statement: Select[Any], order: Order, bound: Sequence[ColumnElement[Any]] | None, limit: Any, *, backward: bool
) -> Select[Any]:
    if bound is not None:
        statement = statement.where(beyond(order, bound, backward=backward))
    directed = [key.column.desc() if key.descending != backward else key.column.asc() for key in order]
    return statement.order_by(*directed).limit(limit)


def make_page(
    found: Sequence[Any],
    args: PageArgs,
    count: Callable[[], Awaitable[Total]],
    *,
    values_of: Callable[[Any], Sequence[Any]],
    row_of: Callable[[Any], Any] | None = None,
    parent: Any = None,
) -> Page:
    """Make a page of the rows that `window` asked for, in its order. `values_of` returns the order's values of a found
    row, `row_of` the entity in it if there is more. `parent` is the key of the list's owner.
    """
    more = len(found) > args.size
    kept = list(found[: args.size])
    if args.is_backward:
        kept.reverse()
    return Page(
        rows=kept if row_of is None else [row_of(one) for one in kept],
        cursors=Cursors(kept, values_of, args, parent),
        has_next=args.before is not None if args.is_backward else more,
        has_previous=more if args.is_backward else args.after is not None,
        count=count,
    )


@dataclass(frozen=True)
class Cut:
    """A statement for one page, with the columns of it that have the values of the list's order."""

    statement: Select[Any]
    order: Order


@dataclass(frozen=True)
class Listing:
    """A root list as data: which rows the viewer may see, and their order.

    `plans_anew` is for a list that has few rows for some viewers, or at some moments, and many for others: PostgreSQL
    then makes a plan for these values each time.
    """

    statement: Select[Any]
    order: Order
    plans_anew: bool = field(default=False, kw_only=True)

    def page(self, args: PageArgs, *, is_open: bool = False) -> Cut:
        """Return the statement for one page and one row more. `is_open`: see `open_window`."""
        return Cut((open_window if is_open else window)(self.statement, self.order, args), self.order)

    @property
    def counted(self) -> Select[Any]:
        """All rows of the list, in no order: how they are best counted."""
        return self.statement

    def bound(self, args: PageArgs, *, is_open: bool) -> list[ColumnElement[Any]] | None:
        """Return the values of the page's cursor, null if it has none."""
        return bound_of(self.order, args, is_open=is_open)


async def fetch_page(database: Database, listing: Listing, args: PageArgs) -> Page:
    """One page of a root list, in one statement; a second one counts, if `totalCount` is asked for."""
    cut = listing.page(args)
    selected = cut.statement.add_columns(*(key.column for key in cut.order))
    async with database.reading() as session:
        found = (await session.execute(selected)).all()
    return make_page(
        found, args, lambda: _count(database, listing), values_of=itemgetter(slice(1, None)), row_of=itemgetter(0)
    )


async def _count(database: Database, listing: Listing) -> Total:
    async with database.reading() as session:
        return total_of(await session.scalar(bounded_count(listing.counted)) or 0)
