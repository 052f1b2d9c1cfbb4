"""Pages of `docs/` that are lists of what the code has."""

from __future__ import annotations

import re
from pathlib import Path

from errors import ErrorCode

DOCS = Path(__file__).parent.parent / "docs"


def test_every_error_code_is_in_the_docs_and_no_other() -> None:
    codes = re.findall(r"^- `([A-Z_]+)`", (DOCS / "errors.md").read_text(), re.MULTILINE)

    assert codes == [code.value for code in ErrorCode]


def test_decisions_are_numbered_without_gap() -> None:
    numbers = sorted(int(path.name[:4]) for path in (DOCS / "adr").glob("*.md"))

    assert numbers == list(range(1, len(numbers) + 1))
