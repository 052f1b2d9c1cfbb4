"""Imports point only where docs/architecture.md says, and no test reads a clock too early."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import alembic
import pytest

import schema

ROOT = Path(__file__).parent.parent
SINGLE = {"app", "settings", "errors", "caches"}
MAY_IMPORT = {
    "models": set(),
    "errors": set(),
    "caches": set(),
    "settings": set(),
    "translations": {"caches", "errors"},
    "database": {"models", "errors", "settings"},
    "auth": {"database", "models", "errors", "settings"},
    "realtime": {"database", "models", "errors", "settings"},
    "dataloaders": {"auth", "caches", "database", "models", "errors"},
    "integrations": {"errors", "settings", "translations"},
    "resolvers": {"dataloaders", "auth", "realtime", "integrations", "database", "models", "errors", "translations"},
    "schema": {
        "resolvers", "dataloaders", "auth", "realtime", "integrations", "database", "models", "errors", "settings",
        "translations", "caches",
    },
    "engine": {"schema", "dataloaders", "auth", "caches", "database", "models", "errors", "translations"},
    "jobs": {
        "resolvers", "realtime", "integrations", "auth", "database", "models", "errors", "settings", "translations",
    },
    "transport": {
        "engine", "schema", "resolvers", "auth", "realtime", "integrations", "caches", "database", "errors", "settings",
        "translations",
    },
    "commands": {
        "schema", "jobs", "resolvers", "realtime", "integrations", "auth", "database", "models", "errors", "settings",
        "translations", "transport",
    },
    "app": {
        "transport", "engine", "schema", "jobs", "resolvers", "realtime", "integrations", "auth", "database", "models",
        "errors", "settings", "commands", "caches",
    },
}  # fmt: skip


def sources() -> list[tuple[str, Path]]:
    found = [(name, ROOT / f"{name}.py") for name in sorted(SINGLE)]
    for folder in sorted(set(MAY_IMPORT) - SINGLE):
        found += [(folder, file) for file in sorted((ROOT / folder).rglob("*.py"))]
    return found


def imported(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.split(".")[0])
    return names & set(MAY_IMPORT)


@pytest.mark.parametrize(("folder", "file"), sources(), ids=lambda value: str(value).removeprefix(f"{ROOT}/"))
def test_imports_point_downwards(folder: str, file: Path) -> None:
    wrong = imported(ast.parse(file.read_text())) - MAY_IMPORT[folder] - {folder}

    assert not wrong, f"{file.relative_to(ROOT)} may not import {', '.join(sorted(wrong))}"


@pytest.mark.parametrize("file", [file for _, file in sources()], ids=lambda file: str(file).removeprefix(f"{ROOT}/"))
def test_no_import_stands_inside_a_function(file: Path) -> None:
    tree = ast.parse(file.read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]

    inside = [
        inner.lineno
        for outer in functions
        for inner in ast.walk(outer)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]

    assert inside == []


def test_strawberry_lives_in_schema_alone() -> None:
    """The transport and the engine speak to its schema, the loaders use its DataLoader; no one else knows it."""
    users = {
        folder
        for folder, file in sources()
        if any(
            "strawberry" in ((node.module or "") if isinstance(node, ast.ImportFrom) else node.names[0].name)
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
        )
    }

    assert users <= {"schema", "transport", "dataloaders", "engine"}


def test_our_schema_and_their_alembic_are_loaded() -> None:
    assert Path(schema.__file__ or "").parent == ROOT / "schema"
    assert Path(alembic.__file__ or "").parent != ROOT / "alembic"


CLOCKS = {"now", "in_days", "utcnow", "today", "zone_where_it_is"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def on_import(node: ast.AST) -> Iterator[ast.AST]:
    """What of a tree runs when the module is imported: decorators and defaults do, bodies of functions do not."""
    yield node
    for name, value in ast.iter_fields(node):
        if not (isinstance(node, FUNCTIONS) and name == "body"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from on_import(child)


def clocks_read(source: str) -> list[int]:
    """Lines on which importing a module asks for the time."""
    calls = [node for node in on_import(ast.parse(source)) if isinstance(node, ast.Call)]
    return sorted(call.lineno for call in calls if getattr(call.func, "attr", getattr(call.func, "id", "")) in CLOCKS)


def test_no_test_asks_for_the_time_when_it_is_collected() -> None:
    """A run takes minutes, and each of its processes collects at another time. Give a `timedelta` to the factory."""
    files = {str(file.relative_to(ROOT)): file.read_text() for file in (ROOT / "tests").rglob("*.py")}

    assert {name: lines for name, source in files.items() if (lines := clocks_read(source))} == {}


def test_the_rule_knows_where_the_time_is_asked_for() -> None:
    source = """
LATE = models.utcnow()
@pytest.mark.parametrize("at", [now() - timedelta(days=1)])
async def test(at, until=in_days(3)):
    save(now())
ages = [lambda: now(), datetime.now(UTC)]
"""

    assert clocks_read(source) == [2, 3, 4, 6]
