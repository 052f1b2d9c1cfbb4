"""Running a plan: level by level, each field for all objects of its level at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import structlog
from graphql import GraphQLError, located_error
from graphql.execution.values import VariableValues

from dataloaders.compiled_loaders import CompiledLoaders
from dataloaders.pages import Page
from engine.arguments import resolve_info
from engine.explain import Explanation
from engine.fetches import Listed
from engine.listings import fetch_listing
from engine.places import Items, OfField, Picked, Place, Root, Shared
from engine.plan import Field, Layout, Plan, Selection, Shape
from engine.sources import Failure
from schema import Schema
from schema.access import check
from schema.context import Context, Info

log = structlog.get_logger()

NULLED: Any = object()
"""Stands for a value that its type does not allow to be null: whatever holds it becomes null (October 2021, 6.4.4)."""


@dataclass(frozen=True)
class Answer:
    data: dict[str, Any] | None
    errors: list[GraphQLError]


class Execution:
    """One run of a plan for one viewer."""

    def __init__(
        self,
        schema: Schema,
        plan: Plan,
        context: Context,
        variables: VariableValues,
        explanation: Explanation | None = None,
    ) -> None:
        self._explanation = explanation
        self._schema = schema
        self._plan = plan
        self._variables = variables
        self._errors: list[GraphQLError] = []
        self._has_failures = False
        self._has_nulled = False
        self.context = context
        assert isinstance(context.loaders, CompiledLoaders)
        self.info = Info(_raw_info=SimpleNamespace(context=context), _field=None)  # type: ignore[arg-type]  # what gates and computed fields use of it

    @property
    def loaders(self) -> CompiledLoaders:
        # Changes with the viewer: who signs in becomes one.
        found = self.context.loaders
        assert isinstance(found, CompiledLoaders)
        return found

    async def run(self, root: Any = None) -> Answer:
        done = await self._select(self._plan.root, [root], Root(), None, is_serial=self._plan.is_serial)
        return Answer(None if done[0] is NULLED else done[0], self._errors)

    # What sources use

    def failed(self, error: Exception) -> Failure:
        self._has_failures = True
        return Failure(error)

    def each(self, function: Callable[[Any], Any], rows: Sequence[Any]) -> list[Any]:
        """A function of each row; where it raises, its error in place of the value."""
        try:
            return [function(row) for row in rows]
        except Exception:
            return [self._attempt(function, row) for row in rows]

    def _attempt(self, function: Callable[[Any], Any], row: Any) -> Any:
        try:
            return function(row)
        except Exception as error:
            return self.failed(error)

    def arguments(self, field: Field) -> dict[str, Any]:
        """A field's arguments as its Python function takes them."""
        return field.arguments.converted(self._schema, self._variables)

    def resolve(self, field: Field, parent: Any) -> Any:
        """What the field's resolver answers, as Strawberry calls it."""
        found = field.arguments.coerced(self._variables)
        assert field.definition.resolve is not None
        info = resolve_info(self._schema, self._plan, field, self._variables, self.context)
        return field.definition.resolve(parent, info, **found)

    async def page(self, source: Listed, field: Field) -> Page:
        # What is wrong with the arguments comes before who may ask.
        arguments = self.arguments(field)
        check(source.access, self.context.viewer)
        return await fetch_listing(self.context, source.method, arguments, source.entity, field)

    # Objects

    async def _select(
        self, selection: Selection, rows: Sequence[Any], place: Place, layout: Layout, *, is_serial: bool = False
    ) -> list[Any]:
        """A result object for each row, `NULLED` where a field that must not be null is."""
        columns: list[Any] = [None] * len(selection.batched)
        waiting: list[tuple[int, Any]] = []
        for number, field in enumerate(selection.batched):
            at = OfField(place, field.key)
            if field.is_awaited:
                work = self._load(field, rows, at, layout)
            else:
                values = field.source.values(self, field, rows)
                if field.shape.serialize is not None:
                    columns[number] = self._leaves(values, field.shape, field, at)
                    continue
                inner = layout if field.source.passes_rows else field.names
                work = self._complete(values, field.shape, field, at, inner)
            if is_serial or not field.suspends:
                columns[number] = await work
            else:
                waiting.append((number, work))
        if len(waiting) == 1:
            columns[waiting[0][0]] = await waiting[0][1]
        elif waiting:
            results = await asyncio.gather(*(work for _, work in waiting))
            for (number, _), result in zip(waiting, results, strict=True):
                columns[number] = result
        return self._build(selection, rows, columns, place, layout)

    async def _load(self, field: Field, rows: Sequence[Any], at: Place, layout: Layout) -> list[Any]:
        if self._explanation is None:
            values = await field.source.load(self, field, rows, layout)
        else:
            with self._explanation.step(field.coordinate, len(rows)):
                values = await field.source.load(self, field, rows, layout)
        return await self._complete(values, field.shape, field, at, field.names)

    def _build(
        self, selection: Selection, rows: Sequence[Any], columns: list[Any], place: Place, layout: Layout
    ) -> list[Any]:
        try:
            built = selection.builders.get(selection, layout)(rows, *columns)
        except GraphQLError:
            built = self._build_with_care(selection, rows, columns, place, layout)
        if self._has_nulled:
            for column in columns:
                for position, value in enumerate(column):
                    if value is NULLED:
                        built[position] = NULLED
        return built

    def _build_with_care(
        self, selection: Selection, rows: Sequence[Any], columns: list[Any], place: Place, layout: Layout
    ) -> list[Any]:
        """One by one, where an inline field cannot be written: its value is null, or nulls the object."""
        build = selection.builders.get(selection, layout)
        built: list[Any] = []
        for position, row in enumerate(rows):
            try:
                built += build([row], *([column[position]] for column in columns))
            except GraphQLError as error:
                # Only 64-bit columns under GraphQL's Int end here, and all of those are required.
                failing = next(one for one in selection.fields if "int32" in selection.inline.get(one.key, ""))
                self._report(error, failing, OfField(place, failing.key), position)
                self._has_nulled = True
                built.append(NULLED)
        return built

    # Values

    def _report(self, error: Exception, field: Field, place: Place, position: int) -> None:
        for path in place.paths(position):
            self._errors.append(located_error(error, field.nodes, path))

    def _refuse(self, error: Exception, shape: Shape, field: Field, place: Place, position: int) -> Any:
        self._report(error, field, place, position)
        return self._nothing(shape)

    def _nothing(self, shape: Shape) -> Any:
        if shape.is_nullable:
            return None
        self._has_nulled = True
        return NULLED

    def _empty(self, value: Any, shape: Shape, field: Field, place: Place, position: int) -> Any:
        """What stands for a failure or a null."""
        if type(value) is Failure:
            return self._refuse(value.error, shape, field, place, position)
        if shape.is_nullable:
            return None
        message = f"Cannot return null for non-nullable field {field.coordinate}."
        return self._refuse(TypeError(message), shape, field, place, position)

    def _leaves(self, values: list[Any], shape: Shape, field: Field, place: Place) -> list[Any]:
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

    def _leaf(self, value: Any, shape: Shape, field: Field, place: Place, position: int) -> Any:
        if value is None or type(value) is Failure:
            return self._empty(value, shape, field, place, position)
        try:
            return shape.serialize(value)
        except Exception as error:
            return self._refuse(error, shape, field, place, position)

    async def _complete(self, values: list[Any], shape: Shape, field: Field, place: Place, layout: Layout) -> list[Any]:
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
        shape: Shape,
        selection: Selection,
        field: Field,
        place: Place,
        layout: Layout,
    ) -> list[Any]:
        """Result objects at these positions; at the others null. One row that stands at several is built once."""
        if not self._has_failures and len(values) == len(positions):
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
        for built, places in zip(await self._select(selection, rows, Picked(place, where), layout), where, strict=True):
            for position in places:
                done[position] = self._nothing(shape) if built is NULLED else built
        return done

    async def _shared(
        self,
        values: list[Any],
        unique: dict[int, Any],
        shape: Shape,
        selection: Selection,
        place: Place,
        layout: Layout,
    ) -> list[Any]:
        """The usual case of `_objects`: nothing has failed, and what is null may be."""
        rows = list(unique.values())
        built = await self._select(selection, rows, Shared(place, values, rows), layout) if rows else []
        if self._has_nulled:
            built = [self._nothing(shape) if one is NULLED else one for one in built]
        if len(rows) == len(values):
            return built
        found = dict(zip(unique, built, strict=True))
        return [found.get(id(value)) for value in values]

    async def _abstract(
        self, values: list[Any], shape: Shape, possible: dict[str, Selection], field: Field, place: Place
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
        """The name of a value's type: rows carry it, others are asked."""
        name = type(value).__name__
        if name in possible:
            return name
        for one, selection in possible.items():
            is_type_of = selection.type.is_type_of
            if is_type_of is not None and is_type_of(value, self.info):  # type: ignore[arg-type]  # unused by all of them
                return one
        return None

    async def _lists(
        self, values: list[Any], shape: Shape, of: Shape, field: Field, place: Place, layout: Layout
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
        found = await self._complete(items, of, field, Items(place, owners, indexes), layout)
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
