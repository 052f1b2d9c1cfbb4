"""Which fields a selection set asks for, per type, with fragments written out (October 2021, section 6.3.2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    is_abstract_type,
)
from graphql.language import BooleanValueNode


class Unplannable(Exception):
    """The operation has something that plans cannot say; graphql-core runs it."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True)
class Collector:
    """`flags` are the values of the variables that `@skip` and `@include` ask for: a plan is made for each set."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    flags: Mapping[str, bool]

    def fields(self, type_: GraphQLObjectType, sets: Iterable[SelectionSetNode]) -> dict[str, list[FieldNode]]:
        """Field nodes by response key, in the order of the document."""
        found: dict[str, list[FieldNode]] = {}
        visited: set[str] = set()
        for one in sets:
            self._collect(type_, one, found, visited)
        return found

    def _collect(
        self, type_: GraphQLObjectType, within: SelectionSetNode, found: dict[str, list[FieldNode]], visited: set[str]
    ) -> None:
        for node in within.selections:
            if not self._is_wanted(node.directives or ()):
                continue
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                found.setdefault(key, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                if node.type_condition is None or self._applies(node.type_condition.name.value, type_):
                    self._collect(type_, node.selection_set, found, visited)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in visited:
                visited.add(node.name.value)
                fragment = self.fragments[node.name.value]
                if self._applies(fragment.type_condition.name.value, type_):
                    self._collect(type_, fragment.selection_set, found, visited)

    def _applies(self, condition: str, type_: GraphQLObjectType) -> bool:
        if condition == type_.name:
            return True
        named: Any = self.schema.type_map[condition]
        return is_abstract_type(named) and self.schema.is_sub_type(named, type_)

    def _is_wanted(self, directives: Iterable[DirectiveNode]) -> bool:
        """`@skip` wins over `@include`."""
        for node in directives:
            if node.name.value in ("skip", "include"):
                if self._condition(node) is (node.name.value == "skip"):
                    return False
            elif node.name.value in ("defer", "stream"):
                raise Unplannable("incremental")
        return True

    def _condition(self, node: DirectiveNode) -> bool:
        assert node.arguments
        value = node.arguments[0].value
        if isinstance(value, BooleanValueNode):
            return value.value
        assert isinstance(value, VariableNode)
        return self.flags[value.name.value]


def flag_names(operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> tuple[str, ...]:
    """Names of the variables that decide which fields an operation asks for."""
    names: set[str] = set()

    def visit(node: Any) -> None:
        for directive in getattr(node, "directives", None) or ():
            if directive.name.value in ("skip", "include"):
                names.update(one.value.name.value for one in directive.arguments if isinstance(one.value, VariableNode))
        selections: Iterable[Node] = node.selection_set.selections if getattr(node, "selection_set", None) else ()
        for inner in selections:
            visit(inner)

    visit(operation)
    for fragment in fragments.values():
        visit(fragment)
    return tuple(sorted(names))
