"""Converting arguments to what Python functions take: a function for each type, made once.

Strawberry's own conversion works out names and types of each field again for each value. Whatever is not handled here
is left to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from typing import Any
from weakref import WeakKeyDictionary

from strawberry import UNSET, Some
from strawberry.scalars import is_scalar
from strawberry.types.arguments import StrawberryArgument, convert_argument
from strawberry.types.base import StrawberryList, StrawberryMaybe, StrawberryOptional, has_object_definition
from strawberry.types.enum import StrawberryEnumDefinition, has_enum_definition
from strawberry.types.lazy_type import LazyType

from schema import Schema

Convert = Callable[[Any], Any]
MADE: WeakKeyDictionary[Schema, Converters] = WeakKeyDictionary()


def converters_of(schema: Schema) -> Converters:
    if schema not in MADE:
        MADE[schema] = Converters(schema)
    return MADE[schema]


class Converters:
    """The converters of one schema. Values are coerced already (October 2021, section 6.4.1)."""

    def __init__(self, schema: Schema) -> None:
        self._config = schema.config
        self._scalars = schema.schema_converter.scalar_registry
        self._inputs: dict[Any, Convert] = {}

    def arguments(self, arguments: list[StrawberryArgument]) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        """From values by their GraphQL names to those by their Python names. What is left out stays out."""
        made = [
            (self._config.name_converter.from_argument(one), str(one.python_name), self._of(one.type))
            for one in arguments
        ]

        def convert(values: Mapping[str, Any]) -> dict[str, Any]:
            return {python: to(values[name]) for name, python, to in made if name in values}

        return convert

    def _of(self, type_: Any) -> Convert:
        if isinstance(type_, StrawberryMaybe):
            return self._maybe(type_)
        if isinstance(type_, StrawberryOptional):
            return self._of(type_.of_type)
        if isinstance(type_, StrawberryList):
            return self._list(type_)
        if isinstance(type_, LazyType):
            return self._of(type_.resolve_type())
        if self._is_leaf(type_):
            return _same
        if has_object_definition(type_):
            definition = type_.__strawberry_definition__
            if definition.is_input and definition.from_input is None:
                return self._input(type_)
        return self._by_strawberry(type_)

    def _is_leaf(self, type_: Any) -> bool:
        if isinstance(type_, LazyType):
            type_ = type_.resolve_type()
        return (
            is_scalar(type_, self._scalars) or isinstance(type_, StrawberryEnumDefinition) or has_enum_definition(type_)
        )

    def _maybe(self, type_: StrawberryMaybe) -> Convert:
        inner, refuse = self._of(type_.of_type), self._by_strawberry(type_)
        takes_null = isinstance(type_.of_type, StrawberryOptional)
        return lambda value: Some(inner(value)) if takes_null or value is not None else refuse(value)

    def _list(self, type_: StrawberryList) -> Convert:
        inner = self._of(type_.of_type)

        def convert(value: Any) -> Any:
            return value if value is None or value is UNSET else [inner(one) for one in value]

        return convert

    def _input(self, type_: Any) -> Convert:
        """By way of a dictionary, because an input may hold inputs of its own type."""
        if type_ not in self._inputs:
            self._inputs[type_] = lambda value: convert(value)
            convert = self._object(type_)
            self._inputs[type_] = convert
        return self._inputs[type_]

    def _object(self, type_: Any) -> Convert:
        definition = type_.__strawberry_definition__
        given = [
            (
                self._config.name_converter.from_field(one),
                one.python_name,
                self._of(one.resolve_type(type_definition=definition)),
            )
            for one in definition.fields
        ]
        absent = {
            one.python_name: None
            for one in definition.fields
            if one.default_value is MISSING and one.default_factory is MISSING
        }

        def convert(value: Any) -> Any:
            if value is None or value is UNSET:
                return value
            return type_(**absent | {python: to(value[name]) for name, python, to in given if name in value})

        return convert

    def _by_strawberry(self, type_: Any) -> Convert:
        return lambda value: convert_argument(value, type_, self._scalars, self._config)


def _same(value: Any) -> Any:
    return value
