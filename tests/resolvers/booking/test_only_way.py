"""Only `resolvers/booking/admission.py` writes who has a place and how many there are, by `change_places.sql`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from database import functions
from tests.test_layout import ROOT, sources

WRITTEN = {"admission", "capacity"}
FACTS = "resolvers/booking/changes.py"
"""Changes what was read, and writes nothing."""
MAKES = {
    "resolvers/events/creation.py": {"Event"},
    "resolvers/events/validation.py": {"Service"},
    "resolvers/events/viewer_can.py": {"Registration"},
}
"""Modules that make rows with these columns: new events and services, a registration to ask rules about."""
DEMO = {"commands/demo/booking.py", "commands/demo/events.py", "commands/seed.py"}
ROWS = {"Event", "Service", "Registration", "Booking"}
SQL = re.compile(
    r"INSERT\s+INTO\s+(registrations|bookings)\b"
    r"|UPDATE\s+(registrations|bookings)\b[^;]*?\bSET\b[^;]*?\badmission\s*="
    r"|UPDATE\s+(events|services)\b[^;]*?\bSET\b[^;]*?\bcapacity\s*=",
    re.IGNORECASE,
)


def written(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Lines that write an admission or a capacity, with what they write it to."""
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            for part in target.elts if isinstance(target, ast.Tuple) else [target]:
                if isinstance(part, ast.Attribute) and part.attr in WRITTEN:
                    yield part.lineno, "attribute"
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            given = {one.arg for one in node.keywords} & WRITTEN
            given |= {key for one in node.args if isinstance(one, ast.Dict) for key in keys(one)}
            given |= {key for one in node.keywords if isinstance(one.value, ast.Dict) for key in keys(one.value)}
            if given and name in ROWS | {"values", "on_conflict_do_update"}:
                yield node.lineno, name
            if name in {"setattr", "set_committed_value"} and len(node.args) == 3:
                attribute = node.args[1]
                if isinstance(attribute, ast.Constant) and attribute.value in WRITTEN:
                    yield node.lineno, "attribute"
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.search(node.value):
            yield node.lineno, "SQL"


def keys(found: ast.Dict) -> set[str]:
    return {key.value for key in found.keys if isinstance(key, ast.Constant) and key.value in WRITTEN}


def test_no_other_module_writes_an_admission_or_a_capacity() -> None:
    found = []
    for _, file in sources():
        place = str(file.relative_to(ROOT))
        if place not in {FACTS, *DEMO}:
            made = MAKES.get(place, set())
            found += [(place, *one) for one in written(ast.parse(file.read_text())) if one[1] not in made]

    assert found == [], "let resolvers/booking/admission.py do it"


def test_no_other_function_of_the_database_does() -> None:
    found = [name for name, statement in functions.texts().items() if SQL.search(statement)]

    assert found == ["change_places"]


@pytest.mark.parametrize(
    "source",
    [
        "registration.admission = Admission.CANCELLED",
        "booking.admission, booking.cancelled_at = Admission.CANCELLED, now",
        "event.capacity += 1",
        "update(Registration).where(x).values(admission=y)",
        "update(Service).values({'capacity': 3})",
        "insert(Booking).on_conflict_do_update(index_elements=[], set_={'admission': y})",
        "session.add(Booking(service_id=x, admission=y))",
        "setattr(event, 'capacity', 3)",
        "text('UPDATE events SET version = 1, capacity = 3 WHERE id = $1')",
        "text('insert into bookings (id) values (1)')",
    ],
)
def test_the_rule_sees(source: str) -> None:
    assert list(written(ast.parse(source)))
