"""The judge itself: what it calls different, and the one thing that it lets pass."""

from __future__ import annotations

from uuid import UUID

import pytest

from dataloaders.core.keyset_pages import encode_cursor
from realtime import cursors
from schema.core import ids
from tests.fuzz.compare import Answer, Renaming, Told, compare
from tests.fuzz.places import Meaning, fits

OLD, NEW, NEWER = (UUID(int=number) for number in (1, 2, 3))


def told(*path: str | int, message: str = "Not found.", line: int = 1) -> Told:
    return path, "BAD_USER_INPUT", "NOT_FOUND", message, ((line, 3),)


@pytest.mark.parametrize(
    ("reference", "engine"),
    [
        (Answer({"a": 1, "b": 2}, ()), Answer({"b": 2, "a": 1}, ())),
        (Answer({"a": [1]}, ()), Answer({"a": [1.0]}, ())),
        (Answer({"a": [{}]}, ()), Answer({"a": [{}, {}]}, ())),
        (Answer({"a": None}, ()), Answer(None, ())),
        (Answer({"a": None}, (told("a"),)), Answer({"a": None}, ())),
        (Answer({"a": None}, (told("a"),)), Answer({"a": None}, (told("a"), told("a")))),
        (Answer({"a": None}, (told("a"),)), Answer({"a": None}, (told("a", message="Gone."),))),
        (Answer({"a": None}, (told("a"),)), Answer({"a": None}, (told("a", line=2),))),
        (Answer({"a": None}, (told("a", "b"),)), Answer({"a": None}, ())),
        (Answer({"a": None}, (told("a", "b"),)), Answer({"a": None}, (told("a"),))),
        (Answer({}, (), (("events", 1, 0),)), Answer({}, (), (("events", 1, 1),))),
    ],
)
def test_every_difference_counts(reference, engine):
    assert compare(reference, reference).problems == []
    assert compare(reference, engine).problems != []
    assert compare(engine, reference).problems != []


def test_errors_may_stand_in_any_order():
    one = Answer({"a": None, "b": None}, (told("a"), told("b")))
    other = Answer({"a": None, "b": None}, (told("b"), told("a")))

    assert compare(one, other).problems == []


def test_the_engine_may_tell_more_below_a_null_and_never_less():
    one = Answer({"a": [None]}, (told("a", 0, "b"),))
    more = Answer({"a": [None]}, (told("a", 0, "c", "d"), told("a", 0, "b")))
    other = Answer({"a": [None]}, (told("a", 0, "c", "d"),))

    found = compare(one, more)

    assert (found.problems, found.tolerated) == ([], [("a", 0)])
    assert compare(more, one).problems != []
    assert compare(one, other).problems != []


def test_the_whole_answer_may_be_the_null():
    found = compare(Answer(None, (told("a"),)), Answer(None, (told("a"), told("b", "c"))))

    assert (found.problems, found.tolerated) == ([], [()])


def test_new_rows_are_named_by_their_appearance():
    def shown(first: UUID, second: UUID) -> Answer:
        gids = [ids.encode("Event", id) for id in (OLD, first, second)]
        page = encode_cursor(["2126-05-20", first])
        data = {"gids": gids, "page": page, "stream": cursors.encode(second, 4), "url": f"/exports/{first}"}
        return Renaming(frozenset({OLD})).answer(Answer(data, ()))

    assert shown(NEW, NEWER) == shown(NEWER, NEW)
    assert shown(NEW, NEWER) != shown(NEW, NEW)
    assert shown(NEW, NEWER).data["gids"][0] == ids.encode("Event", OLD)


def test_fragments_that_contradict_a_place_do_not_fit():
    def place(name: str, parent: str | None, *, is_leaf: bool = True) -> dict[str, Meaning]:
        return {"key": Meaning([(parent, is_leaf, name, "", "String")])}

    assert fits(place("title", "Event"), place("title", None))
    assert fits(place("title", "Event"), place("name", "Club"))
    assert not fits(place("title", "Event"), place("description", "Event"))
    assert not fits(place("title", "Event"), place("name", None))
    assert not fits(place("event", "Booking", is_leaf=False), place("other", "Review", is_leaf=False))
