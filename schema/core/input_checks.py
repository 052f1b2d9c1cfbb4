"""What is wrong with an input in itself: all that can be seen without the database, found at once.

A field of an input says by its metadata what it takes (`checked`). An id says it by its name, a time by its type. What
several fields have to be together is said by the input's `check_together`. The checks themselves stand beside the rules
that use them, so each limit is written once.

Inputs that fit their types are looked at here, before a mutation or a list does anything. Those that do not are read by
`schema/core/variables/`, which asks the same checks of whatever fits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass
from datetime import datetime
from functools import cache
from typing import Any

import strawberry
from strawberry.types.base import StrawberryList, StrawberryMaybe, StrawberryOptional
from strawberry.utils.str_converters import to_camel_case

from errors import InvalidId, UserError
from resolvers.core.moments import check_moment
from schema.core import ids
from schema.core.metadata import CHECK, EACH

Check = Callable[..., Any]
"""`(problems, value, *path)`: what is wrong with the value goes to `problems`."""

KINDS = {
    "category": "EventCategory",
    "item": "ModerationItem",
    "member": "User",
    "membership": "ClubMembership",
    "on_behalf_of": "User",
    "participant": "User",
    "revision": "EventRevision",
    "staff_person": "User",
}
"""Types of ids whose field is not named like the type."""


def checked(check: Check | None = None, *, each: Check | None = None) -> dict[str, Any]:
    """Metadata of an input field: `check` looks at its value, `each` at every item of it."""
    return {name: one for name, one in ((CHECK, check), (EACH, each)) if one is not None}


@cache
def id_of(type_name: str) -> Check:
    """Return the check of an id of one type."""

    def check(problems: list[UserError], value: str, *path: str) -> None:
        try:
            ids.decode(value, type_name, *path)
        except InvalidId as error:
            problems.append(error)

    return check


@dataclass(frozen=True)
class FieldRule:
    """What one field of an input takes."""

    name: str
    """The name of the attribute."""
    spelling: str
    """The name of the field, as clients write it."""
    may_be_absent: bool
    """Whether null and being left out differ (`strawberry.Maybe`)."""
    default: Any
    check: Check | None
    each: Check | None
    nested: type | None
    """The input that it holds, or a list of it."""


@cache
def rules_of(input_type: Any) -> Mapping[str, FieldRule]:
    """Return the rules of an input's fields by attribute."""
    definition: Any = input_type.__strawberry_definition__
    of_class: Mapping[str, Check] = getattr(input_type, "checks", {})
    of_sets: Check | None = getattr(input_type, "check_set", None)
    return {one.python_name: _rule(one, of_class.get(one.python_name), of_sets) for one in definition.fields}


def _rule(declared: Any, of_class: Check | None, of_sets: Check | None) -> FieldRule:
    inner, is_list, may_be_absent = declared.type, False, False
    while isinstance(inner, StrawberryMaybe | StrawberryOptional | StrawberryList):
        is_list = is_list or isinstance(inner, StrawberryList)
        may_be_absent = may_be_absent or isinstance(inner, StrawberryMaybe)
        inner = inner.of_type
    each: Check | None = declared.metadata.get(EACH)
    if each is None and inner is strawberry.ID:
        each = id_of(kind_of(declared.python_name))
    elif each is None and inner is datetime:
        each = check_moment
    return FieldRule(
        name=declared.python_name,
        spelling=declared.graphql_name or to_camel_case(declared.python_name),
        may_be_absent=may_be_absent,
        default=_default(declared),
        check=declared.metadata.get(CHECK) or of_class or (of_sets if is_list else None),
        each=each,
        nested=inner if getattr(inner, "__strawberry_definition__", None) is not None else None,
    )


def _default(declared: Any) -> Any:
    """Return what stands for a field that is left out; null where that is nothing."""
    if declared.default_factory is not MISSING:
        return declared.default_factory()
    return None if declared.default in (MISSING, strawberry.UNSET) else declared.default


def kind_of(name: str) -> str:
    """Return the type of the ids in a field of this name, such as `User` for `user_ids`."""
    stem = re.sub("_ids?$", "", name)
    return KINDS.get(stem) or "".join(part.capitalize() for part in stem.split("_"))


def problems_of(input: Any, *path: str) -> list[UserError]:
    """Everything that is wrong with an input."""
    problems: list[UserError] = []
    look_at(problems, input, *path)
    return problems


def look_at(problems: list[UserError], input: Any, *path: str) -> dict[str, Any]:
    """Return the values of an input that have nothing wrong with them, by attribute; inputs within it likewise."""
    sound: dict[str, Any] = {}
    input_type: Any = type(input)
    for rule in rules_of(input_type).values():
        value = getattr(input, rule.name)
        if rule.may_be_absent:
            if value is None:
                continue
            value = value.value
        elif value is None:
            sound[rule.name] = None
            continue
        under, before = (*path, rule.spelling), len(problems)
        if rule.nested is not None:
            value = _look_within(problems, value, *under)
        elif rule.each is not None and value is not None:
            _look_at_each(problems, rule.each, value, *under)
        check_whole(problems, rule, value, *under)
        if len(problems) == before or rule.nested is not None:
            sound[rule.name] = value
    look_at_all(problems, input_type, sound, *path)
    return sound


def _look_within(problems: list[UserError], value: Any, *path: str) -> Any:
    if isinstance(value, list):
        return [look_at(problems, one, *path, str(at)) for at, one in enumerate(value)]
    return None if value is None else look_at(problems, value, *path)


def _look_at_each(problems: list[UserError], check: Check, value: Any, *path: str) -> None:
    if not isinstance(value, list):
        check(problems, value, *path)
        return
    for at, one in enumerate(value):
        check(problems, one, *path, str(at))


def check_whole(problems: list[UserError], rule: FieldRule, value: Any, *path: str) -> None:
    """Ask the field's own check. Null says something only where it differs from being left out."""
    if rule.check is not None and (value is not None or rule.may_be_absent):
        rule.check(problems, value, *path)


def look_at_all(problems: list[UserError], input_type: type, sound: Mapping[str, Any], *path: str) -> None:
    """Ask what the values of an input have to be together."""
    check: Check | None = getattr(input_type, "check_together", None)
    if check is not None:
        check(problems, sound, *path)


def together(found: Sequence[UserError], more: Sequence[UserError]) -> list[UserError]:
    """Refusals that were found in two ways, each once."""
    known = {(one.code, one.path) for one in more}
    return [*(one for one in found if (one.code, one.path) not in known), *more]


def given(**maybes: strawberry.Maybe[Any]) -> dict[str, Any]:
    """Return the values that were given, null included."""
    return {name: maybe.value for name, maybe in maybes.items() if maybe is not None}
