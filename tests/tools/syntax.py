"""Source text as trees of syntax, for tests that read our own code."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path


@cache
def tree(file: Path) -> ast.Module:
    """Of one file, parsed once for all tests."""
    return ast.parse(file.read_text())


@cache
def nodes(file: Path) -> list[ast.AST]:
    """All nodes of one file, as `ast.walk` finds them, found once for all tests."""
    return list(ast.walk(tree(file)))
