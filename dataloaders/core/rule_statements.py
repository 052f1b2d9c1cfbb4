"""Statements of rules: built once for each role, and run by whoever writes (`database.Writing`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import asyncpg

from auth.viewer import Viewer
from database import BoundStatement
from database.rows import Values
from dataloaders.core.compiled import STATEMENTS, Compiled, compile_for


class Statement:
    """SQL that a rule runs, as `build` makes it for a viewer.

    Its parameters are those named in `given`, and by themselves the viewer's id and the present moment (`compile_for`).
    """

    def __init__(
        self, build: Callable[[Viewer], Any], *, given: tuple[str, ...], rows: type[asyncpg.Record] = Values
    ) -> None:
        self._build = build
        self._given = given
        self._rows = rows

    def bind(self, viewer: Viewer, **given: Any) -> BoundStatement:
        shape = (self, viewer.user is None, viewer.role)
        compiled: Compiled = STATEMENTS.get(shape, lambda: compile_for(self._build, viewer, self._given, self._rows))
        return BoundStatement(compiled.sql, compiled.arguments(viewer, given), compiled.row_class)
