"""Tests hold on any day: what can be told from their source (the rest is told by `make test-shifted`)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.clients import ROOT
from tests.factories import now, zone_where_it_is
from tests.tools.shifted import shift_of

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


@pytest.mark.parametrize("hour", [0, 2, 12, 23])
def test_there_is_a_zone_for_every_hour(hour: int) -> None:
    assert now().astimezone(ZoneInfo(zone_where_it_is(hour))).hour == hour


def test_the_clock_of_the_factories_stands_within_a_test(monkeypatch: pytest.MonkeyPatch) -> None:
    began = now()
    monkeypatch.setattr("tests.factories.datetime", None)

    assert now() == began


def test_a_shift_is_given_in_hours_or_as_a_moment_or_drawn() -> None:
    now = datetime(2026, 12, 31, 23, 0, tzinfo=UTC)

    assert shift_of("-1.5", now) == timedelta(minutes=-90)
    assert shift_of("2028-02-29T00:30Z", now) == shift_of("2028-02-29T00:30", now) == timedelta(days=424, hours=1.5)
    assert timedelta(0) < shift_of("random", now) <= timedelta(days=730)
