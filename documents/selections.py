"""What selection sets ask for, with their fragments written out.

Limits, costs, plans, and what subscribers may share all read documents by these functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from graphql import (
    BooleanValueNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    ValueNode,
    VariableNode,
    is_abstract_type,
)

from documents.slices import pause_if_due

T = TypeVar("T")
Fragments = Mapping[str, FragmentDefinitionNode]
Within = Callable[[T, str], T | None]
"""The type inside a type condition, given the type around it; null where what is inside does not count."""


def fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}


def _always(_node: SelectionNode) -> bool:
    return True


def walk(
    sets: Iterable[tuple[T, SelectionSetNode]],
    fragments: Fragments,
    *,
    within: Within[T] | None = None,
    is_wanted: Callable[[SelectionNode], bool] = _always,
) -> Iterator[tuple[T, SelectionNode]]:
    """Yield each selection of sets that are merged into one, in the order of the document, with the type it stands on.

    What a fragment holds follows the fragment itself. A named one is entered once, and not at all where it is unknown.
    Without `within` types stay as they are given, and all fragments are entered.
    Never calls itself, however deep fragments lie within each other.
    """
    entered: set[str] = set()
    for type_, one in sets:
        levels = [(type_, iter(one.selections))]
        while levels:
            around, left = levels[-1]
            for node in left:
                pause_if_due()
                if not is_wanted(node):
                    continue
                yield around, node
                if isinstance(node, FieldNode):
                    continue
                fragment: Any = node
                if isinstance(node, FragmentSpreadNode):
                    name = node.name.value
                    fragment = fragments.get(name)
                    if fragment is None or name in entered:
                        continue
                    entered.add(name)
                inside = around
                if fragment.type_condition is not None and within is not None:
                    narrowed = within(around, fragment.type_condition.name.value)
                    if narrowed is None:
                        continue
                    inside = narrowed
                levels.append((inside, iter(fragment.selection_set.selections)))
                break
            else:
                levels.pop()


def fields(
    sets: Iterable[tuple[T, SelectionSetNode]],
    fragments: Fragments,
    *,
    within: Within[T] | None = None,
    is_wanted: Callable[[SelectionNode], bool] = _always,
) -> Iterator[tuple[T, FieldNode]]:
    """As `walk`, the fields alone."""
    for type_, node in walk(sets, fragments, within=within, is_wanted=is_wanted):
        if isinstance(node, FieldNode):
            yield type_, node


def response_key(node: FieldNode) -> str:
    return (node.alias or node.name).value


@dataclass(frozen=True)
class Collector:
    """Collects fields as an executor does (October 2021, section 6.3.2). The document is valid.

    `flags` are the values of the variables in `@skip` and `@include`; where one is missing, the selection counts.
    """

    schema: GraphQLSchema
    fragments: Fragments
    flags: Mapping[str, Any]

    def fields(self, type_: GraphQLObjectType, sets: Iterable[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        """Field nodes of an object by response key, in the order of the document."""
        found: dict[str, list[FieldNode]] = {}
        on_type = ((type_, one) for one in sets)
        for _, node in fields(on_type, self.fragments, within=self._within, is_wanted=self._is_wanted):
            found.setdefault(response_key(node), []).append(node)
        return found

    def _within(self, type_: GraphQLObjectType, condition: str) -> GraphQLObjectType | None:
        if condition == type_.name:
            return type_
        named: Any = self.schema.type_map[condition]
        return type_ if is_abstract_type(named) and self.schema.is_sub_type(named, type_) else None

    def _is_wanted(self, node: SelectionNode) -> bool:
        """`@skip` wins over `@include`."""
        return not any(self._value(condition) is (name == "skip") for name, condition in _conditions(node))

    def _value(self, condition: ValueNode) -> Any:
        if isinstance(condition, VariableNode):
            return self.flags.get(condition.name.value)
        return condition.value if isinstance(condition, BooleanValueNode) else None


def _conditions(node: SelectionNode) -> Iterator[tuple[str, ValueNode]]:
    """Return what decides whether a selection counts, by the names of the directives."""
    for one in node.directives or ():
        if one.name.value in ("skip", "include") and one.arguments:
            yield one.name.value, one.arguments[0].value


def flag_names(operation: OperationDefinitionNode, fragments: Fragments) -> tuple[str, ...]:
    """Names of the variables that decide which fields an operation asks for."""
    names: set[str] = set()
    waiting = [operation.selection_set, *(one.selection_set for one in fragments.values())]
    while waiting:
        for _, node in walk([(None, waiting.pop())], {}):
            conditions = (condition for _, condition in _conditions(node))
            names.update(one.name.value for one in conditions if isinstance(one, VariableNode))
            if isinstance(node, FieldNode) and node.selection_set:
                waiting.append(node.selection_set)
    return tuple(sorted(names))
