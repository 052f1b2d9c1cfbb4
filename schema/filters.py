"""The `filter` argument of lists: what is wrong with one, whichever list it narrows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from strawberry.utils.str_converters import to_camel_case

from errors import NothingChosen, UserError, refuse
from schema.limits import MAX_ITEMS

ALL_HOLD = f"All that is given has to hold; of a list one of its values, which are 1 to {MAX_ITEMS}."
"""Said by every filter of itself."""


class Filter:
    """Base of the inputs that are filters."""

    def problems(self) -> Iterable[UserError]:
        """What is wrong beside empty sets, such as values that can match nothing together."""
        return ()


def check_filter(filter: Any) -> None:
    """Raise what is wrong with a filter. Asked with every request: what matches nothing may depend on the clock."""
    empty = [one.name for one in fields(filter) if getattr(filter, one.name) == []]
    refuse([NothingChosen(path=("filter", to_camel_case(name))) for name in empty] or list(filter.problems()))
