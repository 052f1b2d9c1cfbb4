"""Where the values of a field come from when they have to be read: one statement for all parents of a level."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from inspect import isawaitable
from itertools import repeat
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, ClassVar

from database.rows import folded_class, reader, values_class
from dataloaders.core.declarations import Many, One, OneOf, PageRequest, Pages, Value
from dataloaders.core.keyset_pages import window_values
from dataloaders.core.selects import Fold, PageShape, value_names, value_types
from dataloaders.core.spending import TooCostly
from engine.sources import NOTHING, Failure, Foldable, Source, reads_of, reads_of_need
from errors import InvalidCursor
from schema.core import ids
from schema.core.access import check
from schema.core.relations import Derived, Need, Paging

if TYPE_CHECKING:
    from engine.execute import Execution
    from engine.plan import Field, Layout


LONGEST_FOLD = 50
"""Rows of a list that come in their parent's statement."""
NO_KEY = repeat(None)
"""Stands where fetched rows have their parent's key."""


class Related(Source):
    is_awaited: ClassVar[bool] = True

    def __init__(self, declaration: One | Many, need: Need) -> None:
        self.declaration, self._need = declaration, need
        self.entity: Any = declaration.entity
        self.reads = reads_of_need(need)
        is_short = (
            declaration.limit <= LONGEST_FOLD
            if isinstance(declaration, Many)
            else declaration.key is getattr(declaration.entity, "id", None)
        )
        if need.visible is None and is_short:
            self.foldable = Foldable(declaration, need.key)

    def values(self, run: Execution, field: Field, rows: Sequence[Any]) -> list[Any]:
        """Where they were fetched with the parents: one object for each key."""
        assert field.folded_at is not None and field.names is not None
        start, end = field.folded_at, field.folded_at + 1 + len(field.names)
        make = folded_class(self.entity, field.names)
        if isinstance(self.declaration, Many):
            end = start + field.width
            return [
                [] if row[start] is None else list(map(make, zip(NO_KEY, *row[start:end], strict=False)))
                for row in rows
            ]
        found: dict[Any, Any] = {None: None}
        values = []
        for row in rows:
            key = row[start]
            if key not in found:
                found[key] = make(row[start:end])
            values.append(found[key])
        return values

    async def load(self, run: Execution, field: Field, rows: Sequence[Any], layout: Layout) -> list[Any]:
        return await load_need(run, self._need, rows, layout, field)


class Aggregated(Source):
    """A value, or several columns as one row, for each key."""

    is_awaited: ClassVar[bool] = True

    def __init__(self, declaration: Value, need: Need) -> None:
        self.declaration, self._need = declaration, need
        self.reads = reads_of_need(need)
        if need.visible is None:
            self.foldable = Foldable(declaration, need.key, value_names(declaration))
            types = value_types(declaration)
            self.read = reader(types[0]) if len(types) == 1 else None

    def values(self, run: Execution, field: Field, rows: Sequence[Any]) -> list[Any]:
        """Where they were fetched with the parents."""
        assert field.folded_at is not None and self.foldable is not None and self.foldable.names is not None
        start, names, missing = field.folded_at, self.foldable.names, self.declaration.default
        if len(names) == 1:
            read, at = self.read, start + 1
            if read is None:
                return [missing if row[start] is None else row[at] for row in rows]
            return [missing if row[start] is None else read(row[at]) for row in rows]
        make, end = values_class(names), start + 1 + len(names)
        return [missing if row[start] is None else make(row[start:end]) for row in rows]

    async def load(self, run: Execution, field: Field, rows: Sequence[Any], layout: Layout) -> list[Any]:
        return await load_need(run, self._need, rows, layout)


class RelatedOneOf(Source):
    is_awaited: ClassVar[bool] = True

    def __init__(self, declaration: OneOf, *, kind: str, key: str) -> None:
        self._declaration, self._kind, self._key = declaration, kind, key
        self.reads = frozenset({kind, key})

    async def load(self, run: Execution, field: Field, rows: Sequence[Any], layout: Layout) -> list[Any]:
        chosen = [self._declaration.kinds.get(getattr(row, self._kind) or "") for row in rows]
        wanted: dict[One, list[int]] = {}
        for position, one in enumerate(chosen):
            if one is not None:
                wanted.setdefault(one, []).append(position)
        values: list[Any] = [None] * len(rows)

        async def fill(one: One, positions: list[int]) -> None:
            need = Need(one, key=self._key)
            found = await load_need(run, need, [rows[position] for position in positions], None)
            for position, value in zip(positions, found, strict=True):
                values[position] = value

        await asyncio.gather(*(fill(one, positions) for one, positions in wanted.items()))
        return values


class Connected(Source):
    is_awaited: ClassVar[bool] = True

    def __init__(self, declaration: Pages, need: Need, paging: Paging) -> None:
        self.declaration, self.need, self._paging = declaration, need, paging
        self.entity = declaration.entity
        self.reads = reads_of_need(need)

    def request(self, run: Execution, field: Field) -> PageRequest:
        """Return the page that the arguments ask for. Raises what is wrong with them."""
        return self._paging.request(field.name, run.arguments(field))

    def fold(self, run: Execution, field: Field) -> Fold | None:
        """Return the page as a part of its parent's statement; null where something is wrong, which `load` will find
        again.
        """
        try:
            request = self.request(run, field)
            window_values(self.declaration.order_of(request), request.args)
        except Exception:
            return None
        names = field.names or ()
        return Fold(self.declaration, self.need.key, names, field.folds, PageShape.of(request))

    async def load(self, run: Execution, field: Field, rows: Sequence[Any], layout: Layout) -> list[Any]:
        brought = run.brought.get(field)
        try:
            request = None if brought is not None else self.request(run, field)
        except Exception as error:
            return [run.failed(error) for _ in rows]

        async def fetch(keys: Collection[Any]) -> dict[Any, Any]:
            found = brought or {}
            if request is not None:
                room = room_for(run, len(keys), request.args.size, field)
                names, folds = field.names, field.folds
                found = await run.loaders.pages_of(self.declaration, keys, request, names, folds, room)
            return {key: run.failed(one) if isinstance(one, InvalidCursor) else one for key, one in found.items()}

        def held(page: Any) -> int:
            return 0 if type(page) is Failure else (len(page.rows) + field.folded_rows.of(page.rows)) * field.shown

        return await fill_in(run, self.need, rows, layout, fetch, held)


class DerivedFrom(Source):
    """Code over a row and what its needs have loaded."""

    is_awaited: ClassVar[bool] = True

    def __init__(self, derived: Derived) -> None:
        self._needs, self._function = derived.needs, derived.function
        needed = [reads_of(derived.function), *(reads_of_need(need) for need in derived.needs.values())]
        self.reads = None if None in needed else NOTHING.union(*(one for one in needed if one is not None))

    async def load(self, run: Execution, field: Field, rows: Sequence[Any], layout: Layout) -> list[Any]:
        loaded = await asyncio.gather(*(load_need(run, need, rows, layout) for need in self._needs.values()))
        names = list(self._needs)
        function, info = self._function, run.info
        values: list[Any] = []
        for row, *found in zip(rows, *loaded, strict=True):
            failure = next((one for one in found if type(one) is Failure), None)
            if failure is not None:
                values.append(failure)
                continue
            try:
                values.append(function(row, info, **dict(zip(names, found, strict=True))))
            except Exception as error:
                values.append(run.failed(error))
        return values


class RootConnection(Source):
    """A root connection: its method says which list, the page is read here."""

    is_awaited: ClassVar[bool] = True
    reads = NOTHING

    def __init__(self, access: Any, method: Callable[..., Any], entity: Any) -> None:
        self.access, self.method, self.entity = access, method, entity

    async def load(self, run: Execution, field: Field, rows: Sequence[Any], layout: Layout) -> list[Any]:
        try:
            return [await run.page(self, field)]
        except TooCostly:
            raise
        except Exception as error:
            return [run.failed(error)]


class LookedUp(Source):
    """A root field that finds one row by its global id."""

    is_awaited: ClassVar[bool] = True
    reads = NOTHING

    def __init__(self, access: Any, declaration: One, name: str) -> None:
        self.entity = declaration.entity
        self._access, self._declaration, self._name = access, declaration, name

    async def load(self, run: Execution, field: Field, rows: Sequence[Any], layout: Layout) -> list[Any]:
        try:
            arguments = run.arguments(field)
            check(self._access, run.context.viewer)
            key = ids.decode(arguments["id"], self._name, "id")
            return [await self._row(run, field, key)]
        except TooCostly:
            raise
        except Exception as error:
            return [run.failed(error)]

    async def _row(self, run: Execution, field: Field, key: Any) -> Any:
        page = field.page
        if page is not None and isinstance(page.source, Connected) and (fold := page.source.fold(run, page)):
            names = field.names or ()
            row, run.brought[page] = await run.loaders.row_with_page(self._declaration, key, names, field.folds, fold)
        else:
            row = (await run.loaders.rows_of(self._declaration, [key], field.names, field.folds)).get(key)
        if row is not None:
            run.spending.count(field.folded_rows.of([row]))
        return row


class Resolved(Source):
    """A resolver as Strawberry would call it, for each parent. Root fields are; nothing else should be."""

    is_awaited: ClassVar[bool] = True

    async def load(self, run: Execution, field: Field, rows: Sequence[Any], layout: Layout) -> list[Any]:
        found = await self._values(run, field, rows)
        run.spending.count(sum(len(value) for value in found if isinstance(value, list)))
        return found

    async def _values(self, run: Execution, field: Field, rows: Sequence[Any]) -> list[Any]:
        found = run.each(lambda row: run.resolve(field, row), rows)
        waiting = [position for position, value in enumerate(found) if isawaitable(value)]
        if len(waiting) == 1:
            try:
                found[waiting[0]] = await found[waiting[0]]
            except Exception as error:
                found[waiting[0]] = run.failed(error)
        elif waiting:
            results = await asyncio.gather(*(found[position] for position in waiting), return_exceptions=True)
            for position, result in zip(waiting, results, strict=True):
                found[position] = run.failed(result) if isinstance(result, Exception) else result
        return found


async def load_need(
    run: Execution, need: Need, rows: Sequence[Any], layout: Layout, field: Field | None = None
) -> list[Any]:
    """For each row what a declaration leads to: the columns that a field needs, or all."""
    declaration = need.declaration
    names, folds = (field.names, field.folds) if field is not None else (None, ())

    async def fetch(keys: Collection[Any]) -> dict[Any, Any]:
        if isinstance(declaration, One):
            return await run.loaders.rows_of(declaration, keys, names, folds)
        if isinstance(declaration, Many):
            room = room_for(run, len(keys), declaration.limit, field)
            return await run.loaders.lists_of(declaration, keys, names, folds, room)
        return await run.loaders.values_of(declaration, keys)

    def held(found: Any) -> int:
        along = 0 if field is None else field.folded_rows.of(found if isinstance(found, list) else [found])
        return along + (len(found) if isinstance(found, list) else 0)

    return await fill_in(run, need, rows, layout, fetch, held if folds or isinstance(declaration, Many) else None)


def room_for(run: Execution, parents: int, most: int, field: Field | None) -> int | None:
    """How many rows a statement for so many parents may find; null where all that there could be are not too many.
    Raises `TooCostly`."""
    along = field.folded_rows if field is not None else None
    room = run.spending.room_for(parents * most * (1 + (along.most if along is not None else 0)))
    return None if room is None else room // (1 + (along.typical if along is not None else 0))


async def fill_in(
    run: Execution,
    need: Need,
    rows: Sequence[Any],
    layout: Layout,
    fetch: Callable[[Collection[Any]], Awaitable[dict[Any, Any]]],
    held: Callable[[Any], int] | None,
) -> list[Any]:
    """For each row what `fetch` finds for its key: nothing is fetched for rows whose gate is closed. `held` says what
    counts of what was found, for each row that it is found for; null where nothing does.
    """
    declaration: Any = need.declaration
    missing: Any = declaration.default if isinstance(declaration, Value) else None
    is_many = isinstance(declaration, Many)
    if layout is not None and need.key in layout:
        keys = list(map(itemgetter(layout.index(need.key) + 1), rows))
    else:
        keys = run.each(attrgetter(need.key), rows)
    if need.visible is not None:
        gate, info = need.visible, run.info
        shown = run.each(lambda row: gate(row, info), rows)
        keys = [
            key if is_shown is True else (is_shown if type(is_shown) is Failure else None)
            for key, is_shown in zip(keys, shown, strict=True)
        ]
    wanted = dict.fromkeys(key for key in keys if key is not None and type(key) is not Failure)
    found: dict[Any, Any] = {}
    if wanted:
        try:
            found = await fetch(wanted)
            if held is not None:
                counted = {key: held(one) for key, one in found.items()}
                run.spending.count(sum(counted.get(key, 0) for key in keys))
        except TooCostly:
            raise
        except Exception as error:
            failure = run.failed(error)
            found = dict.fromkeys(wanted, failure)
    hidden = need.hidden

    def value(key: Any) -> Any:
        if key is None or type(key) is Failure:
            return hidden if key is None else key
        one = found.get(key, missing)
        return [] if one is None and is_many else one

    return [value(key) for key in keys]
