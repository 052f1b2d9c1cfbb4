"""The check that keeps clients of the last release working (`tests/tools/schema_changes.py`)."""

from __future__ import annotations

import pytest
from graphql import build_schema
from graphql.utilities import BreakingChangeType

from tests.tools import schema_changes
from tests.tools.schema_changes import (
    CHANGELOG,
    RELEASED,
    SCHEMA,
    Report,
    compare,
    coordinate_of,
    find_breaking_changes,
    released,
)

OLD = """
directive @tag(name: String, size: Int) repeatable on FIELD | QUERY
directive @gone on FIELD
interface Named { name: String }
type Cat implements Named { name: String, age(unit: Unit, old: Int): Int, lives: Int @deprecated(reason: "Nine.") }
type Dog { bark: String }
type Toy { id: Int }
union Pet = Cat | Dog
enum Unit { DAY, YEAR, ERA @deprecated(reason: "Too long.") }
input PetFilter { name: String, kind: String @deprecated(reason: "Unused.") }
type Query {
  cat: Cat
  pet(filter: PetFilter): Pet
  toy: Toy @deprecated(reason: "Nobody plays.")
}
"""


def changed(*replacements: tuple[str, str], changelog: str = "") -> Report:
    new = OLD
    for old, other in replacements:
        assert new.count(old) == 1
        new = new.replace(old, other)
    return compare(build_schema(OLD), build_schema(new), f"# Changelog\n\n## Unreleased\n{changelog}\n")


def test_a_removed_field_is_refused() -> None:
    report = changed(("type Dog { bark: String }", "type Dog { id: ID }"))

    assert report.refused == [("Dog.bark", "Field Dog.bark was removed.")]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (', lives: Int @deprecated(reason: "Nine.")', ""),
        ('lives: Int @deprecated(reason: "Nine.")', "lives: String"),
        (', ERA @deprecated(reason: "Too long.")', ""),
        (', kind: String @deprecated(reason: "Unused.")', ""),
    ],
)
def test_what_was_deprecated_may_change_and_go(old: str, new: str) -> None:
    report = changed((old, new))

    assert report.refused == []
    assert len(report.deprecated) == 1


def test_a_type_goes_with_the_deprecated_fields_that_lead_to_it() -> None:
    report = changed(("type Toy { id: Int }\n", ""), ('  toy: Toy @deprecated(reason: "Nobody plays.")\n', ""))

    assert report.refused == []
    assert "Toy was removed." in report.deprecated


def test_a_deprecation_comes_before_the_removal() -> None:
    """Not in the same release: clients have to be told first."""
    report = changed(("bark: String", 'bark: Int @deprecated(reason: "Listen.")'))

    assert [coordinate for coordinate, _ in report.refused] == ["Dog.bark"]


def test_what_the_changelog_names_passes() -> None:
    report = changed(("{ bark: String }", "{ id: ID }"), changelog="- `Dog.bark` is gone; listen instead.")

    assert report.refused == []
    assert report.listed == ["Field Dog.bark was removed."]


@pytest.mark.parametrize("changelog", ["- Dog.bark is gone", "- `Dog.barks` is gone", "## 1.0\n- `Dog.bark` is gone"])
def test_neither_other_words_nor_older_releases_count(changelog: str) -> None:
    report = changed(("{ bark: String }", "{ id: ID }"), changelog=changelog)

    assert [coordinate for coordinate, _ in report.refused] == ["Dog.bark"]


def test_dangerous_changes_are_named_and_pass() -> None:
    report = changed(("DAY, YEAR,", "DAY, YEAR, MONTH,"), ("pet(filter: PetFilter)", "pet(filter: PetFilter, id: ID)"))

    assert report.refused == []
    assert sorted(report.dangerous) == [
        "An optional argument Query.pet(id:) was added.",
        "Enum value Unit.MONTH was added.",
    ]


def test_additions_are_no_news() -> None:
    report = changed(("type Dog { bark: String }", "type Dog { bark: String, tail: String }"))

    assert report == Report([], [], [], [])


BREAKING = {
    BreakingChangeType.TYPE_REMOVED: (("type Toy { id: Int }\n", ""), ("toy: Toy", "toy: ID"), "Toy"),
    BreakingChangeType.TYPE_CHANGED_KIND: (
        ('enum Unit { DAY, YEAR, ERA @deprecated(reason: "Too long.") }', "scalar Unit"),
        "Unit",
    ),
    BreakingChangeType.TYPE_REMOVED_FROM_UNION: (("Cat | Dog", "Cat"), "Pet"),
    BreakingChangeType.VALUE_REMOVED_FROM_ENUM: (("DAY, ", ""), "Unit.DAY"),
    BreakingChangeType.REQUIRED_INPUT_FIELD_ADDED: (
        ("{ name: String, k", "{ name: String, id: ID!, k"),
        "PetFilter.id",
    ),
    BreakingChangeType.IMPLEMENTED_INTERFACE_REMOVED: ((" implements Named", ""), "Cat"),
    BreakingChangeType.FIELD_REMOVED: (("type Dog { bark: String }", "type Dog { id: ID }"), "Dog.bark"),
    BreakingChangeType.FIELD_CHANGED_KIND: (("bark: String", "bark: Int"), "Dog.bark"),
    BreakingChangeType.REQUIRED_ARG_ADDED: (("age(", "age(id: ID!, "), "Cat.age(id:)"),
    BreakingChangeType.ARG_REMOVED: ((", old: Int", ""), "Cat.age(old:)"),
    BreakingChangeType.ARG_CHANGED_KIND: (("old: Int", "old: String"), "Cat.age(old:)"),
    BreakingChangeType.DIRECTIVE_REMOVED: (("directive @gone on FIELD\n", ""), "@gone"),
    BreakingChangeType.DIRECTIVE_ARG_REMOVED: ((", size: Int", ""), "@tag(size:)"),
    BreakingChangeType.REQUIRED_DIRECTIVE_ARG_ADDED: (("size: Int", "size: Int, id: ID!"), "@tag(id:)"),
    BreakingChangeType.DIRECTIVE_REPEATABLE_REMOVED: ((" repeatable", ""), "@tag"),
    BreakingChangeType.DIRECTIVE_LOCATION_REMOVED: (("FIELD | QUERY", "FIELD"), "@tag"),
}


@pytest.mark.parametrize("kind", BreakingChangeType, ids=lambda kind: kind.name)
def test_each_kind_of_breaking_change_has_a_coordinate(kind: BreakingChangeType) -> None:
    *replacements, coordinate = BREAKING[kind]
    new = OLD
    for old, other in replacements:
        assert new.count(old) == 1
        new = new.replace(old, other)

    found = find_breaking_changes(build_schema(OLD), build_schema(new, assume_valid=True))

    assert coordinate in [coordinate_of(change) for change in found if change.type is kind]


@pytest.mark.parametrize(
    ("field", "changelog", "expected"),
    [("bark", "", 0), ("id", "", 1), ("id", "- `Dog.bark` is gone.", 0)],
)
def test_the_command_fails_and_says_what_is_missing(field, changelog, expected, tmp_path, monkeypatch, capsys) -> None:
    files = {"SCHEMA": OLD.replace("bark", field), "RELEASED": OLD, "CHANGELOG": f"## Unreleased\n{changelog}\n"}
    for name, text in files.items():
        path = tmp_path / name
        path.write_text(text)
        monkeypatch.setattr(schema_changes, name, path)

    assert schema_changes.main([]) == expected
    assert ("does not name `Dog.bark`" in capsys.readouterr().out) is bool(expected)


def test_a_release_writes_the_schema(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(schema_changes, "RELEASED", tmp_path / "released.graphql")

    assert schema_changes.main(["--release"]) == 0

    text = (tmp_path / "released.graphql").read_text()
    assert find_breaking_changes(build_schema(SCHEMA.read_text()), build_schema(text)) == []
    assert '"""' not in text


def test_the_schema_breaks_no_client_of_the_last_release() -> None:
    old, new = (build_schema(path.read_text()) for path in (RELEASED, SCHEMA))

    assert compare(old, new, CHANGELOG.read_text()).refused == []


def test_the_released_schema_has_no_descriptions() -> None:
    text = released('"Cats." type Query { "Of all." a(b: String = "c"): Int @deprecated(reason: "Gone.") }')

    assert text == 'type Query {\n  a(b: String = "c"): Int @deprecated(reason: "Gone.")\n}\n'
