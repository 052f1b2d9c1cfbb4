"""A subscription taken apart: its stream on one side, what is answered to an entry on the other, so that one answer may
go to many.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any

import orjson
from graphql import (
    ExecutionResult,
    FieldNode,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    create_source_event_stream,
    execute_subscription_event,
    visit,
)
from graphql.execution import Executor

from schema import Schema
from schema.context import Context
from schema.dependence import Dependence, dependence_of
from schema.documents import Prepared
from schema.limits import check_variables
from schema.streams import Live

CURSOR = "after"
"""The argument that says where one subscriber begins, and nothing about the answers."""
KEPT = 500
"""Operations about which is known what they depend on."""


@dataclass(frozen=True)
class _Shape:
    dependence: Dependence
    cursor: str | None
    """The variable that is nothing but the cursor."""


class LiveOperation:
    """One subscriber's subscription, checked, not begun."""

    def __init__(self, shape: _Shape, context: Context, live: Live, executor: Executor[Any], text: str) -> None:
        self._shape = shape
        self._context = context
        self._live = live
        self._executor = executor
        self._text = text

    def begin(self) -> Any:
        """The subscriber's `Stream`. Raises what the field's gate and arguments refuse."""
        return self._live.begin()

    def key(self, variables: dict[str, Any] | None, name: str | None) -> tuple[Any, ...]:
        """What answers depend on beside the entry. Who depends on the viewer has a key that no one else has."""
        given = {key: value for key, value in (variables or {}).items() if key != self._shape.cursor}
        told = orjson.dumps(given, option=orjson.OPT_SORT_KEYS)
        viewer: Any = None
        if self._shape.dependence is Dependence.VIEWER:
            viewer = object()
        elif self._shape.dependence is Dependence.ROLE:
            viewer = self._context.viewer.role
        return (self._text, name, told, self._context.locale, viewer)

    async def answer(self, entry: Any) -> ExecutionResult:
        """Execute the selection for one entry. Errors are not presented yet."""
        found = execute_subscription_event(self._executor.build_per_event_executor(entry))
        return await found if isawaitable(found) else found


class LiveOperations:
    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._shapes: OrderedDict[tuple[str, str | None], _Shape] = OrderedDict()

    def open(
        self, text: str, variables: dict[str, Any] | None, name: str | None, context: Context
    ) -> LiveOperation | None:
        """Null for what cannot be taken apart: it is left to the schema, which also says what is wrong with it."""
        prepared = self._schema.prepare(text)
        node = prepared.operation(name)
        if node is None or prepared.errors or prepared.document is None:
            return None
        if variables and check_variables(self._schema._schema, node, variables):
            return None
        executor = Executor.build(self._schema._schema, prepared.document, None, context, variables, name)
        if isinstance(executor, list):
            return None
        source: Any = create_source_event_stream(executor)
        if not isinstance(source, Live):
            return None
        return LiveOperation(self._shape(text, name, prepared, node), context, source, executor, text)

    def _shape(self, text: str, name: str | None, prepared: Prepared, node: OperationDefinitionNode) -> _Shape:
        key = (text, name)
        found = self._shapes.get(key)
        if found is None:
            found = _Shape(dependence_of(self._schema._schema, prepared, node), _cursor_variable(prepared, node))
            self._shapes[key] = found
            if len(self._shapes) > KEPT:
                self._shapes.popitem(last=False)
        return found


class _Uses(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        self.names.append(node.name.value)


def _cursor_variable(prepared: Prepared, operation: OperationDefinitionNode) -> str | None:
    """The variable given as the root field's cursor, if it is used for nothing else."""
    assert prepared.document is not None
    uses = _Uses()
    visit(prepared.document, uses)
    for node in operation.selection_set.selections:
        for argument in node.arguments or () if isinstance(node, FieldNode) else ():
            if argument.name.value == CURSOR and isinstance(argument.value, VariableNode):
                name = argument.value.name.value
                # Once in its definition, and once here.
                return name if uses.names.count(name) == 2 else None
    return None
