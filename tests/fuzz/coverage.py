"""What a run of the oracle has seen: fields reached, answers with errors, operations that the engine left to others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_composite_type,
)

Field = tuple[str, str]
"""Type and field."""


def reached(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, data: Any) -> set[Field]:
    """Fields of object types and interfaces that have an answer in the data, null or not."""
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    root = schema.get_root_type(operation.operation)
    found: set[Field] = set()
    if isinstance(data, dict):
        _reach(schema, fragments, operation.selection_set, root, [data], found)
    return found


def _reach(
    schema: GraphQLSchema,
    fragments: dict[str, FragmentDefinitionNode],
    selections: SelectionSetNode,
    parent: Any,
    objects: list[dict[str, Any]],
    found: set[Field],
) -> None:
    for node in selections.selections:
        if not isinstance(node, FieldNode):
            inner = fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            condition = getattr(inner, "type_condition", None)
            type_ = schema.get_type(condition.name.value) if condition else parent
            _reach(schema, fragments, inner.selection_set, type_, objects, found)
            continue
        key = node.alias.value if node.alias else node.name.value
        values = [one[key] for one in objects if key in one]
        definition = None if node.name.value.startswith("__") else parent.fields.get(node.name.value)
        if not values or definition is None:
            continue
        found.add((parent.name, node.name.value))
        if node.selection_set is not None:
            below = list(_objects(values))
            _reach(schema, fragments, node.selection_set, get_named_type(definition.type), below, found)


def _objects(values: Iterable[Any]) -> Iterator[dict[str, Any]]:
    for value in values:
        if isinstance(value, dict):
            yield value
        elif isinstance(value, list):
            yield from _objects(value)


def declared(schema: GraphQLSchema, *, left_out: Iterable[str] = ()) -> set[Field]:
    """Every field of every object type, without introspection and the types left out."""
    return {
        (type_.name, name)
        for type_ in schema.type_map.values()
        if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__") and type_.name not in left_out
        for name in type_.fields
    }


def is_leaf(type_: Any) -> bool:
    return not is_composite_type(get_named_type(type_))


@dataclass
class Summary:
    """Of all cases of a run."""

    cases: int = 0
    refused: int = 0
    """Answered with errors of the request alone: nothing was executed."""
    with_errors: int = 0
    """Partly answered, with errors of fields."""
    mutations: int = 0
    tolerated: int = 0
    fields: set[Field] = field(default_factory=set)
    codes: Counter[str] = field(default_factory=Counter)
    people: Counter[str] = field(default_factory=Counter)
    fallbacks: Counter[str] = field(default_factory=Counter)
    refusals: set[str] = field(default_factory=set)
    """Keys of the mutations whose payload says why not."""

    def lines(self, schema: GraphQLSchema) -> list[str]:
        every = declared(schema, left_out=("Subscription",))
        asked = self.fields & every
        percent = 100 / max(self.cases, 1)
        return [
            f"{self.cases} cases, {self.mutations} of them mutations; {dict(sorted(self.people.items()))}",
            f"{len(asked)} of {len(every)} fields answered; without: {_shortened(every - asked)}",
            f"{self.with_errors * percent:.1f} % with errors of fields, {self.refused * percent:.1f} % refused whole; "
            f"errors by code and reason: {dict(self.codes.most_common())}",
            f"{self.tolerated} told more errors below the same null",
            f"left to graphql-core, by reason: {dict(self.fallbacks.most_common())}",
        ]


def _shortened(fields: set[Field]) -> str:
    names = sorted(f"{type_}.{name}" for type_, name in fields)
    return ", ".join(names[:60]) + (f" and {len(names) - 60} more" if len(names) > 60 else "")
