"""The source of a field, by what it declares of itself (`schema/core/relations.py`, `schema/core/roots.py`)."""

from __future__ import annotations

from typing import Any

from graphql import GraphQLField, GraphQLObjectType, get_named_type

from dataloaders.core.declarations import Many, One, OneOf, Pages, Value
from engine.fetches import Aggregated, Connected, DerivedFrom, LookedUp, Related, RelatedOneOf, Resolved, RootConnection
from engine.sources import (
    NOTHING,
    Attribute,
    Computed,
    Facet,
    GlobalId,
    PageRows,
    PassedRows,
    RestrictedAttribute,
    Source,
    TotalCount,
)
from schema.core.connection_types import Connection, Edge
from schema.core.metadata import (
    ACCESS,
    DECLARED,
    HIDDEN,
    KEY,
    KIND,
    LISTING,
    LOOKUP,
    PAGING,
    RESTRICTED,
    ROW,
    definition_of,
)
from schema.core.relations import Derived, Need


def is_page_part(type_: GraphQLObjectType) -> bool:
    return _origin(type_) in (Connection, Edge)


def _origin(type_: GraphQLObjectType) -> Any:
    """Return the class behind a type; for a generic one the class before its parameters."""
    definition: Any = definition_of(type_)
    return (
        None if definition is None else definition.concrete_of.origin if definition.concrete_of else definition.origin
    )


def source_of(type_: GraphQLObjectType, definition: GraphQLField) -> Source:
    """Return the source of a field by what it declares of itself."""
    field: Any = definition_of(definition)
    declared = field.metadata.get(DECLARED)
    key = field.metadata.get(KEY, "id")
    gate = field.metadata.get(RESTRICTED)
    if field.is_subscription:
        # Its resolver chooses the stream. What is answered to an entry of that is the entry.
        return Facet()
    if field.base_resolver is None:
        return _plain(type_, field.python_name)
    if LISTING in field.metadata:
        return RootConnection(field.metadata[ACCESS], field.metadata[LISTING], field.metadata[ROW])
    if LOOKUP in field.metadata:
        return LookedUp(field.metadata[ACCESS], field.metadata[LOOKUP], get_named_type(definition.type).name)
    if declared == "facet":
        return Facet()
    if declared == "computed":
        return RestrictedAttribute(key, gate) if gate is not None else _computed(type_, field)
    if isinstance(declared, Derived):
        return DerivedFrom(declared)
    if isinstance(declared, OneOf):
        return RelatedOneOf(declared, kind=field.metadata[KIND], key=key)
    need = Need(declared, key=key, visible=gate, hidden=field.metadata.get(HIDDEN))
    if isinstance(declared, Pages):
        return Connected(declared, need, field.metadata[PAGING])
    if isinstance(declared, Value):
        return Aggregated(declared, need)
    if isinstance(declared, One | Many):
        return Related(declared, need)
    return Resolved()


def _plain(type_: GraphQLObjectType, name: str) -> Source:
    if _origin(type_) is Edge:
        return PassedRows(name) if name == "node" else Attribute(name, reads=NOTHING)
    return Attribute(name)


def _computed(type_: GraphQLObjectType, field: Any) -> Source:
    resolver = field.base_resolver
    function, takes_info = resolver.wrapped_func, resolver.info_parameter is not None
    if resolver.arguments:
        return Resolved()
    if field.python_name == "id" and hasattr(_origin(type_), "row_class"):
        return GlobalId(type_)
    if _origin(type_) is Connection:
        if resolver.is_async:
            return TotalCount(function, takes_info=takes_info)
        source = PageRows if field.python_name in ("nodes", "edges") else Computed
        made = source(function, takes_info=takes_info)
        made.reads = NOTHING
        return made
    return Computed(function, takes_info=takes_info)
