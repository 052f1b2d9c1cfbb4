"""What a run of a plan did, for developers: `extensions.plan` (`docs/engine.md`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from database import Read, reads


@dataclass(eq=False)
class Step:
    """The fetch of one field for all objects of its level."""

    coordinate: str
    parents: int
    milliseconds: float = 0.0
    found: list[Read] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON, with times in milliseconds; those of a step include waiting for a connection."""
        statements = [
            {"sql": one.sql, "rows": one.rows, "milliseconds": round(one.milliseconds, 2)} for one in self.found
        ]
        return {
            "field": self.coordinate,
            "parents": self.parents,
            "milliseconds": round(self.milliseconds, 2),
            "statements": statements,
        }


class Explanation:
    """Steps in the order in which they began: those of one level run side by side."""

    def __init__(self) -> None:
        self._steps: list[Step] = []

    @contextmanager
    def step(self, coordinate: str, parents: int) -> Iterator[None]:
        made = Step(coordinate, parents)
        self._steps.append(made)
        token = reads.set(made.found)
        began = perf_counter()
        try:
            yield
        finally:
            made.milliseconds = (perf_counter() - began) * 1000
            reads.reset(token)

    def as_json(self) -> dict[str, Any]:
        return {"plan": {"levels": [step.as_json() for step in self._steps]}}
