"""Running a plan: level by level, each field for all objects of its level at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import structlog
from graphql import GraphQLError
from graphql.execution.values import VariableValues

from dataloaders.core.compiled_loaders import CompiledLoaders
from dataloaders.core.keyset_pages import Page
from engine.complete import NULLED, Completion
from engine.explain import Explanation
from engine.fetches import RootConnection
from engine.listings import fetch_listing
from engine.plan import Field, Layout, Plan, Selection
from engine.result_paths import FieldPath, ResultPath, RootPath
from engine.sources import Failure
from errors import InvalidCursor
from schema import Schema
from schema.core.access import check
from schema.core.context import Context, Info
from schema.core.metadata import definition_of

log = structlog.get_logger()


@dataclass(frozen=True)
class PlanResult:
    data: dict[str, Any] | None
    errors: list[GraphQLError]


class RunInfo(Info):
    """Has its context at hand: every name in a catalogue asks for it."""

    context: Any = None


class Execution(Completion):
    """One run of a plan for one viewer."""

    def __init__(
        self,
        schema: Schema,
        plan: Plan,
        context: Context,
        variables: VariableValues,
        explanation: Explanation | None = None,
    ) -> None:
        info = RunInfo(_raw_info=SimpleNamespace(context=context), _field=None)  # type: ignore[arg-type]  # what gates and computed fields use of it
        info.context = context
        super().__init__(info)
        self._explanation = explanation
        self._schema = schema
        self._plan = plan
        self._variables = variables
        self.context = context
        self.spending = context.spending
        self.brought: dict[Field, dict[Any, Page | InvalidCursor]] = {}
        """Pages by their parents' keys that came in the statement of the parents."""
        assert isinstance(context.loaders, CompiledLoaders)

    @property
    def loaders(self) -> CompiledLoaders:
        # Changes with the viewer: who signs in becomes one.
        found = self.context.loaders
        assert isinstance(found, CompiledLoaders)
        return found

    async def run(self, root: Any = None) -> PlanResult:
        """Execute the plan. Raises `TooCostly`, and leaves everything as it is then: nothing will be answered."""
        done = await self._select(self._plan.root, [root], RootPath(), None, is_serial=self._plan.is_serial)
        return PlanResult(None if done[0] is NULLED else done[0], self._errors)

    # What sources use

    def failed(self, error: Exception) -> Failure:
        self._has_failures = True
        return Failure(error)

    def each(self, function: Callable[[Any], Any], rows: Sequence[Any]) -> list[Any]:
        """Return a function of each row; where it raises, its error in place of the value."""
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
        """Return a field's arguments as its Python function takes them."""
        return field.arguments.converted(self._schema, self._variables)

    def resolve(self, field: Field, parent: Any) -> Any:
        """Return what the field's resolver answers, called as Strawberry calls it. Ours use no extensions of fields."""
        declared: Any = definition_of(field.definition)
        resolver = declared.base_resolver
        arguments = field.arguments.fresh(self._schema, self._variables)
        for parameter, value in (
            (resolver.parent_parameter, parent),
            (resolver.root_parameter, parent),
            (resolver.info_parameter, self.info),
        ):
            if parameter is not None:
                arguments[parameter.name] = value
        return resolver(*([parent] if resolver.self_parameter else []), **arguments)

    async def page(self, source: RootConnection, field: Field) -> Page:
        # What is wrong with the arguments comes before who may ask.
        arguments = self.arguments(field)
        check(source.access, self.context.viewer)
        page = await fetch_listing(self.context, source.method, arguments, source.entity, field)
        self.spending.count((len(page.rows) + field.folded_rows.of(page.rows)) * field.shown)
        return page

    # Objects

    async def _select(
        self, selection: Selection, rows: Sequence[Any], place: ResultPath, layout: Layout, *, is_serial: bool = False
    ) -> list[Any]:
        """Return a result object for each row, `NULLED` where a field that must not be null is."""
        columns: list[Any] = [None] * len(selection.batched)
        waiting: list[tuple[int, Any]] = []
        for number, field in enumerate(selection.batched):
            at = FieldPath(place, field.key)
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
        try:
            built = selection.builders.get(selection, layout)(rows, self.info, *columns)
        except Exception as error:
            return await self._build_with_care(selection, rows, columns, place, layout, error)
        return self._nulled(built, columns)

    def _nulled(self, built: list[Any], columns: list[Any]) -> list[Any]:
        """`NULLED` for each object of which a column has it."""
        if self._has_nulled:
            for column in columns:
                for position, value in enumerate(column):
                    if value is NULLED:
                        built[position] = NULLED
        return built

    async def _build_with_care(
        self,
        selection: Selection,
        rows: Sequence[Any],
        columns: list[Any],
        place: ResultPath,
        layout: Layout,
        error: Exception,
    ) -> list[Any]:
        """Where a builder has failed: complete by themselves all fields that may be at fault."""
        told = len(self._errors)
        done = {field.key: column for field, column in zip(selection.batched, columns, strict=True)}
        for field in selection.careful:
            if field.key not in done:
                values = field.source.values(self, field, rows)
                inner = layout if field.source.passes_rows else field.names
                done[field.key] = await self._complete(values, field.shape, field, FieldPath(place, field.key), inner)
        if len(self._errors) == told:
            # Nothing was at fault but the builder: the answer is right, and slow.
            log.error("engine.builder", selection=selection.type.name, exc_info=error)
        columns = [done[field.key] for field in selection.careful]
        build = selection.builders.get(selection, layout, is_careful=True)
        return self._nulled(build(rows, self.info, *columns), columns)

    async def _load(self, field: Field, rows: Sequence[Any], at: ResultPath, layout: Layout) -> list[Any]:
        self.spending.count(field.price.of(self._variables.coerced) * len(rows))
        if self._explanation is None:
            values = await field.source.load(self, field, rows, layout)
        else:
            with self._explanation.step(field.coordinate, len(rows)):
                values = await field.source.load(self, field, rows, layout)
        return await self._complete(values, field.shape, field, at, field.names)
