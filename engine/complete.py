"""Completing values (October 2021, section 6.4.3): from what sources give to what is answered, a batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphql import GraphQLError, located_error

from engine.plan import Field, Layout, OutputType, Selection
from engine.result_paths import ListItemPath, ResultPath, SelectedPath, SharedObjectPath
from engine.sources import Failure
from schema.core.context import Info

NULLED: Any = object()
"""Stands for a value that its type does not allow to be null: whatever holds it becomes null (October 2021, 6.4.4)."""


class Completion:
    """The completion of values in one run. `select` makes the result objects of a batch of rows."""

    def __init__(self, info: Info) -> None:
        self.info = info
        self._errors: list[GraphQLError] = []
        self._has_failures = False
        self._has_nulled = False

    async def _select(
        self, selection: Selection, rows: Sequence[Any], place: ResultPath, layout: Layout, *, is_serial: bool = False
    ) -> list[Any]:
        """Return a result object for each row, `NULLED` where a field that must not be null is."""
        raise NotImplementedError

    def _report(self, error: Exception, field: Field, place: ResultPath, position: int) -> None:
        for path in place.paths(position):
            self._errors.append(located_error(error, field.nodes, path))

    def _refuse(self, error: Exception, shape: OutputType, field: Field, place: ResultPath, position: int) -> Any:
        self._report(error, field, place, position)
        return self._nothing(shape)

    def _nothing(self, shape: OutputType) -> Any:
        if shape.is_nullable:
            return None
        self._has_nulled = True
        return NULLED

    def _empty(self, value: Any, shape: OutputType, field: Field, place: ResultPath, position: int) -> Any:
        """Return what stands for a failure or a null."""
        if type(value) is Failure:
            return self._refuse(value.error, shape, field, place, position)
        if shape.is_nullable:
            return None
        message = f"Cannot return null for non-nullable field {field.coordinate}."
        return self._refuse(TypeError(message), shape, field, place, position)

    def _leaves(self, values: list[Any], shape: OutputType, field: Field, place: ResultPath) -> list[Any]:
        serialize = shape.serialize
        if not self._has_failures:
            try:
                done = [None if value is None else serialize(value) for value in values]
            except Exception:
                pass
            else:
                if shape.is_nullable or all(one is not None for one in done):
                    return done
        return [self._leaf(value, shape, field, place, position) for position, value in enumerate(values)]

    def _leaf(self, value: Any, shape: OutputType, field: Field, place: ResultPath, position: int) -> Any:
        if value is None or type(value) is Failure:
            return self._empty(value, shape, field, place, position)
        try:
            return shape.serialize(value)
        except Exception as error:
            return self._refuse(error, shape, field, place, position)

    async def _complete(
        self, values: list[Any], shape: OutputType, field: Field, place: ResultPath, layout: Layout
    ) -> list[Any]:
        if shape.serialize is not None:
            return self._leaves(values, shape, field, place)
        if shape.of is not None:
            return await self._lists(values, shape, shape.of, field, place, layout)
        if shape.possible is not None:
            return await self._abstract(values, shape, shape.possible, field, place)
        assert shape.selection is not None
        return await self._objects(values, range(len(values)), shape, shape.selection, field, place, layout)

    async def _objects(
        self,
        values: list[Any],
        positions: Sequence[int],
        shape: OutputType,
        selection: Selection,
        field: Field,
        place: ResultPath,
        layout: Layout,
    ) -> list[Any]:
        """Return result objects at these positions; at the others null. One row that stands at several is built
        once.
        """
        if not self._has_failures and len(values) == len(positions):
            if shape.is_item and all(values):
                return self._items(await self._select(selection, values, place, layout), shape)
            unique = {id(value): value for value in values}
            is_missing = unique.pop(id(None), self) is None
            if not is_missing or shape.is_nullable:
                return await self._shared(values, unique, shape, selection, place, layout)
        done: list[Any] = [None] * len(values)
        rows: list[Any] = []
        where: list[list[int]] = []
        seen: dict[int, int] = {}
        for position in positions:
            value = values[position]
            if value is None or type(value) is Failure:
                done[position] = self._empty(value, shape, field, place, position)
                continue
            number = seen.setdefault(id(value), len(rows))
            if number == len(rows):
                rows.append(value)
                where.append([position])
            else:
                where[number].append(position)
        if not rows:
            return done
        for built, places in zip(
            await self._select(selection, rows, SelectedPath(place, where), layout), where, strict=True
        ):
            for position in places:
                done[position] = self._nothing(shape) if built is NULLED else built
        return done

    def _items(self, built: list[Any], shape: OutputType) -> list[Any]:
        """Return the items of lists in the most usual case: they are different objects, and all are there."""
        return [self._nothing(shape) if one is NULLED else one for one in built] if self._has_nulled else built

    async def _shared(
        self,
        values: list[Any],
        unique: dict[int, Any],
        shape: OutputType,
        selection: Selection,
        place: ResultPath,
        layout: Layout,
    ) -> list[Any]:
        """Do the usual case of `_objects`: nothing has failed, and what is null may be."""
        rows = list(unique.values())
        built = await self._select(selection, rows, SharedObjectPath(place, values, rows), layout) if rows else []
        built = self._items(built, shape)
        if len(rows) == len(values):
            return built
        found = dict(zip(unique, built, strict=True))
        return [found.get(id(value)) for value in values]

    async def _abstract(
        self, values: list[Any], shape: OutputType, possible: dict[str, Selection], field: Field, place: ResultPath
    ) -> list[Any]:
        done: list[Any] = [None] * len(values)
        kinds: dict[str, list[int]] = {}
        for position, value in enumerate(values):
            if value is None or type(value) is Failure:
                done[position] = self._empty(value, shape, field, place, position)
                continue
            kind = self._kind(value, possible)
            if kind is None:
                message = f"Abstract type '{shape.abstract.name}' must resolve to one of its types."
                done[position] = self._refuse(TypeError(message), shape, field, place, position)
            else:
                kinds.setdefault(kind, []).append(position)
        for kind, positions in kinds.items():
            found = await self._objects(values, positions, shape, possible[kind], field, place, None)
            for position in positions:
                done[position] = found[position]
        return done

    def _kind(self, value: Any, possible: dict[str, Selection]) -> str | None:
        """Return the name of a value's type: rows carry it, others are asked."""
        name = type(value).__name__
        if name in possible:
            return name
        for one, selection in possible.items():
            is_type_of = selection.type.is_type_of
            if is_type_of is not None and is_type_of(value, self.info):  # type: ignore[arg-type]  # unused by all of them
                return one
        return None

    async def _lists(
        self, values: list[Any], shape: OutputType, of: OutputType, field: Field, place: ResultPath, layout: Layout
    ) -> list[Any]:
        """All items of all lists as one batch."""
        items: list[Any] = []
        owners: list[int] = []
        indexes: list[int] = []
        for position, value in enumerate(values):
            if value is not None and type(value) is not Failure:
                items += value
                indexes += range(len(items) - len(owners))
                owners += [position] * (len(items) - len(owners))
        found = await self._complete(items, of, field, ListItemPath(place, owners, indexes), layout)
        done: list[Any] = []
        start = 0
        for position, value in enumerate(values):
            if value is None or type(value) is Failure:
                done.append(self._empty(value, shape, field, place, position))
                continue
            end = start + len(value)
            done.append(found[start:end])
            start = end
        if self._has_nulled:
            for position, item in zip(owners, found, strict=True):
                if item is NULLED:
                    done[position] = self._nothing(shape)
        return done
