"""What is wrong with one value, by its GraphQL type and the rules of input fields."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    Undefined,
    is_required_input_field,
)
from strawberry.types.base import StrawberryMaybe, StrawberryOptional

from documents.limits import MAX_INPUT_DEPTH, MAX_ITEMS, text_problem
from errors import ErrorCode, InvalidId, Required, TooMany, UserError, _, _n
from schema.core.input_checks import FieldRule, check_whole, look_at_all, rules_of
from schema.core.metadata import MAX_ITEMS_KEY, definition_of
from translations import one_line

LONGEST_NAME = 64
"""Characters of an unknown field that are repeated."""


MOST_ALLOWED = 50
"""Values of an enum that are told."""


Path = tuple[str, ...]


class NotText(UserError):
    code = ErrorCode.INVALID
    message = _("This must be text.")


class UnknownCharacter(UserError):
    """PostgreSQL keeps neither NUL nor half a surrogate pair, and no text needs them."""

    code = ErrorCode.INVALID
    message = _("This text contains a character that is not allowed.")


class NotWholeNumber(UserError):
    code = ErrorCode.INVALID
    message = _("This must be a whole number between {minimum} and {maximum}.")


class NotNumber(UserError):
    code = ErrorCode.INVALID
    message = _("This must be a number.")


class NotBoolean(UserError):
    code = ErrorCode.INVALID
    message = _("This must be true or false.")


class NotTime(UserError):
    code = ErrorCode.INVALID
    message = _("This must be a date and a time of day.")


class NotDate(UserError):
    code = ErrorCode.INVALID
    message = _("This must be a date.")


class NotDecimal(UserError):
    code = ErrorCode.INVALID
    message = _("This must be a decimal number, such as 1500.00.")


class NotObject(UserError):
    code = ErrorCode.INVALID
    message = _("This must be an object with fields.")


class NotAmongValues(UserError):
    code = ErrorCode.INVALID
    message = _("This is not one of the possible values.")


class UnknownField(UserError):
    code = ErrorCode.INVALID
    message = _("This field does not exist here.")


class NotNull(UserError):
    """A refusal of null in an update: if the field is omitted it stays as it is, and null is no value of it."""

    code = ErrorCode.INVALID
    message = _("This can be omitted, but it cannot be null.")


class NotUnderstood(UserError):
    code = ErrorCode.INVALID
    message = _("This value could not be understood.")


class TooDeep(UserError):
    code = ErrorCode.INVALID
    message = _n("At most {maximum} level.", "At most {maximum} levels.", by="maximum")


KINDS: dict[str, type[UserError]] = {
    "ID": InvalidId,
    "String": NotText,
    "Float": NotNumber,
    "Boolean": NotBoolean,
    "DateTime": NotTime,
    "Date": NotDate,
    "Decimal": NotDecimal,
}
"""What is said of a value that is none of a scalar."""


class TooManyItems(TooMany):
    pass


LIMITED = (TooManyItems, TooDeep)
"""What is too much for us, whatever it means: always told of the request."""


Reading = Generator[UserError, None, Any]
"""Gives everything that is wrong with a value, and returns it as it is understood, or `UNSOUND`."""


UNSOUND = object()


def read_value(
    value: Any, type_: Any, path: Path = (), rule: FieldRule | None = None, max_items: int = MAX_ITEMS
) -> Reading:
    if isinstance(type_, GraphQLNonNull):
        if value is None:
            yield Required(path=path)
            return UNSOUND
        type_ = type_.of_type
    if value is None:
        return None
    if isinstance(value, list | dict) and len(path) >= MAX_INPUT_DEPTH:
        yield TooDeep(path=path, maximum=MAX_INPUT_DEPTH)
        return UNSOUND
    if isinstance(type_, GraphQLList):
        return (yield from _read_list(value, type_, path, rule, max_items))
    if isinstance(type_, GraphQLInputObjectType):
        return (yield from _read_fields(value, type_, path))
    return (yield from _read_leaf(value, type_, path, rule))


def _read_list(value: Any, type_: Any, path: Path, rule: FieldRule | None, max_items: int) -> Reading:
    if not isinstance(value, list):
        # A list of one (October 2021, section 3.11).
        only = yield from read_value(value, type_.of_type, path, rule)
        return UNSOUND if only is UNSOUND else [only]
    if len(value) > max_items:
        yield TooManyItems(path=path, maximum=max_items)
        return UNSOUND
    items = []
    for position, item in enumerate(value):
        items.append((yield from read_value(item, type_.of_type, (*path, str(position)), rule)))
    return UNSOUND if any(one is UNSOUND for one in items) else items


def _read_leaf(value: Any, type_: Any, path: Path, rule: FieldRule | None) -> Reading:
    if isinstance(value, str) and text_problem(value):
        yield UnknownCharacter(path=path)
        return UNSOUND
    found = _parsed(value, type_)
    problems: list[UserError] = []
    if found is UNSOUND:
        if rule is not None and type_.name == "Int" and type(value) is int:
            # Our own limits are narrower than those of the type.
            check = rule.each or rule.check
            if check is not None:
                check(problems, value, *path)
        problems = problems or [_unlike(type_, path)]
    elif rule is not None and rule.each is not None:
        rule.each(problems, found, *path)
    yield from problems
    return UNSOUND if problems else found


def _read_fields(value: Any, type_: GraphQLInputObjectType, path: Path) -> Reading:
    if not isinstance(value, dict):
        yield NotObject(path=path)
        return UNSOUND
    input_type = definition_of(type_).origin
    rules, sound = {one.spelling: one for one in rules_of(input_type).values()}, dict[str, Any]()
    for name, known in type_.fields.items():
        rule = rules[name]
        if name in value:
            found = yield from _read_field(value[name], known, rule, (*path, name))
            if found is not UNSOUND:
                sound[rule.name] = found
        elif is_required_input_field(known):
            yield Required(path=(*path, name))
        elif not rule.may_be_absent:
            sound[rule.name] = rule.default
    problems: list[UserError] = []
    look_at_all(problems, input_type, sound, *path)
    yield from problems
    for name in value:
        if name not in type_.fields:
            # Repeated only as far as it may be told.
            yield UnknownField(path=(*path, one_line(name.encode(errors="replace").decode(), most=LONGEST_NAME)))
    return sound


def _read_field(value: Any, known: Any, rule: FieldRule, path: Path) -> Reading:
    if value is None and _may_not_be_null(known):
        yield NotNull(path=path)
        return UNSOUND
    found = yield from read_value(value, known.type, path, rule, _max_items(known))
    problems: list[UserError] = []
    if found is not UNSOUND:
        check_whole(problems, rule, found, *path)
    yield from problems
    return UNSOUND if problems else found


def _parsed(value: Any, type_: Any) -> Any:
    try:
        found = type_.parse_value(value)
    except Exception:  # whatever a scalar's parser raises: the value is none of its own
        return UNSOUND
    return UNSOUND if found is Undefined else found


def _unlike(type_: Any, path: Path) -> UserError:
    if isinstance(type_, GraphQLEnumType):
        return NotAmongValues(path=path, allowed=list(type_.values)[:MOST_ALLOWED])
    if type_.name == "Int":
        return NotWholeNumber(path=path, minimum=-(2**31), maximum=2**31 - 1)
    return KINDS.get(type_.name, NotUnderstood)(path=path)


def excesses(value: Any, type_: Any, max_items: int, path: Path = ()) -> Iterator[UserError]:
    """Return what is too much, or not told by the schema: without what graphql-core looks for."""
    if isinstance(type_, GraphQLNonNull):
        type_ = type_.of_type
    if isinstance(value, str):
        if text_problem(value):
            yield UnknownCharacter(path=path)
    elif isinstance(value, list | dict) and len(path) >= MAX_INPUT_DEPTH:
        yield TooDeep(path=path, maximum=MAX_INPUT_DEPTH)
    elif isinstance(value, list):
        if len(value) > max_items:
            yield TooManyItems(path=path, maximum=max_items)
            return
        inner = type_.of_type if isinstance(type_, GraphQLList) else type_
        for position, item in enumerate(value):
            yield from excesses(item, inner, max_items, (*path, str(position)))
    elif isinstance(value, dict):
        fields = type_.fields if isinstance(type_, GraphQLInputObjectType) else {}
        for name, item in value.items():
            known = fields.get(name)
            if known is None:
                # Nobody reads it, but it is not to be larger than what is read.
                yield from excesses(item, None, max_items, (*path, ""))
            elif item is None and _may_not_be_null(known):
                yield NotNull(path=(*path, name))
            else:
                yield from excesses(item, known.type, _max_items(known), (*path, name))


def _may_not_be_null(input_field: Any) -> bool:
    """Whether it may be left out but has no null, which the schema cannot say."""
    definition = definition_of(input_field)
    declared = definition.type if definition is not None else None
    return isinstance(declared, StrawberryMaybe) and not isinstance(declared.of_type, StrawberryOptional)


def _max_items(input_field: Any) -> int:
    definition = definition_of(input_field)
    return int(definition.metadata.get(MAX_ITEMS_KEY, MAX_ITEMS)) if definition is not None else MAX_ITEMS
