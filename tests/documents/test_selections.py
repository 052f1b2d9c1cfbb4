"""Selection sets with their fragments written out, in the order of the document."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import DocumentNode, OperationDefinitionNode, build_schema, parse

from documents.selections import Collector, fields, flag_names, fragments_of, response_key

SCHEMA = build_schema("""
    interface Named { name: String }
    type Person implements Named { name: String age: Int }
    type Club implements Named { name: String }
    union Member = Person | Club
    type Query { person: Person }
""")


def operation_of(document: DocumentNode) -> OperationDefinitionNode:
    [found] = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    return found


def walked(text: str) -> list[tuple[str, str]]:
    document = parse(text)
    sets = [("Query", operation_of(document).selection_set)]
    return [
        (type_, response_key(node))
        for type_, node in fields(sets, fragments_of(document), within=lambda _, condition: condition)
    ]


def test_fields_come_in_the_order_of_the_document_with_the_type_they_stand_on():
    text = "{ a ...F ... { b } ... on X { c: d ...G } e } fragment F on Y { f ... @skip(if: true) { g } h }"

    found = walked(text + " fragment G on Z { i }")

    assert found == [
        ("Query", "a"), ("Y", "f"), ("Y", "g"), ("Y", "h"), ("Query", "b"), ("X", "c"), ("Z", "i"), ("Query", "e"),
    ]  # fmt: skip


def test_a_fragment_is_entered_once_and_an_unknown_one_never():
    text = "{ ...F ...F ... on X { ...F } ...Unknown z } fragment F on Y { a ...G } fragment G on Y { b ...F }"

    assert walked(text) == [("Y", "a"), ("Y", "b"), ("Query", "z")]


def test_fragments_within_each_other_take_no_stack():
    chain = " ".join(f"fragment F{at} on X {{ ...F{at + 1} }}" for at in range(5_000))

    assert walked(f"{{ ...F0 }} {chain} fragment F5000 on X {{ a }}") == [("X", "a")]


@pytest.mark.parametrize(
    ("selections", "keys"),
    [
        ("name age", ["name", "age"]),
        ("... on Named { name } ... on Member { age } ... on Club { c: name }", ["name", "age"]),
        ("name @skip(if: true) age @include(if: true)", ["age"]),
        ("name @skip(if: $yes) age @include(if: $no) a: age @skip(if: $no) b: age @include(if: $yes)", ["a", "b"]),
        ("name @skip(if: $yes) @include(if: $yes) age @skip(if: $no) @include(if: $no)", []),
        ("... @skip(if: $yes) { name } ...F @include(if: $no) ...F", ["age"]),
        ("name @skip(if: $unknown) age @include(if: $unknown)", ["name", "age"]),
    ],
)
def test_fields_are_collected_for_an_object(selections: str, keys: list[str]) -> None:
    document = parse(f"query {{ person {{ {selections} }} }} fragment F on Person {{ age }}")
    person: Any = operation_of(document).selection_set.selections[0]
    type_: Any = SCHEMA.type_map["Person"]

    found = Collector(SCHEMA, fragments_of(document), {"yes": True, "no": False}).fields(type_, [person.selection_set])

    assert list(found) == keys


def test_variables_that_decide_are_found_everywhere():
    document = parse("""
        query ($a: Boolean!, $b: Boolean!, $c: Boolean!, $d: Boolean!, $e: Int) {
            person @skip(if: $a) { ... @include(if: $b) { x(e: $e) { y @skip(if: $c) } } }
        }
        fragment F on Person { ...F @include(if: $d) }
    """)

    assert flag_names(operation_of(document), fragments_of(document)) == ("a", "b", "c", "d")


def test_the_schema_has_no_directive_that_plans_do_not_know(schema):
    """`@defer` and `@stream` would need answers in parts."""
    assert {one.name for one in schema.graphql.directives} <= {
        "skip", "include", "deprecated", "specifiedBy", "oneOf",
    }  # fmt: skip
