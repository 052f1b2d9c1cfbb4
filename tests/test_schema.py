"""Rules that the whole schema keeps."""

from __future__ import annotations

import re
from typing import Any

from strawberry.types.base import StrawberryList, StrawberryOptional, get_object_definition
from strawberry.types.lazy_type import LazyType

from dataloaders.core.declarations import Many, One, OneOf, Pages, Value
from schema import Schema
from schema.core.connection_types import Connection, Edge
from schema.core.metadata import ACCESS, DECLARED
from schema.core.relations import Derived
from schema.core.roots import Payload
from schema.core.user_errors import UserErrorDetailsObject, UserErrorObject
from tests.clients import shared_schema

SCHEMA = shared_schema()
ROOTS = ("Query", "Mutation", "Subscription")


def unwrap(type_: object) -> tuple[object, bool]:
    """The named type within, and whether a list stands around it."""
    is_list = False
    while isinstance(type_, StrawberryOptional | StrawberryList | LazyType):
        if isinstance(type_, LazyType):
            type_ = type_.resolve_type()
            continue
        is_list = is_list or isinstance(type_, StrawberryList)
        type_ = type_.of_type
    return type_, is_list


def object_fields() -> list[tuple[str, object]]:
    found = []
    for name, concrete in SCHEMA.schema_converter.type_map.items():
        definition = (
            get_object_definition(concrete.definition.origin) if hasattr(concrete.definition, "origin") else None
        )
        definition = getattr(concrete.definition, "fields", None) and concrete.definition
        if definition is None or getattr(definition, "is_input", False):
            continue
        found += [(name, field) for field in definition.fields]
    return found


FIELDS = object_fields()


def is_own_kind(name: str) -> bool:
    """Payloads, pages and edges carry what was given to them: nothing is loaded there."""
    definition = SCHEMA.schema_converter.type_map[name].definition
    origin = definition.origin
    return (
        issubclass(origin, Payload | Connection | Edge)
        or name in ROOTS
        or origin in (UserErrorObject, UserErrorDetailsObject)
    )


def fault_of(name: str, field: Any) -> str:
    """What is wrong with a field that is no root field, or nothing."""
    type_, is_list = unwrap(field.type)
    is_object = get_object_definition(type_) is not None or type(type_).__name__ == "StrawberryUnion"
    declaration = field.metadata.get(DECLARED)
    if is_own_kind(name) or not is_object:
        is_fine = not is_list or is_own_kind(name) or declaration is not None
        return "" if is_fine else "a list that is neither declared nor capped"
    if declaration is None:
        return "an object field that is neither a root field nor declared"
    if is_list:
        is_fine = isinstance(declaration, Many) or declaration == "computed"
    elif isinstance(declaration, Pages):
        is_fine = issubclass(type_, Connection) if isinstance(type_, type) else True
    else:
        is_fine = declaration in ("facet", "computed") or isinstance(declaration, One | OneOf | Value | Derived)
    return "" if is_fine else f"the wrong declaration: {declaration}"


def test_every_relation_is_declared_and_every_list_has_a_limit() -> None:
    fields = [(name, field) for name, field in FIELDS if name not in ROOTS]

    faults = {f"{name}.{field.python_name}": fault_of(name, field) for name, field in fields}

    assert len(faults) > 500
    assert {field: fault for field, fault in faults.items() if fault} == {}


def test_every_root_field_has_a_gate() -> None:
    roots = [field for name, field in FIELDS if name in ROOTS]

    assert len(roots) > 90
    assert [field.python_name for field in roots if ACCESS not in field.metadata] == []


def test_everything_is_described() -> None:
    missing = []
    for name, type_ in SCHEMA.graphql.type_map.items():
        if name.startswith("__") or name in ("Boolean", "String", "Int", "Float", "ID"):
            continue
        if not type_.description and not name.endswith(("Connection", "Edge")):
            missing.append(name)
        for field_name, field in getattr(type_, "fields", {}).items():
            if not field.description:
                missing.append(f"{name}.{field_name}")
        missing += [f"{name}.{value}" for value, one in getattr(type_, "values", {}).items() if not one.description]

    assert missing == []


def test_texts_name_permissions_as_the_enum_does() -> None:
    """A client looks for them in `viewer.permissions`."""
    named = set(re.findall(r"permission `([^`]+)`", SCHEMA.as_str()))

    assert named
    assert named <= set(SCHEMA.graphql.type_map["Permission"].values)


def test_mutations_take_one_input_and_answer_with_a_payload() -> None:
    for field in SCHEMA.graphql.mutation_type.fields.values():
        assert list(field.args) == ["input"]
        assert "errors" in field.type.fields
        assert "idempotencyKey" in field.args["input"].type.of_type.fields


def test_no_credential_is_in_the_schema(schema: Schema) -> None:
    printed = schema.as_str()

    for secret in ("passwordHash", "tokenHash", "codeVerifier", "sealed"):
        assert secret not in printed
