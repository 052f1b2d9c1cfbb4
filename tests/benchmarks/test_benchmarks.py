"""The benchmarks ask what our schema answers, and count what they say they count. They are not run here."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from graphql import OperationDefinitionNode, parse, validate

from benchmarks import rows
from benchmarks.comparing import difference, normal
from benchmarks.report import Bar
from benchmarks.rows import WRITTEN, World
from benchmarks.workloads import DOCUMENTS, WORKLOADS, Workload, document
from tests.clients import shared_schema

SMALL = World(0.1)
SCHEMA = shared_schema().graphql


@pytest.mark.parametrize("name", sorted(file.stem for file in DOCUMENTS.glob("*.graphql")))
def test_document_is_valid_in_our_schema(name: str) -> None:
    assert validate(SCHEMA, parse(document(name))) == []


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_every_request_names_a_document_and_gives_its_variables(workload: Workload) -> None:
    for ask in workload.asks(SMALL)[:50]:
        [operation] = parse(document(ask.document)).definitions
        assert isinstance(operation, OperationDefinitionNode)
        declared = {one.variable.name.value for one in operation.variable_definitions or ()}
        assert declared == set(ask.variables)


def test_taken_is_the_number_of_registrations() -> None:
    registered = Counter(row[1] for row in rows.registrations(SMALL))

    assert {row[0]: row[12] for row in rows.events(SMALL) if row[12]} == registered


def test_messages_of_a_chat_are_numbered_without_holes() -> None:
    last = {row[0]: row[3] for row in rows.chats(SMALL) if row[3]}
    numbers: dict[object, list[int]] = {}
    for row in rows.messages(SMALL):
        numbers.setdefault(row[1], []).append(row[2])

    assert {chat: len(found) for chat, found in numbers.items()} == last
    assert all(later == earlier + 1 for found in numbers.values() for earlier, later in pairwise(found))


def test_nothing_in_the_dataset_is_younger_than_what_a_benchmark_writes() -> None:
    assert max(row[-1] for row in rows.messages(SMALL)) <= WRITTEN
    assert max(row[-1] for row in rows.registrations(SMALL)) <= WRITTEN
    assert max(row[-1] for row in rows.notifications(SMALL)) <= WRITTEN


def test_hosts_hold_no_place_and_nobody_is_registered_twice() -> None:
    for event in range(SMALL.events):
        people = SMALL.people(event)
        assert len(people) == len(set(people))
        assert not set(people) & set(SMALL.hosts(event))


def test_answers_that_differ_only_in_spelling_are_equal() -> None:
    ours = {"data": {"event": {"id": "RXZlbnQ6AYvP5WhkcAqZn4HfoB4J_Q", "startsAt": "2041-01-02T16:00:00+00:00"}}}
    theirs = {"data": {"event": {"id": "018bcfe5-6864-700a-999f-81dfa01e09fd", "startsAt": "2041-01-02T16:00:00.000Z"}}}

    assert difference(normal(ours), normal(theirs)) is None


def test_the_first_difference_is_named() -> None:
    expected = {"data": {"event": {"title": "One", "people": [1, 2]}}}
    found = {"data": {"event": {"title": "One", "people": [1, 3]}}}

    assert difference(normal(expected), normal(found)) == "data.event.people[1] is 3, expected 2"


def test_another_order_of_fields_is_a_difference() -> None:
    assert difference({"a": 1, "b": 2}, {"b": 2, "a": 1}) is not None


@pytest.mark.parametrize(
    ("bar", "words"),
    [
        (Bar("feed", 1.6, 1.7), "met           feed: 1.70, at least 1.6"),
        (Bar("feed", 1.6, 0.8), "MISSED        feed: 0.80, at least 1.6; by 50 %"),
        (Bar("memory", 30.0, 45.0, at_most=True), "MISSED        memory: 45.00, at most 30; by 50 %"),
        (Bar("feed", 1.6, None, "left out"), "not measured  feed: at least 1.6 (left out)"),
    ],
)
def test_a_bar_says_whether_it_is_met(bar: Bar, words: str) -> None:
    assert str(bar) == words
    assert bar.is_met is not words.startswith("MISSED")


def test_a_bar_that_could_not_be_measured_is_not_met() -> None:
    assert not Bar("live", 3.0, None, "34 sockets were refused").is_met
