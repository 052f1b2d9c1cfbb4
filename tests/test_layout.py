"""Imports point only where docs/architecture.md says."""

from __future__ import annotations

import ast
from pathlib import Path

import alembic
import pytest

import schema

ROOT = Path(__file__).parent.parent
SINGLE = {"app", "settings", "errors"}
MAY_IMPORT = {
    "models": set(),
    "errors": set(),
    "settings": set(),
    "translations": {"errors"},
    "database": {"models", "errors", "settings"},
    "auth": {"database", "models", "errors", "settings"},
    "realtime": {"database", "models", "errors", "settings"},
    "dataloaders": {"auth", "database", "models", "errors"},
    "integrations": {"errors", "settings", "translations"},
    "resolvers": {"dataloaders", "auth", "realtime", "integrations", "database", "models", "errors", "translations"},
    "schema": {
        "resolvers", "dataloaders", "auth", "realtime", "integrations", "database", "models", "errors", "settings",
        "translations",
    },
    "engine": {"schema", "dataloaders", "auth", "database", "models", "errors", "translations"},
    "jobs": {
        "resolvers", "realtime", "integrations", "auth", "database", "models", "errors", "settings", "translations",
    },
    "transport": {
        "engine", "schema", "auth", "realtime", "integrations", "database", "errors", "settings", "translations",
    },
    "commands": {
        "schema", "jobs", "resolvers", "realtime", "integrations", "auth", "database", "models", "errors", "settings",
        "translations", "transport",
    },
    "app": {
        "transport", "engine", "schema", "jobs", "resolvers", "realtime", "integrations", "auth", "database", "models",
        "errors", "settings", "commands",
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
