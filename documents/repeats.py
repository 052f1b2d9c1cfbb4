"""Repeats of a field in a document.

Fields of one name in the answer are merged, and validation compares each of them with each other: a few hundred repeats
take it a second. Most are repeats to the letter, which need no comparing; this finds out in one walk.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
)

from documents.selections import Fragments, fields, fragments_of, response_key

UNKNOWN = object()
"""A type that the schema does not have. What is on it is counted like the rest."""


class Repeats(NamedTuple):
    """`pairs` is how many would be compared. `are_alike`: what is merged is the same field of the same type with the
    same arguments, so there is no conflict."""

    pairs: int
    are_alike: bool


class _TooMany(Exception):
    pass


class _Walk:
    def __init__(self, schema: GraphQLSchema, fragments: Fragments, most: int) -> None:
        self._schema = schema
        self._fragments = fragments
        self._left = most
        self.pairs = 0
        self.are_alike = True

    def look(self, sets: Iterable[tuple[Any, SelectionSetNode]]) -> None:
        """At what is merged into one selection set. Beside each is the type on which it stands; null where there is
        none of that name."""
        groups: dict[str, list[tuple[Any, FieldNode]]] = {}
        for type_, node in fields(sets, self._fragments, within=self._within):
            self._left -= 1
            if self._left < 0:
                raise _TooMany
            groups.setdefault(response_key(node), []).append((type_, node))
        for found in groups.values():
            if (count := len(found)) > 1:
                self.pairs += count * (count - 1) // 2
                self.are_alike = self.are_alike and self._alike(found)
            inner = [(self._type(type_, node), node.selection_set) for type_, node in found if node.selection_set]
            if inner:
                self.look((named and get_named_type(named), selections) for named, selections in inner)

    def _within(self, _around: Any, condition: str) -> Any:
        return self._schema.get_type(condition) or UNKNOWN

    def _type(self, parent: Any, node: FieldNode) -> Any:
        field = getattr(parent, "fields", {}).get(node.name.value)
        return field.type if field is not None else None

    def _alike(self, found: list[tuple[Any, FieldNode]]) -> bool:
        parent, first = found[0]
        type_, arguments = str(self._type(parent, first)), _written(first)
        return all(
            node.name.value == first.name.value
            and (on is parent or str(self._type(on, node)) == type_)
            and _written(node) == arguments
            for on, node in found[1:]
        )


def _written(node: FieldNode) -> list[str]:
    """Return a field's arguments as they stand in the text."""
    return [one.loc.source.body[one.loc.start : one.loc.end] for one in node.arguments or () if one.loc is not None]


def repeats(schema: GraphQLSchema, document: DocumentNode, *, most: int) -> Repeats | None:
    """Find repeats in all operations and fragments. Null if more than `most` fields, fragments written out."""
    walk = _Walk(schema, fragments_of(document), most)
    try:
        for definition in document.definitions:
            if isinstance(definition, OperationDefinitionNode):
                walk.look([(schema.get_root_type(definition.operation), definition.selection_set)])
            elif isinstance(definition, FragmentDefinitionNode):
                on = schema.get_type(definition.type_condition.name.value)
                walk.look([(on, definition.selection_set)])
    except (_TooMany, RecursionError):
        return None
    return Repeats(walk.pairs, walk.are_alike)
