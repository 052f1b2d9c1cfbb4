"""DataLoaders over declarations, as Strawberry's own execution uses them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy import Select
from strawberry.dataloader import DataLoader

from auth.viewer import Viewer
from database import Database
from dataloaders.core.counting import Total, total_of
from dataloaders.core.declarations import Many, One, PageRequest, Pages, Value
from dataloaders.core.keyset_pages import Page, make_page
from dataloaders.core.selects import count_statement_for, statement_for
from dataloaders.core.spending import Spending


@dataclass(frozen=True, slots=True, eq=False)
class MeteredLoad:
    """An awaitable that counts the rows of its result. Raises `TooCostly`.

    It is no coroutine, which would have to be awaited: it is dropped if something beside it fails.
    """

    waiting: Awaitable[Any]
    spending: Spending

    def __await__(self) -> Generator[Any, Any, Any]:
        found = yield from self.waiting.__await__()
        rows = found.rows if isinstance(found, Page) else found if isinstance(found, list) else ()
        self.spending.count(1 + len(rows))
        return found


class Loaders:
    """Runs declarations for one request. `caching` is off on a WebSocket, whose context outlives many events."""

    def __init__(
        self, database: Database, viewer: Viewer, *, caching: bool = True, spending: Spending | None = None
    ) -> None:
        self._database = database
        self._spending = spending or Spending()
        self._viewer = viewer
        self._caching = caching
        self._loaders: dict[Any, DataLoader[Any, Any]] = {}

    def clear(self) -> None:
        """After a write: what was read before may be stale."""
        self._loaders.clear()

    def prime(self, declaration: One, key: Any, values: Mapping[str, Any]) -> None:
        """Set what reading a key would find, for whoever makes use of it. Until something is written."""

    def prime_value(self, declaration: Value, key: Any, value: Any) -> None:
        """As `prime`, of an aggregate that is one value."""

    def load(self, declaration: One | Many | Value, key: Any) -> Awaitable[Any]:
        loader = self._loader(declaration, lambda keys: self._load_batch(declaration, keys))
        return self._counted(loader.load(key))

    def load_page(self, declaration: Pages, key: Any, request: PageRequest) -> Awaitable[Any]:
        identity = (declaration, request.args, repr(request.filter), request.sort)
        loader = self._loader(identity, lambda keys: self._page_batch(declaration, request, keys))
        return self._counted(loader.load(key))

    def _counted(self, waiting: Awaitable[Any]) -> Awaitable[Any]:
        return MeteredLoad(waiting, self._spending)

    async def _count(self, declaration: Pages, key: Any, filter: Any) -> Total:
        kept = None if declaration.kept_count is None else declaration.kept_count(self._viewer, filter)
        if kept is not None:
            return Total(await self._loader(kept, lambda keys: self._load_batch(kept, keys)).load(key))
        identity = (declaration, "count", repr(filter))
        counting = self._loader(identity, lambda keys: self._count_batch(declaration, filter, keys))
        return total_of(await counting.load(key))

    def _loader(self, identity: Any, batch: Callable[[list[Any]], Awaitable[Any]]) -> DataLoader[Any, Any]:
        loader = self._loaders.get(identity)
        if loader is None:
            loader = self._loaders[identity] = DataLoader(load_fn=batch, cache=self._caching)
        return loader

    async def _rows(self, statement: Select[Any], keys: list[Any]) -> Sequence[Any]:
        async with self._database.reading() as session:
            found = await session.execute(statement, {"keys": list(dict.fromkeys(keys))})
            rows: Sequence[Any] = found.all()
        return rows

    async def _load_batch(self, declaration: One | Many | Value, keys: list[Any]) -> list[Any]:
        rows = await self._rows(statement_for(declaration, self._viewer), keys)
        if isinstance(declaration, One):
            found = {row[1]: row[0] for row in rows}
            return [found.get(key) for key in keys]
        if isinstance(declaration, Value):
            values = {row[0]: row[1] if len(row) == 2 else row for row in rows}
            return [values.get(key, declaration.default) for key in keys]
        lists: dict[Any, list[Any]] = defaultdict(list)
        for row in rows:
            lists[row[0]].append(row[1])
        return [lists[key] for key in keys]

    async def _page_batch(self, declaration: Pages, request: PageRequest, keys: list[Any]) -> list[Any]:
        rows = await self._rows(statement_for(declaration, self._viewer, request), keys)
        lists: dict[Any, list[Any]] = defaultdict(list)
        for row in rows:
            lists[row[0]].append(row)

        def page(key: Any) -> Any:
            if not request.args.is_of(key):
                return request.args.foreign_cursor
            return make_page(
                lists[key],
                request.args,
                lambda: self._count(declaration, key, request.filter),
                values_of=itemgetter(slice(2, None)),
                row_of=itemgetter(1),
                parent=key,
            )

        return [page(key) for key in keys]

    async def _count_batch(self, declaration: Pages, filter: Any, keys: list[Any]) -> list[Any]:
        counts = dict(await self._rows(count_statement_for(declaration, self._viewer, filter), keys))
        return [counts.get(key, 0) for key in keys]
