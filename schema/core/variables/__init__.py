"""What is wrong with the variables of an operation, all at once and in the reader's language.

Usually that is an error of the request: nothing is executed. But a variable that is the whole `input` of a mutation is
what a person has filled in, so the mutation answers its payload with what is wrong (`docs/adr/0028-refused-inputs.md`).
Such a variable is replaced by one that fits and carries the refusal to the mutation, so whoever executes the operation
needs to know nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    VariableDefinitionNode,
    VariableNode,
    get_named_type,
    is_required_input_field,
    type_from_ast,
)
from graphql.execution.values import VariableValues, get_variable_values

from documents.limits import LIMIT, MAX_ITEMS
from documents.selections import Fragments, fields
from errors import Required, UserError
from schema.core.variables.values import LIMITED, excesses, read_value
from translations import Reader

MOST = 50
"""Problems that are told of one request."""

KEY = "idempotencyKey"


FITTING: dict[str, Any] = {
    "ID": "", "String": "", "Int": 0, "Float": 0.0, "Boolean": False, "DateTime": "2000-01-01T00:00:00+00:00",
    "Date": "2000-01-01", "Decimal": "0",
}  # fmt: skip
"""A value of each scalar, for an input that nobody reads."""


class InvalidInput(str):
    """Stands as idempotency key in the place of an input that does not fit, and says why not."""

    problems: tuple[UserError, ...] = ()

    def __repr__(self) -> str:
        # Values of variables are told apart by it.
        return f"<refusal {id(self)}>"


def coerce(
    schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Fragments, inputs: dict[str, Any]
) -> VariableValues | list[GraphQLError]:
    """Return the values of the variables (October 2021, section 6.1.2), or what is wrong with them."""
    definitions = operation.variable_definitions or ()
    if not check_variables(schema, operation, inputs):
        found = get_variable_values(schema, definitions, inputs, max_errors=MOST)
        if not isinstance(found, list):
            return found
    settled = settle(schema, operation, fragments, inputs)
    return settled if isinstance(settled, list) else get_variable_values(schema, definitions, settled, max_errors=MOST)


def settle(
    schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Fragments, inputs: dict[str, Any]
) -> dict[str, Any] | list[GraphQLError]:
    """Return the inputs, with refusals in the place of those which a mutation answers for itself; or what is wrong
    with them, as errors of the request. What graphql-core alone finds fault with stays as it is.
    """
    answered = _whole_inputs(operation, fragments)
    settled: dict[str, Any] = dict(inputs)
    found: list[tuple[UserError, VariableDefinitionNode]] = []
    is_refused = False
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        type_: Any = type_from_ast(schema, definition.type)
        if name not in inputs and definition.default_value:
            continue
        if _fits(schema, definition, inputs):
            # Whoever reads it looks at it.
            continue
        is_whole = name in answered and _takes_key(type_)
        value = inputs.get(name)
        limits: list[UserError] = [one for one in excesses(value, type_, MAX_ITEMS) if isinstance(one, LIMITED)]
        rest = (one for one in _problems_of(value, type_, is_whole=is_whole) if not isinstance(one, LIMITED))
        problems = [*limits[:MOST], *islice(rest, max(0, MOST - len(limits)))]
        if not problems:
            continue
        if is_whole and not limits:
            settled[name] = _fitting(type_) | {KEY: _refusal(problems)}
        else:
            is_refused = True
        found += [(one, definition) for one in problems]
    return [_of_request(*one) for one in found[:MOST]] if is_refused else settled


def _fits(schema: GraphQLSchema, definition: VariableDefinitionNode, inputs: dict[str, Any]) -> bool:
    """Whether a variable fits its type, however wrong it may be otherwise."""
    name = definition.variable.name.value
    if next(excesses(inputs.get(name), type_from_ast(schema, definition.type), MAX_ITEMS), None) is not None:
        return False
    return not isinstance(get_variable_values(schema, [definition], inputs, max_errors=1), list)


def check_variables(
    schema: GraphQLSchema, operation: OperationDefinitionNode, inputs: Mapping[str, Any]
) -> list[GraphQLError]:
    """Return what is wrong with the variables beyond their types, which graphql-core checks."""
    errors: list[GraphQLError] = []
    for definition in operation.variable_definitions or ():
        value = inputs.get(definition.variable.name.value)
        if value is not None:
            found = excesses(value, type_from_ast(schema, definition.type), MAX_ITEMS)
            errors += [_of_request(one, definition) for one in islice(found, MOST - len(errors))]
    return errors


def _whole_inputs(operation: OperationDefinitionNode, fragments: Fragments) -> frozenset[str]:
    """Names of the variables that are the argument `input` of a mutation, with nothing around them."""
    if operation.operation is not OperationType.MUTATION:
        return frozenset()
    found = set[str]()
    for _type, node in fields([(None, operation.selection_set)], fragments):
        given = [one.value for one in node.arguments or () if one.name.value == "input"]
        found |= {one.name.value for one in given if isinstance(one, VariableNode)}
    return frozenset(found)


def _takes_key(type_: Any) -> bool:
    named = get_named_type(type_)
    return isinstance(named, GraphQLInputObjectType) and KEY in named.fields


def _problems_of(value: Any, type_: Any, *, is_whole: bool) -> Iterator[UserError]:
    """Yield the problems of one variable. If a whole input is missing, each of its required fields is."""
    if value is not None or not is_whole:
        yield from read_value(value, type_)
        return
    missing = [one for one in read_value({}, type_) if isinstance(one, Required)]
    yield from missing or [Required()]


def _of_request(problem: UserError, definition: VariableDefinitionNode) -> GraphQLError:
    problem.path = (definition.variable.name.value, *problem.path)
    message = Reader().say(problem.message, problem.params)
    extensions = LIMIT if isinstance(problem, LIMITED) else None
    return GraphQLError(message, definition, original_error=problem, extensions=extensions)


def _refusal(problems: Sequence[UserError]) -> InvalidInput:
    made = InvalidInput("refused")
    made.problems = tuple(problems)
    return made


def _fitting(type_: Any) -> Any:
    """Return the least that fits a type."""
    if isinstance(type_, GraphQLNonNull):
        return _fitting(type_.of_type)
    if isinstance(type_, GraphQLList):
        return []
    if isinstance(type_, GraphQLInputObjectType):
        return {name: _fitting(one.type) for name, one in type_.fields.items() if is_required_input_field(one)}
    return next(iter(type_.values)) if isinstance(type_, GraphQLEnumType) else FITTING[type_.name]
