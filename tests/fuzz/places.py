"""What response keys stand for, so that no two fields of one key contradict each other.

Two fields of one key must ask for the same thing, wherever fragments bring them together (October 2021, 5.3.2 "Field
Selection Merging"). So a selection is written with the places it will be part of in hand: a place knows what each of
its response keys stands for already, and a field that would contradict it takes an alias of its own.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Meaning:
    """What a response key stands for at one place, and the place below it."""

    asks: list[tuple[Any, ...]] = field(default_factory=list)
    below: Place = field(default_factory=dict)


Place = dict[str, Meaning]


def may_meet(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether two fields of the same key may stand in one place: the same ask, or leaves of types that never meet."""
    (parent, is_leaf, *ask), (other_parent, _, *other_ask) = one, other
    if ask == other_ask:
        return True
    never_meet = parent is not None and other_parent is not None and parent != other_parent
    return is_leaf and never_meet and ask[-1] == other_ask[-1]


def fits(place: Place, brought: Place) -> bool:
    return all(
        all(may_meet(ask, known) for ask in meaning.asks for known in place[key].asks)
        and fits(place[key].below, meaning.below)
        for key, meaning in brought.items()
        if key in place
    )


def merge(place: Place, brought: Place) -> None:
    for key, meaning in brought.items():
        if key in place:
            place[key].asks += meaning.asks
            merge(place[key].below, meaning.below)
        else:
            place[key] = copy.deepcopy(meaning)
