"""What the engine makes of variables is what graphql-core makes of them."""

from __future__ import annotations

import pytest
from graphql import parse
from graphql.execution.values import VariableValues, get_variable_values

from engine.variables import Coercion
from tests.clients import shared_schema

SCHEMA = shared_schema().graphql
MISSING = object()
VALUES = [MISSING, None, "a", "", "привет", 1, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 1.0, 1.5, True, [], ["a"], {}]


def operation_of(definitions):
    return parse(f"query ({definitions}) {{ __typename }}").definitions[0]


@pytest.mark.parametrize("required", ["", "!"])
@pytest.mark.parametrize("name", ["ID", "String", "Int", "Boolean", "Float", "EventStatus", "[ID!]"])
def test_values_are_coerced_as_the_reference_does(name, required):
    operation = operation_of(f"$given: {name}{required}, $other: String")
    for inputs in ({} if value is MISSING else {"given": value} for value in VALUES):
        found = Coercion(SCHEMA, operation, {}).values(inputs)
        right = get_variable_values(SCHEMA, operation.variable_definitions, inputs)

        if isinstance(right, VariableValues):
            assert isinstance(found, VariableValues), inputs
            assert repr(found.coerced) == repr(right.coerced), inputs
            assert repr(found.sources) == repr(right.sources), inputs
        else:
            # In other words: ours are in the reader's language.
            assert [error.original_error.path[0] for error in found] == ["given"] * len(right), inputs


@pytest.mark.parametrize("value", ["a\0b", "\ud800"])
def test_a_text_that_cannot_be_kept_is_refused(value):
    found = Coercion(SCHEMA, operation_of("$given: ID!"), {}).values({"given": value})

    assert isinstance(found, list)
    assert [error.original_error.path for error in found] == [("given",)]
