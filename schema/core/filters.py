"""The `filter` argument of lists: what is wrong with one, whichever list it narrows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from enum import Enum
from typing import Any

from caches import for_short_texts
from dataloaders.core.keyset_pages import PageArgs, mark_of
from documents.limits import MAX_ITEMS
from errors import NothingChosen, TooLong, UserError, refuse
from resolvers.core.word_search import has_words
from schema.core.input_checks import look_at, rules_of

LONGEST_TEXT = 200
"""Characters of what one looks for."""
ALL_HOLD = (
    f"An item must match every field that is given. A list field matches if any of its 1 to {MAX_ITEMS} values does."
)
"""Said by every filter of itself."""


def check_looked_for(problems: list[UserError], text: str, *path: str) -> None:
    if len(text) > LONGEST_TEXT and text.strip():
        problems.append(TooLong(path=path, maximum=LONGEST_TEXT))


class Filter:
    """Base of the inputs that are filters."""

    checks = {"text": check_looked_for}

    @staticmethod
    def check_set(problems: list[UserError], values: list[Any], *path: str) -> None:
        """Return an empty set would match nothing, which nobody asks for."""
        if not values:
            problems.append(NothingChosen(path=path))

    def problems(self) -> Iterable[UserError]:
        """Values that can match nothing together."""
        return ()


def looked_for(filter: Any) -> str | None:
    """Return the text whose words a filter asks for, or null where it narrows nothing."""
    text: str | None = getattr(filter, "text", None)
    return text if text is not None and has_words(text) else None


def checked_page(name: str, given: Mapping[str, Any], filter: Any, sort: Any, *, is_root: bool) -> PageArgs:
    """Return the slice of a list that the arguments of the field of this name ask for. Raises all that is wrong with
    them and with the filter; whether a cursor of a list within is from this parent's, its loader says.
    """
    is_first = given.get("after") is None and given.get("before") is None
    if is_first and filter is None and (sort is None or isinstance(sort, Enum)):
        return _first_page(name, given.get("first"), given.get("last"), sort)
    problems = problems_of_filter(filter) if isinstance(filter, Filter) else []
    page = PageArgs(**given, mark="" if problems else mark_of(name, filter, sort))
    refuse([*problems, *page.problems(is_known=is_root and not problems)])
    return page


@for_short_texts
def _first_page(name: str, first: int | None, last: int | None, sort: Enum | None) -> PageArgs:
    """Return the first page of a list that is not narrowed, which is what most clients ask for. Raises what is
    wrong.
    """
    page = PageArgs(first=first, last=last, mark=mark_of(name, None, sort))
    refuse(page.problems(is_known=False))
    return page


def problems_of_filter(filter: Any) -> list[UserError]:
    """Return what is wrong with a filter. Asked with every request: what matches nothing may depend on the clock.

    Fields that are wrong by themselves are left out of what is held together.
    """
    problems: list[UserError] = []
    sound = look_at(problems, filter, "filter")
    if problems:
        input_type: Any = type(filter)
        filter = replace(filter, **dict.fromkeys(rules_of(input_type).keys() - sound.keys()))
    return [*problems, *filter.problems()]
