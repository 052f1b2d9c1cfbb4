"""What a process keeps is bounded by what it weighs, whatever clients send."""

from __future__ import annotations

import ast
import gc
import tracemalloc
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pytest

import caches
import models
from caches import ENTRY, SHARES, SHORT, Cache, for_short_texts
from database.rows import KEPT as KEPT_ROWS
from database.rows import attributes, folded_class, values_class
from dataloaders.core.compiled import STATEMENTS
from dataloaders.core.keyset_pages import LONGEST_CURSOR
from documents.documents import Documents
from engine import Engine
from engine.arguments import KEPT
from engine.cost import Costs
from tests.test_layout import MAY_IMPORT, SINGLE
from tests.tools.syntax import nodes
from transport.observing.metrics import Metrics
from transport.operations.observation import Observation
from transport.operations.operations import Operations
from transport.operations.requests import Parameters

ROOT = Path(__file__).parent.parent
MEBIBYTE = 1024 * 1024


@pytest.fixture
def small(monkeypatch):
    """All caches together have 10,000 bytes, and statements 1,200."""
    monkeypatch.setattr("caches.CacheLimit.bytes", 10_000)


def test_what_was_used_longest_ago_makes_room(small):
    kept: Cache[str, str] = Cache("statements", largest=1)

    for name in "abcd":
        kept.put(name, name.upper(), 300 - ENTRY)
    kept.get("a")
    kept.put("e", "E", 500 - ENTRY)

    assert [name for name in "abcde" if name in kept] == ["a", "d", "e"]
    assert kept.get("e") == "E"
    assert kept.get("b") is None
    assert kept.weight == 1_100


def test_what_is_large_is_not_kept(small):
    kept: Cache[str, str] = Cache("statements", largest=4)
    kept.put("a", "A", 300 - ENTRY)

    kept.put("b", "B", 301 - ENTRY)

    assert ("a" in kept, "b" in kept) == (True, False)


def test_what_is_replaced_weighs_nothing_any_more(small):
    kept: Cache[str, str] = Cache("statements", largest=1)

    for _ in range(10):
        kept.put("a", "A", 300 - ENTRY)

    assert (len(kept), kept.weight) == (1, 300)


def test_the_shares_are_the_whole():
    assert sum(SHARES.values()) == 100


def test_long_texts_are_worked_out_each_time():
    asked = []

    @for_short_texts
    def length(text: str) -> int:
        asked.append(text)
        return len(text)

    assert [length("a" * size) for size in (SHORT, SHORT, SHORT + 1, SHORT + 1)] == [SHORT, SHORT, SHORT + 1, SHORT + 1]
    assert len(asked) == 3


FOREVER = {
    "database/rows.py:attributes": "an entity",
    "database/rows.py:row_class": "an entity",
    "auth/sealing.py:_key": "a purpose and a secret of the settings",
    "dataloaders/core/keyset_pages.py:_defaults": "the type of a filter",
    "engine/sharing.py:_of_declaration": "a declaration, made with its module",
    "resolvers/booking/admission_look.py:look_for": "three parts with two values each",
    "resolvers/booking/locks.py:_locking": "a role",
    "schema/core/ids.py:encoder": "a type's name, as the code gives it",
    "schema/core/input_checks.py:id_of": "a type's name, as the code gives it",
    "schema/core/input_checks.py:rules_of": "an input type",
    "schema/core/viewer_can.py:nothing": "a type",
    "translations/catalogs.py:catalog": "one of our languages",
}
"""Functions with `functools.cache`, by what they are asked about: of each there are few, whatever clients send."""
NO_CACHE = {
    "integrations/token_buckets.py": "what callers have left to spend is no cache, and is bounded by their number"
}


def sources() -> dict[str, str]:
    folders = sorted(set(MAY_IMPORT) - SINGLE)
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    return {file.relative_to(ROOT).as_posix(): file.read_text() for file in files}


def test_there_is_no_cache_of_another_kind_for_what_clients_send():
    found = {name for name, text in sources().items() if "OrderedDict" in text or "lru_cache" in text}

    assert found == set(NO_CACHE)


def test_what_is_kept_for_ever_is_asked_about_by_our_own_code():
    found = {
        f"{name}:{node.name}"
        for name in sources()
        for node in nodes(ROOT / name)
        if isinstance(node, ast.FunctionDef) and "cache" in map(ast.unparse, node.decorator_list) and node.args.args
    }

    assert found == set(FOREVER)


async def test_documents_of_all_shapes_leave_few_row_classes(monkeypatch):
    monkeypatch.setattr("caches.CacheLimit.bytes", 5 * MEBIBYTE)
    names = attributes(models.Event)

    for chosen in combinations(names, 3):
        folded_class(models.Event, chosen)
        values_class(chosen)

    assert 0 < KEPT_ROWS.weight <= KEPT_ROWS.most


def remembered(work: Callable[[], object]) -> int:
    """Bytes that are still held after the work."""
    gc.collect()
    tracemalloc.start()
    try:
        work()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()


def long(number: int, field: str = "id", *, lists: int = 3) -> str:
    """A document with a hundred tokens for each list, which takes little time to validate."""
    ids = " ".join('"1"' for _ in range(95))
    return "{ " + " ".join(f"a{number}_{at}: nodes(ids: [{ids}]) {{ {field} }}" for at in range(lists)) + " }"


def test_a_refused_document_leaves_its_messages_alone(schema):
    documents = Documents(schema.graphql)

    def refuse() -> None:
        for number in range(2):
            assert documents.prepare(long(number, "nonsense")).errors
            assert documents.prepare(long(number).removesuffix("}")).errors

    assert remembered(refuse) < 4 * 25_000


def test_errors_of_a_refused_document_are_the_same_each_time(schema):
    documents = Documents(schema.graphql)

    first, second = (documents.prepare("query A {\n  nonsense\n}") for _ in range(2))

    assert [one.formatted for one in first.fresh_errors()] == [one.formatted for one in second.fresh_errors()]
    assert first.fresh_errors()[0].formatted["locations"] == [{"line": 2, "column": 3}]
    assert first.operation("A") is not None


async def test_large_documents_leave_no_more_than_the_limit(schema, ports, monkeypatch):
    monkeypatch.setattr("caches.CacheLimit.bytes", 5 * MEBIBYTE)
    documents, costs = Documents(schema.graphql), Costs(schema.graphql)

    def prepare() -> None:
        for number in range(20):
            text = long(number, lists=1)
            prepared = documents.prepare(text)
            operation = prepared.operation(None)
            assert operation is not None
            costs.of(text, prepared, operation, {})

    assert remembered(prepare) < 1.4 * MEBIBYTE
    assert 5 < len(documents._kept) < 15


def test_large_variables_are_not_kept(schema):
    engine = Engine(schema)
    aliases = " ".join(f"a{number}: events(filter: $filter) {{ totalCount }}" for number in range(20))
    known = engine._get(f"query ($filter: EventFilter) {{ {aliases} }}", None)
    assert known is not None

    def convert(text: str) -> None:
        assert known is not None
        variables = known.coercion.values({"filter": {"text": text}})
        assert not isinstance(variables, list)
        plan = known.plan(variables)
        assert not isinstance(plan, str)
        for field in plan.root.fields:
            assert field.arguments.converted(schema, variables)["filter"].text

    before = len(KEPT)
    convert("short")
    assert len(KEPT) == before + 20
    assert remembered(lambda: convert("x" * 100_000)) < MEBIBYTE
    assert len(KEPT) == before + 20


async def test_variables_that_are_not_declared_are_dropped(schema):
    operations = Operations(schema, Metrics(), None, timeout=1)
    variables = {"id": "1", "waste": "x" * 1_000_000}
    parameters = Parameters("query ($id: ID!) { node(id: $id) { id } }", variables, None)

    operation = await operations.prepare(parameters, Observation("http"), "")

    assert operation.errors == []
    assert variables == operation.parameters.variables == {"id": "1"}


@pytest.mark.parametrize("field", ["events", "clubs"])
async def test_a_padded_cursor_is_refused_and_kept_nowhere(client, field):
    before = len(STATEMENTS._kept)

    answer = await client().run(
        f"query ($after: String) {{ {field}(after: $after) {{ nodes {{ id }} }} }}", after="A" * (LONGEST_CURSOR + 1)
    )

    assert [one["extensions"]["reason"] for one in answer.errors] == ["INVALID_CURSOR"]
    assert (answer.statements, len(STATEMENTS._kept)) == ([], before)


def test_the_limit_is_a_setting(settings):
    assert caches.CacheLimit.bytes == settings.cache_bytes == 128 * MEBIBYTE
