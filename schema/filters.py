"""The `filter` argument of lists: what is wrong with one, whichever list it narrows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from errors import NothingChosen, TooLong, UserError, refuse
from resolvers.word_search import has_words
from schema.input_checks import look_at, rules_of
from schema.limits import MAX_ITEMS

LONGEST_TEXT = 200
"""Characters of what one looks for."""
ALL_HOLD = f"All that is given has to hold; of a list one of its values, which are 1 to {MAX_ITEMS}."
"""Said by every filter of itself."""


def check_looked_for(problems: list[UserError], text: str, *path: str) -> None:
    if len(text) > LONGEST_TEXT and text.strip():
        problems.append(TooLong(path=path, maximum=LONGEST_TEXT))


class Filter:
    """Base of the inputs that are filters."""

    checks = {"text": check_looked_for}

    @staticmethod
    def check_set(problems: list[UserError], values: list[Any], *path: str) -> None:
        """An empty set would match nothing, which nobody asks for."""
        if not values:
            problems.append(NothingChosen(path=path))

    def problems(self) -> Iterable[UserError]:
        """Values that can match nothing together."""
        return ()


def looked_for(filter: Any) -> str | None:
    """The text whose words a filter asks for, or null where it narrows nothing."""
    text: str | None = getattr(filter, "text", None)
    return text if text is not None and has_words(text) else None


def check_filter(filter: Any) -> None:
    """Raise what is wrong with a filter. Asked with every request: what matches nothing may depend on the clock.

    Fields that are wrong by themselves are left out of what is held together.
    """
    problems: list[UserError] = []
    sound = look_at(problems, filter, "filter")
    if problems:
        input_type: Any = type(filter)
        filter = replace(filter, **dict.fromkeys(rules_of(input_type).keys() - sound.keys()))
    refuse([*problems, *filter.problems()])
