"""Pages of `docs/` that are lists of what the code has."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from graphql import parse, validate

from errors import ErrorCode
from schema import Schema
from tests.tools.syntax import nodes

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def test_every_error_code_is_in_the_docs_and_no_other() -> None:
    codes = re.findall(r"^- `([A-Z_]+)`", (DOCS / "errors.md").read_text(), re.MULTILINE)

    assert codes == [code.value for code in ErrorCode]


def test_decisions_are_numbered_without_gap() -> None:
    numbers = sorted(int(path.name[:4]) for path in (DOCS / "adr").glob("0*.md"))

    assert numbers == list(range(1, len(numbers) + 1))


def test_decisions_are_listed_by_their_titles() -> None:
    pages = sorted((DOCS / "adr").glob("0*.md"))
    titles = [page.read_text().partition("\n")[0].removeprefix("# ") for page in pages]

    listed = re.findall(r"^- \[(.+)\]\((.+)\)$", (DOCS / "adr" / "README.md").read_text(), re.MULTILINE)

    assert listed == [(title, page.name) for title, page in zip(titles, pages, strict=True)]


def test_examples_are_valid(schema: Schema) -> None:
    for page in (DOCS.parent / "README.md", *DOCS.rglob("*.md")):
        for example in re.findall(r"^```graphql\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
            assert validate(schema.graphql, parse(example)) == [], page.name


KINDS = (
    "auth", "benchmarks", "commands", "database", "dataloaders", "documents", "engine", "integrations", "jobs",
    "models", "outbox", "pages", "realtime", "resolvers", "schema", "tests", "translations", "transport",
)  # fmt: skip
PATH = re.compile(rf"(?<![\w/.])((?:{'|'.join(KINDS)})/[\w/]+\.(?:py|sql|po))")
DOTTED = re.compile(rf"`((?:{'|'.join(KINDS)})(?:\.\w+)+)`")


@cache
def names_in(file: Path) -> set[str]:
    """Names that a module defines, uses or imports."""
    found = set()
    for node in nodes(file):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {alias.asname or alias.name for alias in node.names}
    return found


def exists(dotted: str) -> bool:
    """Whether a dotted name is a folder, a module, or a name in one."""
    parts = dotted.split(".")
    for count in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:count])
        if place.is_dir():
            return count == len(parts) or parts[count] in names_in(place / "__init__.py")
        if (file := place.with_suffix(".py")).exists():
            return count == len(parts) or parts[count] in names_in(file)
    return False


def test_paths_and_names_in_prose_lead_somewhere() -> None:
    sources = [file for kind in KINDS for file in (ROOT / kind).rglob("*.py") if "node_modules" not in file.parts]
    pages = [ROOT / "README.md", ROOT / "SECURITY.md", *DOCS.rglob("*.md"), *ROOT.glob("*.py")]

    lost = {
        f"{file.relative_to(ROOT)}: {found}"
        for file in (*sources, *pages)
        for line in file.read_text().splitlines()
        for found in (
            *(path for path in PATH.findall(line) if not (ROOT / path).exists()),
            *(name for name in DOTTED.findall(line) if not name.endswith((".graphql", ".py")) and not exists(name)),
        )
    }

    assert lost == set()
