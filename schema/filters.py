"""The `filter` argument of lists: what is wrong with one, whichever list it narrows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from strawberry.utils.str_converters import to_camel_case

from errors import NothingChosen, TooLong, UserError, refuse
from schema.limits import MAX_ITEMS

LONGEST_TEXT = 200
"""Characters of what one looks for."""
ALL_HOLD = f"All that is given has to hold; of a list one of its values, which are 1 to {MAX_ITEMS}."
"""Said by every filter of itself."""


class Filter:
    """Base of the inputs that are filters."""

    def problems(self) -> Iterable[UserError]:
        """What is wrong beside empty sets, such as values that can match nothing together."""
        return ()


def looked_for(filter: Any) -> str | None:
    """The text whose words a filter asks for, or null where it narrows nothing."""
    text: str | None = getattr(filter, "text", None)
    return text if text and text.strip() else None


def check_filter(filter: Any) -> None:
    """Raise what is wrong with a filter. Asked with every request: what matches nothing may depend on the clock."""
    empty = [name for name, value in vars(filter).items() if value == []]
    problems: list[UserError] = [NothingChosen(path=("filter", to_camel_case(name))) for name in empty]
    if len(looked_for(filter) or "") > LONGEST_TEXT:
        problems.append(TooLong(path=("filter", "text"), maximum=LONGEST_TEXT))
    refuse(problems if empty else [*problems, *filter.problems()])
