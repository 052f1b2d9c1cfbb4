"""What the engine's converters make of arguments is what Strawberry makes of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLList, GraphQLNonNull
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.types.arguments import convert_arguments

from engine.inputs import converters_of
from schema.core.metadata import definition_of
from tests.clients import shared_schema

SCHEMA = shared_schema()
PLAIN = {
    "ID": "x", "String": "text", "Int": 3, "Float": 1.5, "Boolean": True, "DateTime": datetime(2026, 1, 1, tzinfo=UTC),
    "Date": date(2026, 1, 1), "Decimal": Decimal("1.50"), "JSON": {"a": 1},
}  # fmt: skip


def value_of(type_, *, kind, depth=0):
    """A coerced value: with everything given, with nulls, or with what must be there alone."""
    if isinstance(type_, GraphQLNonNull):
        return value_of(type_.of_type, kind=kind, depth=depth)
    if isinstance(type_, GraphQLList):
        return [value_of(type_.of_type, kind=kind, depth=depth)] * 2
    if isinstance(type_, GraphQLEnumType):
        return type_.wrapped_cls(next(iter(type_.values.values())).value)
    if not isinstance(type_, GraphQLInputObjectType):
        return PLAIN[type_.name]
    found = {}
    for name, field in type_.fields.items():
        if isinstance(field.type, GraphQLNonNull) or (kind == "all" and depth < 4):
            found[name] = value_of(field.type, kind=kind, depth=depth + 1)
        elif kind == "nulls":
            found[name] = None
    return found


def fields():
    for root in (SCHEMA.graphql.query_type, SCHEMA.graphql.mutation_type, SCHEMA.graphql.subscription_type):
        for name, field in root.fields.items():
            if field.args:
                yield f"{root.name}.{name}", field


@pytest.mark.parametrize("kind", ["all", "nulls", "least"])
def test_arguments_are_converted_as_strawberry_does(kind):
    scalars = SCHEMA.schema_converter.scalar_registry
    for coordinate, field in fields():
        declared = definition_of(field).arguments
        given = {name: value_of(one.type, kind=kind) for name, one in field.args.items()}
        try:
            right = convert_arguments(given, declared, scalars, SCHEMA.config)
        except StrawberryInputCoercionError as error:
            with pytest.raises(StrawberryInputCoercionError, match="null"):
                converters_of(SCHEMA).arguments(declared)(given)
            assert "null" in str(error), coordinate
            continue

        assert converters_of(SCHEMA).arguments(declared)(given) == right, coordinate


def test_every_field_with_arguments_is_converted():
    assert len(list(fields())) > 60


def test_what_is_left_out_stays_out():
    field = SCHEMA.graphql.query_type.fields["events"]
    declared = definition_of(field).arguments

    assert converters_of(SCHEMA).arguments(declared)({"first": 3}) == {"first": 3}


def test_no_field_has_extensions_that_would_be_passed_over():
    for type_ in (SCHEMA.graphql.query_type, SCHEMA.graphql.mutation_type):
        for name, field in type_.fields.items():
            assert not definition_of(field).extensions, name
