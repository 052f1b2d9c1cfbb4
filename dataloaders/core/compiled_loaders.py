"""Loaders over compiled statements: the same declarations, without building SQL and entities for each request.

Rows are those of `database.rows`. The query engine says which columns it needs; everyone else gets all of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from itertools import repeat
from typing import Any

import asyncpg
from sqlalchemy import Select

from auth.viewer import Viewer
from database import Database
from database.rows import Values, attributes, folded_class, row_class
from dataloaders.core.compiled import LONGEST_KEY, STATEMENTS, Compiled, compile_for
from dataloaders.core.declarations import Many, One, PageRequest, Pages, Value
from dataloaders.core.keyset_pages import Page, PageArgs, make_page, read_stored, window_values
from dataloaders.core.loaders import Loaders
from dataloaders.core.selects import Fold, Folds, PageShape, count_statement_for, statement_for
from dataloaders.core.spending import Spending
from errors import InvalidCursor

Names = tuple[str, ...]


class CompiledLoaders(Loaders):
    def __init__(
        self, database: Database, viewer: Viewer, *, caching: bool = True, spending: Spending | None = None
    ) -> None:
        super().__init__(database, viewer, caching=caching, spending=spending)
        self.is_asked_by_resolvers = False
        """Whether graphql-core executes the operation, field by field."""
        self._known: dict[tuple[One | Value, Any], Any] = {}

    def clear(self) -> None:
        super().clear()
        self._known.clear()

    def prime(self, declaration: One, key: Any, values: Mapping[str, Any]) -> None:
        """`values` are as asyncpg gives them, by the attributes of the entity; not all need be there."""
        self._known[declaration, key] = values

    def prime_value(self, declaration: Value, key: Any, value: Any) -> None:
        self._known[declaration, key] = value

    async def rows_of(
        self, declaration: One, keys: Collection[Any], names: Names | None = None, folds: Folds = ()
    ) -> dict[Any, Any]:
        """Fetch the row of each key that has one."""
        if self._known and not folds and len(keys) == 1:
            [key] = keys
            wanted = attributes(declaration.entity) if names is None else names
            values = self._known.get((declaration, key))
            if values is not None and all(name in values for name in wanted):
                return {key: folded_class(declaration.entity, wanted)((key, *(values[name] for name in wanted)))}
        rows = await self._fetch(declaration, keys, names, folds)
        return {row[0]: row for row in rows}

    async def lists_of(
        self,
        declaration: Many,
        keys: Collection[Any],
        names: Names | None = None,
        folds: Folds = (),
        at_most: int | None = None,
    ) -> dict[Any, list[Any]]:
        """Fetch the rows of each key. Raises `TooCostly` if there are more than `at_most` rows in all."""
        return _by_parent(await self._fetch(declaration, keys, names, folds, at_most), keys)

    async def values_of(self, declaration: Value, keys: Collection[Any]) -> dict[Any, Any]:
        """Fetch the value of each key that has one."""
        if self._known and all((declaration, key) in self._known for key in keys):
            return {key: self._known[declaration, key] for key in keys}
        compiled = self._compiled((declaration,), lambda viewer: statement_for(declaration, viewer), Values, ("keys",))
        rows = await self._run(compiled, {"keys": list(keys)})
        if len(compiled.readers) != 2:
            return {row[0]: row for row in rows}
        read = compiled.readers[1]
        return {row[0]: row[1] if read is None else read(row[1]) for row in rows}

    async def pages_of(
        self,
        declaration: Pages,
        keys: Collection[Any],
        request: PageRequest,
        names: Names | None = None,
        folds: Folds = (),
        at_most: int | None = None,
    ) -> dict[Any, Page | InvalidCursor]:
        """Fetch a page for each key, empty ones included, or the refusal if the cursor is from another parent's list.
        Raises `TooCostly` if there are more than `at_most` rows.
        """
        names = attributes(declaration.entity) if names is None else names
        args = request.args
        given = window_values(declaration.order_of(request), args)
        compiled = self._compiled(
            (declaration, names, folds, PageShape.of(request)),
            lambda viewer: statement_for(declaration, viewer, request, names, folds),
            row_class(declaration.entity),
            ("keys", *given),
        )
        own = [key for key in keys if args.is_of(key)]
        lists = _by_parent(await self._run(compiled, {"keys": own, **given}, at_most), own) if own else {}
        return {key: self._page(declaration, key, request, lists.get(key, ())) for key in keys}

    async def row_with_page(
        self, declaration: One, key: Any, names: Names, folds: Folds, fold: Fold
    ) -> tuple[Any, dict[Any, Page | InvalidCursor]]:
        """Fetch the row of a key, null if there is none, and by its own key the page that it leads to."""
        pages, shape = fold.declaration, fold.page
        assert isinstance(pages, Pages) and shape is not None
        given = window_values(fold.order, shape.request.args)
        compiled = self._compiled(
            (declaration, names, (*folds, fold), shape),
            lambda viewer: statement_for(declaration, viewer, names=names, folds=(*folds, fold)),
            row_class(declaration.entity),
            ("keys", *given),
        )
        found = await self._run(compiled, {"keys": [key], **given})
        if not found:
            return None, {}
        [row] = found
        arrays = row[-fold.width :]
        # Rows as they would come by a statement of their own, with nothing where that has the parent's key.
        make = folded_class(pages.entity, fold.names)
        rows = [] if arrays[0] is None else list(map(make, zip(repeat(None), *arrays, strict=False)))
        parent = getattr(row, fold.key)
        return row, {parent: self._page(pages, parent, shape.request, rows)}

    def _page(self, declaration: Pages, key: Any, request: PageRequest, rows: Sequence[Any]) -> Page | InvalidCursor:
        if not request.args.is_of(key):
            return request.args.foreign_cursor
        count = partial(self._count, declaration, key, request.filter)
        return make_page(rows, request.args, count, values_of=read_stored(declaration.order_of(request)), parent=key)

    async def _fetch(
        self,
        declaration: One | Many,
        keys: Collection[Any],
        names: Names | None,
        folds: Folds,
        at_most: int | None = None,
    ) -> list[Any]:
        wanted = attributes(declaration.entity) if names is None else names
        compiled = self._compiled(
            (declaration, wanted, folds),
            lambda viewer: statement_for(declaration, viewer, names=wanted, folds=folds),
            row_class(declaration.entity),
            ("keys",),
        )
        return await self._run(compiled, {"keys": list(keys)}, at_most)

    def _compiled(
        self,
        key: tuple[Any, ...],
        build: Callable[[Viewer], Select[Any]],
        rows: type[asyncpg.Record],
        given: Sequence[str],
    ) -> Compiled:
        viewer = self._viewer
        if isinstance(key[-1], PageShape) and len(key[-1].filter) > LONGEST_KEY:
            return compile_for(build, viewer, given, rows)
        shape = (viewer.user is None, viewer.role, *key)
        return STATEMENTS.get(shape, lambda: compile_for(build, viewer, given, rows))

    async def _run(self, compiled: Compiled, given: dict[str, Any], at_most: int | None = None) -> list[Any]:
        rows = await self._database.fetch(
            compiled.sql,
            compiled.arguments(self._viewer, given),
            compiled.row_class,
            plans_anew=compiled.plans_anew,
            at_most=None if at_most is None else at_most + 1,
        )
        if at_most is not None and len(rows) > at_most:
            self._spending.stop(len(rows))
        return rows

    # What resolvers ask for one by one

    def _counted(self, waiting: Awaitable[Any]) -> Awaitable[Any]:
        """Count rows unless the engine asks, which counts them itself together with folded ones."""
        return super()._counted(waiting) if self.is_asked_by_resolvers else waiting

    async def _load_batch(self, declaration: One | Many | Value, keys: list[Any]) -> list[Any]:
        unique = dict.fromkeys(keys)
        if isinstance(declaration, One):
            rows = await self.rows_of(declaration, unique)
            return [rows.get(key) for key in keys]
        if isinstance(declaration, Value):
            values = await self.values_of(declaration, unique)
            return [values.get(key, declaration.default) for key in keys]
        lists = await self.lists_of(declaration, unique)
        return [lists.get(key, []) for key in keys]

    async def _page_batch(self, declaration: Pages, request: PageRequest, keys: list[Any]) -> list[Any]:
        pages = await self.pages_of(declaration, dict.fromkeys(keys), request)
        return [pages[key] for key in keys]

    async def _count_batch(self, declaration: Pages, filter: Any, keys: list[Any]) -> list[Any]:
        compiled = self._compiled(
            (declaration, "count", PageShape.of(PageRequest(PageArgs(), filter))),
            lambda viewer: count_statement_for(declaration, viewer, filter),
            Values,
            ("keys",),
        )
        counts = {row[0]: row[1] for row in await self._run(compiled, {"keys": list(dict.fromkeys(keys))})}
        return [counts.get(key, 0) for key in keys]


def _by_parent(rows: list[Any], keys: Collection[Any]) -> dict[Any, list[Any]]:
    """Group rows by their key, which is their first column. Keys are hashed in Python: for one it is not worth it."""
    if len(keys) == 1:
        return dict.fromkeys(keys, rows)
    lists: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        lists[row[0]].append(row)
    return lists
