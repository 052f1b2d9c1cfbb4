"""Imports point only where docs/architecture.md says, files lie in their rooms, and no test reads a clock too early."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import alembic

import models
import schema
from models import Base
from tests.tools.syntax import nodes

ROOT = Path(__file__).parent.parent
SINGLE = {"app", "settings", "errors", "caches"}
MAY_IMPORT = {
    "models": set(),
    "errors": set(),
    "caches": set(),
    "settings": set(),
    "documents": {"caches", "errors"},
    "translations": {"caches", "errors"},
    "database": {"caches", "models", "errors", "settings"},
    "auth": {"caches", "database", "models", "errors", "settings"},
    "realtime": {"database", "models", "errors", "settings"},
    "outbox": {"realtime", "database", "models", "settings"},
    "dataloaders": {"auth", "caches", "database", "models", "errors"},
    "integrations": {"errors", "settings", "translations"},
    "resolvers": {"dataloaders", "auth", "realtime", "integrations", "database", "models", "errors", "translations"},
    "schema": {
        "resolvers", "dataloaders", "documents", "auth", "realtime", "integrations", "database", "models", "errors",
        "settings", "translations", "caches",
    },
    "engine": {
        "schema", "documents", "realtime", "dataloaders", "auth", "caches", "database", "models", "errors",
        "translations",
    },
    "jobs": {
        "resolvers", "outbox", "realtime", "integrations", "auth", "database", "models", "errors", "settings",
        "translations",
    },
    "pages": {"integrations", "settings"},
    "transport": {
        "engine", "schema", "documents", "resolvers", "auth", "realtime", "integrations", "caches", "database",
        "errors", "outbox", "pages", "settings", "translations",
    },
    "commands": {
        "schema", "jobs", "outbox", "resolvers", "realtime", "integrations", "auth", "database", "models", "errors",
        "settings", "translations", "transport",
    },
    "app": {
        "pages", "transport", "engine", "schema", "jobs", "outbox", "resolvers", "realtime", "integrations", "auth",
        "database", "models", "errors", "settings", "commands", "caches",
    },
}  # fmt: skip
AREAS = (
    "privacy", "moderation", "events", "clubs", "booking", "chat", "reviews", "notifications", "people",
)  # fmt: skip
"""An area may import those that follow it."""
WINGS = ("live", "http", "operations", "observing")
"""Of `transport/`. A wing may import those that follow it."""
WITH_AREAS = ("schema", "resolvers", "dataloaders", "models")
MOST_FILES = 25
WRITTEN_BY_OTHERS = {
    ("resolvers/chat/message_writing.py", "Broadcast"): "one statement sends, and leaves it to workers to tell of it",
    ("resolvers/notifications/inbox.py", "ChatMember"): "one statement reads notices, and lets their chats tell again",
    ("resolvers/booking/availability.py", "Event"): "the entries of an event's stream are numbered in its row",
    ("resolvers/events/lifecycle.py", "ModerationItem"): "the queue may not be imported by what enters it",
    ("resolvers/events/revisions.py", "ModerationItem"): "likewise",
    ("resolvers/events/viewer_can.py", "Registration"): "a row for a rule, which is not stored",
    ("resolvers/privacy/account_erasure.py", "Notification"): "erasing an account empties tables of every area",
    ("resolvers/privacy/account_erasure.py", "Password"): "likewise",
    ("resolvers/privacy/account_erasure.py", "Session"): "likewise",
}
"""The reason, by file and table."""


def sources() -> list[tuple[str, Path]]:
    found = [(name, ROOT / f"{name}.py") for name in sorted(SINGLE)]
    for folder in sorted(set(MAY_IMPORT) - SINGLE):
        found += [(folder, file) for file in sorted((ROOT / folder).rglob("*.py"))]
    return found


def named(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


@cache
def imported(file: Path) -> set[str]:
    """Modules that a file imports; of `from x import y` both x and x.y."""
    names: set[str] = set()
    for node in nodes(file):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def test_imports_point_downwards() -> None:
    wrong = {
        named(file): found
        for folder, file in sources()
        if (found := {name.split(".")[0] for name in imported(file)} & set(MAY_IMPORT) - MAY_IMPORT[folder] - {folder})
    }

    assert wrong == {}


def test_no_import_stands_inside_a_function() -> None:
    inside = [
        f"{named(file)}:{inner.lineno}"
        for _, file in sources()
        for outer in nodes(file)
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(outer)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]

    assert inside == []


def area_of(kind: str, file: Path) -> str:
    parts = file.relative_to(ROOT / kind).parts
    return parts[0] if len(parts) > 1 else ""


def test_areas_import_those_that_follow_them_alone() -> None:
    wrong = set()
    for file in sorted((ROOT / "resolvers").glob("*/*.py")):  # `resolvers/__init__.py` brings what all areas declare
        area = area_of("resolvers", file)
        later = AREAS[AREAS.index(area) + 1 :] if area in AREAS else ()
        for name in imported(file):
            kind, _, rest = name.partition(".")
            other = rest.split(".")[0]
            if kind == "resolvers" and other in AREAS and other != area and other not in later:
                wrong.add((named(file), name))

    assert wrong == set()


def test_wings_of_the_transport_import_those_that_follow_them_alone() -> None:
    wrong = set()
    for file in sorted((ROOT / "transport").rglob("*.py")):
        wing = area_of("transport", file)
        allowed = {"", *WINGS[WINGS.index(wing) :]} if wing else {""}
        for name in imported(file):
            kind, _, rest = name.partition(".")
            if kind == "transport" and rest.partition(".")[0] not in allowed:
                wrong.add((named(file), name))

    assert wrong == set()


def test_rules_ask_nothing_of_the_hub() -> None:
    """A delivery goes outbox, realtime, resolvers, engine, transport, and enters each of them once: what is read is
    shared by `realtime.streams`, before a rule reads it.
    """
    asked = {
        f"{named(file)}:{node.lineno}"
        for file in sorted((ROOT / "resolvers").rglob("*.py"))
        for node in nodes(file)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value).endswith("hub")
    }

    assert asked == set()


REGISTRIES = {"news": "notifications", "invariants": "core"}
"""Files by which areas declare something, and the room of the registry, which imports no area."""


def test_what_areas_declare_is_known_in_every_process() -> None:
    """Importing anything of `resolvers` imports its `__init__`, and so every file that declares."""
    declaring = {
        f"resolvers.{area_of('resolvers', file)}.{file.stem}"
        for file in (ROOT / "resolvers").rglob("*.py")
        if area_of("resolvers", file) != REGISTRIES.get(file.stem, area_of("resolvers", file))
    }

    assert declaring <= imported(ROOT / "resolvers" / "__init__.py")
    assert declaring


def test_a_registry_imports_no_area() -> None:
    wrong = {
        (name, found)
        for name, room in REGISTRIES.items()
        for found in imported(ROOT / "resolvers" / room / f"{name}.py")
        if found.split(".")[:1] == ["resolvers"] and found.split(".")[1] in AREAS
    }

    assert wrong == set()


def test_every_file_of_a_kind_lies_in_an_area_or_in_core() -> None:
    rooms = {*AREAS, "core"}
    outside = [
        named(file)
        for kind in WITH_AREAS
        for file in sorted((ROOT / kind).rglob("*.py"))
        if area_of(kind, file) not in rooms and file != ROOT / kind / "__init__.py"
    ]

    assert outside == []


KINDS = (*WITH_AREAS, "jobs")
ALONE = {
    "booking/admission": "the one way to change places; who asks for it have names of their own",
    "booking/admission_look": "what `admission` reads before it decides",
    "booking/admission_write": "what `admission` writes once it has decided",
    "booking/bookability": "the rule that reads and writes of places share",
    "booking/changes": "what an admission is asked for",
    "booking/locks": "locks that events, clubs and bookings take",
    "booking/putting_out": "ends places for clubs and deleted accounts, which have mutations of their own",
    "booking/registration_writing": "the statement of `registrations`",
    "booking/removal": "its mutations stand with those of `registrations`, whose payload they share",
    "booking/service_news": "notices that services and events send",
    "booking/time_conflicts": "warnings within other mutations",
    "clubs/membership_states": "what joining, bans and ranks write alike",
    "chat/message_writing": "the statement of `messages`",
    "notifications/notification_writing": "the statements of `notifications`",
    "events/service_times": "part of editing an event",
    "events/word_pages": "pages of `search` and `service_search` by words",
    "events/states": "which action an event allows when; asked by every mutation of events",
    "events/validation": "what creation and editing of events check alike",
    "notifications/broadcasting": "workers tell what `broadcasts` has left to them",
    "notifications/mail": "a mail is only ever sent by a job",
    "notifications/words": "texts of notifications, in the reader's language",
    "people/attempts": "counted by `auth/throttle`",
    "people/logins": "how people are found by what they type, wherever they sign in",
    "people/mail": "a mail is only ever sent by a job",
    "people/viewer": "only composes fields of other capabilities",
    "privacy/data_export_writing": "the sections of `data_exports`",
}
"""Capabilities that one kind alone has a file for, and why the others have nothing to say."""
TESTS_ALONE = {
    "clubs/membership_model": "random walks through the states of a membership",
    "events/cancel_reasons": "of events and services alike",
    "events/capacity_with_services": "of events and services alike",
    "events/deleted_records": "of events and services alike",
    "events/lists": "of every list that shows events",
    "events/payment_policy": "one field, with its price",
    "notifications/passing_news": "of the news of all areas",
    "notifications/repeated_news": "of the news of all areas",
}
"""Tests in an area that are named after no capability, and what they are about instead."""


def capabilities() -> dict[str, set[str]]:
    """The kinds that have a file for each capability, by area and name."""
    found: dict[str, set[str]] = {}
    for kind in KINDS:
        for area in AREAS:
            for file in (ROOT / kind / area).glob("*.py"):
                if file.stem not in ("__init__", *REGISTRIES):
                    found.setdefault(f"{area}/{file.stem}", set()).add(kind)
    return found


def test_a_capability_has_the_same_name_in_every_kind() -> None:
    kinds = capabilities()

    assert {name for name, having in kinds.items() if len(having) == 1} == set(ALONE)


def test_tests_are_named_after_what_they_test() -> None:
    known = {*capabilities(), *TESTS_ALONE}
    tests = {
        f"{area}/{file.stem.removeprefix('test_')}"
        for area in AREAS
        for file in (ROOT / "tests" / "api" / area).glob("test_*.py")
    }

    assert tests - known == set()
    assert set(TESTS_ALONE) <= tests


def test_no_folder_is_crowded() -> None:
    folders = {file.parent for _, file in sources()} | {file.parent for file in (ROOT / "tests").rglob("*.py")}
    crowded = {
        named(folder): count
        for folder in folders - {ROOT}
        if (count := sum(file.name != "__init__.py" for file in folder.glob("*.py"))) > MOST_FILES
    }

    assert crowded == {}


def area_of_tables() -> dict[str, str]:
    """The area of each class that is a table."""
    return {
        mapper.class_.__name__: mapper.class_.__module__.split(".")[1]
        for mapper in Base.registry.mappers
        if mapper.class_.__module__.startswith(f"{models.__name__}.")
    }


def tables_written(file: Path, tables: dict[str, str]) -> set[str]:
    """Tables of which a file makes rows, or to which it sends INSERT, UPDATE or DELETE."""
    found = set()
    for node in nodes(file):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
            continue
        if node.func.id in tables:
            found.add(node.func.id)
        elif node.func.id in {"insert", "update", "delete"} and node.args:
            target = node.args[0]
            name = target.value if isinstance(target, ast.Attribute) else target
            if isinstance(name, ast.Name) and name.id in tables:
                found.add(name.id)
    return found


def test_a_table_is_written_by_its_own_area_alone() -> None:
    tables = area_of_tables()
    wrong = {
        (named(file), table)
        for file in sorted((ROOT / "resolvers").rglob("*.py"))
        for table in tables_written(file, tables)
        if tables[table] not in (area_of("resolvers", file), "core")
    }

    assert wrong == set(WRITTEN_BY_OTHERS)


def test_strawberry_lives_in_schema_alone() -> None:
    """The transport and the engine speak to its schema, the loaders use its DataLoader; no one else knows it."""
    users = {folder for folder, file in sources() if any(name.startswith("strawberry") for name in imported(file))}

    assert users <= {"schema", "transport", "dataloaders", "engine"}


def test_our_schema_and_their_alembic_are_loaded() -> None:
    assert Path(schema.__file__ or "").parent == ROOT / "schema"
    assert Path(alembic.__file__ or "").parent != ROOT / "alembic"


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


def compared_with_now(file: Path) -> list[str]:
    """Comparisons of a start or an end with the present moment."""
    found = []
    for node in nodes(file):
        if isinstance(node, ast.Compare) and len(node.comparators) == 1:
            sides = {ast.unparse(node.left), ast.unparse(node.comparators[0])}
            if sides & {"utcnow()", "func.now()", "now", "moment"} and any(
                side.endswith(("starts_at", "ends_at")) and not side.endswith("window_ends_at") for side in sides
            ):
                found.append(f"{named(file)}: {ast.unparse(node)}")
    return found


def test_what_is_upcoming_ongoing_and_past_is_said_once():
    """By `has_begun` and `is_over`, of rows and of columns alike."""
    kinds = {"models", "auth", "dataloaders", "resolvers", "schema", "jobs"}
    found = [one for folder, file in sources() if folder in kinds for one in compared_with_now(file)]

    assert found == ["models/events/events.py: starts_at <= moment", "models/events/events.py: ends_at <= moment"]


SHARED = {
    "Viewer": "the GraphQL type shows what `auth.viewer.Viewer` says of the caller, and clients ask for `viewer`",
    "MessageSent": "the subscription `messageSent` tells of the domain event of that name, and GraphQL names its type",
}
"""Names of two classes that are no row and its GraphQL type, and why."""


class Definition(NamedTuple):
    path: str
    is_row: bool
    is_graphql_type: bool


def classes(body: list[ast.stmt]) -> Iterator[ast.ClassDef]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield node
            yield from classes(node.body)


def definitions() -> dict[str, list[Definition]]:
    found = defaultdict(list)
    for kind in MAY_IMPORT:
        for path in (ROOT / kind).rglob("*.py") if (ROOT / kind).is_dir() else [ROOT / f"{kind}.py"]:
            for node in classes(ast.parse(path.read_text()).body):
                decorators = [ast.unparse(one) for one in node.decorator_list]
                is_type = any(one.startswith("strawberry.type") for one in decorators)
                is_node = any(isinstance(base, ast.Name) and base.id == "Node" for base in node.bases)
                is_row = kind == "models" and hasattr(getattr(models, node.name, None), "__table__")
                found[node.name].append(Definition(str(path.relative_to(ROOT)), is_row, is_type or is_node))
    return found


def is_row_with_its_type(places: list[Definition]) -> bool:
    row, type_ = sorted(places, key=lambda one: not one.is_row)
    return row.is_row and type_.is_graphql_type and type_.path.startswith("schema/")


def test_a_public_class_name_stands_once():
    doubles = {name: places for name, places in definitions().items() if len(places) > 1 and not name.startswith("_")}
    unexplained = {
        name: [one.path for one in places]
        for name, places in doubles.items()
        if len(places) > 2 or not (name in SHARED or is_row_with_its_type(places))
    }
    assert unexplained == {}
    assert SHARED.keys() <= doubles.keys()
