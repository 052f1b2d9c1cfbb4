"""Pages of `docs/` that are lists of what the code has."""

from __future__ import annotations

import re
from pathlib import Path

from graphql import parse, validate

from errors import ErrorCode
from schema import Schema

DOCS = Path(__file__).parent.parent / "docs"


def test_every_error_code_is_in_the_docs_and_no_other() -> None:
    codes = re.findall(r"^- `([A-Z_]+)`", (DOCS / "errors.md").read_text(), re.MULTILINE)

    assert codes == [code.value for code in ErrorCode]


def test_decisions_are_numbered_without_gap() -> None:
    numbers = sorted(int(path.name[:4]) for path in (DOCS / "adr").glob("*.md"))

    assert numbers == list(range(1, len(numbers) + 1))


def test_examples_are_valid(schema: Schema) -> None:
    for page in (DOCS.parent / "README.md", *DOCS.rglob("*.md")):
        for example in re.findall(r"^```graphql\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
            assert validate(schema.graphql, parse(example)) == [], page.name
