"""Whether what a selection answers depends on who asks. Decided from the declarations of its fields alone.

A declared relation depends on its viewer if its statement does: it is built for viewers who differ in nothing but
their id, and in nothing but their role, and what comes out is compared. Code that is given `info`, and every gate in
front of a field, may look at the viewer, so it counts as if it did.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from enum import IntEnum
from functools import cache
from typing import Any
from uuid import UUID

from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_object_type,
)
from sqlalchemy.dialects import postgresql
from strawberry.types.field import StrawberryField

from auth.viewer import GUEST, Viewer
from dataloaders.core.declarations import Many, One, OneOf, Pages, Value
from documents.documents import Prepared
from documents.selections import Fragments, fields
from models import Role, User, utcnow
from schema.core.metadata import DECLARED, RESTRICTED, definition_of

FACET = "facet"


class Dependence(IntEnum):
    """On what of the viewer an answer depends. The larger one of two holds for both."""

    NOTHING = 0
    ROLE = 1
    VIEWER = 2


def dependence_of(schema: GraphQLSchema, prepared: Prepared, operation: OperationDefinitionNode) -> Dependence:
    """Return the dependence of everything below the root field of a subscription. The document is valid."""
    assert prepared.document is not None
    fragments = prepared.fragments
    root = schema.subscription_type
    assert root is not None
    found = Dependence.NOTHING
    for _, node in fields([(root, operation.selection_set)], fragments):
        field = root.fields.get(node.name.value)
        if field is not None and node.selection_set is not None:
            found = max(found, _of(schema, fragments, node.selection_set, get_named_type(field.type)))
    return found


def _of(
    schema: GraphQLSchema,
    fragments: Fragments,
    selections: SelectionSetNode,
    parent: GraphQLNamedType,
) -> Dependence:
    found = Dependence.NOTHING
    for holder, node in fields([(parent, selections)], fragments, within=lambda _, name: schema.type_map[name]):
        for field in _definitions(schema, holder, node.name.value):
            found = max(found, _of_field(field))
            if node.selection_set is not None:
                found = max(found, _of(schema, fragments, node.selection_set, get_named_type(field.type)))
            if found is Dependence.VIEWER:
                return found
    return found


def _definitions(schema: GraphQLSchema, holder: Any, name: str) -> Iterable[GraphQLField]:
    """Return the field as each type has it that may stand there. None for `__typename`."""
    types = [holder] if is_object_type(holder) else []
    if is_abstract_type(holder):
        types = list(schema.get_possible_types(holder))
    return [one.fields[name] for one in types if isinstance(one, GraphQLObjectType) and name in one.fields]


def _of_field(field: GraphQLField) -> Dependence:
    definition: StrawberryField = definition_of(field)
    declaration = definition.metadata.get(DECLARED)
    if definition.metadata.get(RESTRICTED) is not None:
        return Dependence.VIEWER
    if isinstance(declaration, OneOf):
        return max(map(_of_declaration, declaration.kinds.values()))
    if isinstance(declaration, Pages) and declaration.filter is not None:
        return Dependence.VIEWER  # a filter is given the viewer, too, and what it does is up to its argument
    if isinstance(declaration, One | Many | Pages | Value):
        return _of_declaration(declaration)
    resolver = definition.base_resolver
    if declaration == FACET or resolver is None or resolver.info_parameter is None:
        return Dependence.NOTHING
    return Dependence.VIEWER


@cache
def _of_declaration(declaration: One | Many | Pages | Value) -> Dependence:
    """Say what a declaration depends on. Kept, as declarations are made once, with their module."""
    shapes = set()
    for first, second in _probes():
        shape = _shape(declaration, first)
        if shape != _shape(declaration, second):
            return Dependence.VIEWER
        shapes.add(shape)
    return Dependence.NOTHING if len(shapes) == 1 else Dependence.ROLE


@cache
def _probes() -> tuple[tuple[Viewer, Viewer], ...]:
    """Two viewers of each role with nothing else in common; of guests there is only one."""

    def probe(role: Role, number: int) -> Viewer:
        user = User(id=UUID(int=number), handle=f"probe-{number}", role=role, locale=f"x{number}", privacy={})
        return Viewer(user, UUID(int=number + 2), utcnow() + timedelta(days=number))

    return tuple((probe(role, 1), probe(role, 2)) if role is not Role.GUEST else (GUEST, GUEST) for role in Role)


def _shape(declaration: One | Many | Pages | Value, viewer: Viewer) -> str:
    """Return the statement with all of its values."""
    compiled = declaration.select(viewer).compile(dialect=postgresql.dialect())  # type: ignore[no-untyped-call]  # SQLAlchemy types it half
    return f"{compiled} {sorted(compiled.params.items(), key=lambda pair: pair[0])!r}"
