"""Find changes of schema.graphql that break clients of the last release: `python -m tests.tools.schema_changes`.

The schema of the last release is `schema.released.graphql`, without descriptions. Only a release writes it
(`--release`), so the check needs neither the history of the repository nor a network.

A breaking change is accepted if what it changes was deprecated in that release, or if the section "Unreleased" of
CHANGELOG.md names it by its schema coordinate in backquotes, such as `Event.title` or `Query.events(filter:)`.
Dangerous changes, such as a new value of an enum, are reported and accepted.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from graphql import (
    GraphQLNamedType,
    GraphQLSchema,
    Visitor,
    build_schema,
    get_named_type,
    is_abstract_type,
    parse,
    print_ast,
    visit,
)
from graphql.utilities import BreakingChange, BreakingChangeType, find_breaking_changes, find_dangerous_changes

ROOT = Path(__file__).parent.parent.parent
SCHEMA = ROOT / "schema.graphql"
RELEASED = ROOT / "schema.released.graphql"
CHANGELOG = ROOT / "CHANGELOG.md"

MEMBER = re.compile(r"@\w+(?:\(\w+:\))?|\w+\.\w+(?:\(\w+:\))?")
"""A schema coordinate of something inside a type, or of a directive, in the words of graphql-core."""
TYPE = {
    BreakingChangeType.TYPE_REMOVED: re.compile(r"(?:Standard scalar )?(\w+) was removed"),
    BreakingChangeType.TYPE_CHANGED_KIND: re.compile(r"(\w+) changed from"),
    BreakingChangeType.TYPE_REMOVED_FROM_UNION: re.compile(r"union type (\w+)\."),
    BreakingChangeType.IMPLEMENTED_INTERFACE_REMOVED: re.compile(r"(\w+) no longer implements"),
}
"""Where these descriptions name the type that changed."""


@dataclass(frozen=True)
class Report:
    refused: list[tuple[str, str]]
    """Schema coordinate and description of each breaking change that nobody was told of."""
    deprecated: list[str]
    listed: list[str]
    dangerous: list[str]


def compare(old: GraphQLSchema, new: GraphQLSchema, changelog: str) -> Report:
    """Sort the changes between two schemas. `changelog` is the text of CHANGELOG.md."""
    named = set(re.findall(r"`([^`\n]+)`", unreleased(changelog)))
    used = {type_.name for type_ in types_in_use(old)}
    report = Report([], [], [], [change.description for change in find_dangerous_changes(old, new)])
    for change in find_breaking_changes(old, new):
        coordinate = coordinate_of(change)
        if coordinate in named:
            report.listed.append(change.description)
        elif is_deprecated(old, coordinate, used):
            report.deprecated.append(change.description)
        else:
            report.refused.append((coordinate, change.description))
    return report


def unreleased(changelog: str) -> str:
    """Return the section "Unreleased" of a changelog."""
    found = re.search(r"^## Unreleased\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def coordinate_of(change: BreakingChange) -> str:
    """Return the schema coordinate of what changed."""
    pattern = TYPE.get(change.type, MEMBER)
    found = pattern.search(change.description)
    if found is None:
        raise ValueError(f"graphql-core describes this change in new words: {change.description}")
    return found[found.lastindex or 0]


def is_deprecated(schema: GraphQLSchema, coordinate: str, used: set[str]) -> bool:
    """Whether a schema says that something will go: the thing itself, the field that takes it as an argument, or
    everything that leads to its type."""
    type_name, _, member = re.sub(r"\(.*", "", coordinate).partition(".")
    if type_name.startswith("@"):
        return False
    if type_name not in used:
        return True
    field = _members(schema.type_map[type_name]).get(member)
    argument = re.search(r"\((\w+):", coordinate)
    found = [field, getattr(field, "args", {}).get(argument[1]) if argument else None]
    return any(one is not None and one.deprecation_reason is not None for one in found)


def types_in_use(schema: GraphQLSchema) -> set[GraphQLNamedType]:
    """Return the types that can be reached without anything deprecated."""
    found: set[GraphQLNamedType] = set()
    waiting = [type_ for type_ in (schema.query_type, schema.mutation_type, schema.subscription_type) if type_]
    while waiting:
        type_: Any = waiting.pop()
        if type_ not in found:
            found.add(type_)
            waiting += _types_led_to(schema, type_)
    return found


def _types_led_to(schema: GraphQLSchema, type_: Any) -> Iterator[Any]:
    yield from getattr(type_, "interfaces", ())
    if is_abstract_type(type_):
        yield from schema.get_possible_types(type_)
    for member in _members(type_).values():
        if member.deprecation_reason is None and hasattr(member, "type"):
            yield get_named_type(member.type)
            arguments = getattr(member, "args", {}).values()
            yield from (get_named_type(one.type) for one in arguments if one.deprecation_reason is None)


def _members(type_: Any) -> dict[str, Any]:
    """Fields, input fields or values."""
    return getattr(type_, "fields", None) or getattr(type_, "values", None) or {}


class _WithoutDescriptions(Visitor):
    def enter(self, node: Any, *_: Any) -> Any:
        return replace(node, description=None) if getattr(node, "description", None) else None


def released(schema: str) -> str:
    """Return the text of `schema.released.graphql` for a schema."""
    return print_ast(visit(parse(schema), _WithoutDescriptions())) + "\n"


def main(arguments: list[str]) -> int:
    if "--release" in arguments:
        RELEASED.write_text(released(SCHEMA.read_text()))
        return 0
    old, new = (build_schema(path.read_text()) for path in (RELEASED, SCHEMA))
    report = compare(old, new, CHANGELOG.read_text())
    for title, descriptions in (
        ("dangerous", report.dangerous),
        ("breaking, deprecated in the last release", report.deprecated),
        ("breaking, listed in CHANGELOG.md", report.listed),
    ):
        for description in descriptions:
            print(f"{title}: {description}")
    for coordinate, description in report.refused:
        print(
            f"BREAKING: {description} It was not deprecated in the last release ({RELEASED.name}), "
            f"and CHANGELOG.md (Unreleased) does not name `{coordinate}`."
        )
    return 1 if report.refused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
