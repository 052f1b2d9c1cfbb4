"""Asks one operation of both executions and says what differs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from graphql import FieldNode, GraphQLObjectType, OperationDefinitionNode, get_named_type, parse

from engine import Engine
from schema import Schema
from tests.fuzz.bounds import Bounds
from tests.fuzz.compare import Answer, Renaming, answer_of, compare
from tests.fuzz.coverage import Summary, reached
from tests.fuzz.operations import Case
from tests.fuzz.world import World

log = structlog.get_logger()


@dataclass
class Oracle:
    """`schema` is the reference."""

    schema: Schema
    engine: Engine
    world: World
    summary: Summary = field(default_factory=Summary)
    bounds: Bounds = field(init=False)
    _spent: int = 0
    """Counted for the last answer."""

    def __post_init__(self) -> None:
        self.bounds = Bounds(self.schema)

    async def differences(self, case: Case) -> str:
        """The first request of the case with both answers where they differ; empty where none does."""
        for one in (case, *case.then):
            if difference := await self._difference(one):
                return difference
        return ""

    async def _difference(self, case: Case) -> str:
        reference = await self._answer(self.schema, case)
        before = self.engine.fallbacks.total()
        engine = await self._answer(self.engine, case)
        # What graphql-core runs is counted with less care, and bounded by the most that it may hold.
        spent = None if self.engine.fallbacks.total() > before else self._spent
        found = compare(reference, engine)
        self._note(case, reference, is_tolerated=bool(found.tolerated))
        self.summary.fallbacks = self.engine.fallbacks
        told = [*found.problems, *filter(None, [self.bounds.problem(case, engine.data, spent)])]
        if not told:
            return ""
        problems = "\n".join(f"  {problem}" for problem in told)
        return f"{case!r}\n{problems}\nreference: {reference.shown()}\nengine: {engine.shown()}"

    async def _answer(self, executor: Schema | Engine, case: Case) -> Answer:
        answer = await self._ask(executor, case)
        if not case.is_mutation:
            return answer
        effects = await self.world.restore()
        return Renaming(self.world.known).answer(replace(answer, effects=effects))

    async def _ask(self, executor: Schema | Engine, case: Case) -> Answer:
        execution = "engine" if executor is self.engine else "reference"
        context = self.world.context(case.person, case.language, execution)
        try:
            result = await executor.execute(
                case.text,
                variable_values=case.variables,
                operation_name=case.operation_name,
                context_value=context,
            )
        except Exception as error:
            # A crash is an answer too: it gets smaller like any other difference.
            log.exception("oracle.crashed", execution=execution)
            return Answer(None, (((), "CRASHED", execution, repr(error), ()),))
        self._spent = context.spending.spent
        return answer_of(result)

    def _note(self, case: Case, answer: Answer, *, is_tolerated: bool) -> None:
        summary = self.summary
        summary.cases += 1
        summary.mutations += case.is_mutation
        summary.people[case.person] += 1
        summary.refused += answer.data is None and bool(answer.errors)
        summary.with_errors += answer.data is not None and bool(answer.errors)
        summary.tolerated += is_tolerated
        summary.codes.update(f"{code} {reason}".strip() for _path, code, reason, _message, _places in answer.errors)
        payloads = answer.data.items() if case.is_mutation and answer.data else ()
        summary.refusals |= {key for key, payload in payloads if isinstance(payload, dict) and payload.get("errors")}
        prepared = self.schema.prepare(case.text)
        operation = prepared.operation(case.operation_name)
        if prepared.document is not None and operation is not None:
            summary.fields |= reached(self.schema.graphql, prepared.document, operation, answer.data)

    async def collect_cursors(self, asked: Iterable[Case]) -> None:
        """Give the world the cursors that its lists answer with, by the field of the list."""
        for case in asked:
            answer = await self._answer(self.schema, case)
            operation = parse(case.text).definitions[0]
            assert isinstance(operation, OperationDefinitionNode)
            self._collect(operation.selection_set, self.schema.graphql.query_type, answer.data)

    def _collect(self, selections: Any, parent: Any, data: Any) -> None:
        if isinstance(data, list):
            for item in data:
                self._collect(selections, parent, item)
        elif isinstance(data, dict):
            for node in selections.selections:
                if isinstance(node, FieldNode):
                    self._collect_field(node, parent, data)
                else:
                    type_ = self.schema.graphql.get_type(node.type_condition.name.value)
                    self._collect(node.selection_set, type_, data)

    def _collect_field(self, node: FieldNode, parent: Any, data: dict[str, Any]) -> None:
        name = node.name.value
        definition = parent.fields.get(name) if isinstance(parent, GraphQLObjectType) else None
        if definition is None or not data.get(name):
            return
        if "after" in definition.args and "edges" in data[name]:
            kept = self.world.cursors[f"{parent.name}.{name}"]
            kept += [
                edge["cursor"] for edge in data[name]["edges"] if edge.get("cursor") and edge["cursor"] not in kept
            ]
        if node.selection_set is not None:
            self._collect(node.selection_set, get_named_type(definition.type), data[name])
