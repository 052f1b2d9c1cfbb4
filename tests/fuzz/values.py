"""Arguments of generated operations: what value, and how it is given: as a literal, by a variable, by a default."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    Undefined,
)

from schema.core import ids
from tests.fuzz.world import MISSING, World

T = TypeVar("T")

LEFT_OUT: Any = object()
"""In the place of a value: the argument is not there at all."""

WORDS = ("", "а", "AC/DC", "½ <C++>", "джаз", "вечер", "jazz", "club", "ё", "anna", "%_\\", 'q"uote', "строка " * 40)
TEXTS = {
    "handle": ("anna", "ANNA", "shy", "gone", "nobody", "", "new.handle"),
    "currency": ("RUB", "USD", "rub", ""),
    "timeZone": ("Europe/Moscow", "Asia/Vladivostok", "Mars/Base"),
    "locale": ("ru", "en", "xx"),
    "phone": ("+79161234567", "8 916 123-45-67", "12"),
    "email": ("new@example.org", "anna@example.org", "no address"),
    "password": ("wingding-demo", "a long enough password", "short"),
    "idempotencyKey": ("12345678", "a-key-of-the-oracle", "short"),
}
MOMENTS = (
    "2126-05-27T18:00:00+03:00", "2126-05-27T21:00:00+03:00", "2126-06-27T18:00:00Z",
    "2126-05-20T12:34:56.789012+00:00", "2126-05-01T10:00:00+03:00",
)  # fmt: skip
SCALARS: dict[str, Sequence[Any]] = {
    "Boolean": (True, False),
    "Int": (1, 0, 2, 5, 10, 50, -1, 2147483647),
    "Float": (55.75, 0, -1.5, 1e9),
    "DateTime": MOMENTS,
    "Date": ("2126-05-20", "2126-05-01", "2126-06-30", "1990-02-28"),
    "Decimal": ("0", "500", "0.50", "1500.00", "-1"),
}
MISUNDERSTOOD = {
    "DateTime": ("2126-05-27T18:00:00", "not a time", ""),
    "Date": ("20 May", "2126-02-30", ""),
    "Decimal": ("NaN", "lots", ""),
    "Int": (2147483647, -2147483648),
}
KINDS = {
    "categoryId": "EventCategory",
    "memberId": "User",
    "membershipId": "ClubMembership",
    "participantId": "User",
    "itemId": "ModerationItem",
    "revisionId": "EventRevision",
    "staffPersonId": "User",
    "onBehalfOf": "User",
}
"""GraphQL type behind an argument whose name does not say it."""
OWNERS = {
    "Query.node": None,
    "Query.nodes": None,
    "EventFilter": "Event",
    "MarkNotificationsReadInput": "Notification",
}
"""The same for `id` and `ids`, by where they stand. Elsewhere the field is named after the type."""


@dataclass(frozen=True)
class Name:
    """An enum's value: without quotes in a document, a string in variables."""

    text: str


@dataclass(frozen=True)
class Given:
    """A variable in the place of a value."""

    name: str


def written(value: Any) -> str:
    """As it stands in a document."""
    if isinstance(value, Name):
        return value.text
    if isinstance(value, Given):
        return f"${value.name}"
    if isinstance(value, list):
        return f"[{', '.join(written(item) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {written(item)}' for name, item in value.items())}}}"
    return json.dumps(value, ensure_ascii=False)


def sent(value: Any) -> Any:
    """As it stands in the JSON of the variables."""
    if isinstance(value, Name):
        return value.text
    if isinstance(value, list):
        return [sent(item) for item in value]
    if isinstance(value, dict):
        return {name: sent(item) for name, item in value.items()}
    return value


def kind_of(name: str, owner: str) -> str | None:
    """GraphQL type that an id argument of this name leads to; null where any will do."""
    name = name.removesuffix("s") if name.endswith("Ids") else name
    if name in KINDS:
        return KINDS[name]
    if name in ("id", "ids"):
        return OWNERS.get(owner, owner.partition(".")[2].capitalize())
    return name[0].upper() + name[1:].removesuffix("Id")


@dataclass
class Values:
    """Chooses the values of one operation, and remembers the variables that it declares.

    Every choice is a byte of the tape, and 0, which also stands behind its end, is always the simplest one: what makes
    the tape smaller makes the operation simpler.
    """

    tape: bytes
    world: World
    position: int = 0
    definitions: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    kinds: list[str] = field(default_factory=list)
    """Types of the ids chosen so far; whoever wants to know those of one argument empties it before."""
    places: dict[str, tuple[str, str, Any, bool]] = field(default_factory=dict)
    """Where a variable brings its value to: owner, name and type, and whether the variable may be left out."""
    reusable: dict[tuple[str, bool, str], list[str]] = field(default_factory=dict)

    def number(self, most: int) -> int:
        """From 0 to `most`, which is at most 255."""
        position, self.position = self.position, self.position + 1
        return self.tape[position] % (most + 1) if position < len(self.tape) else 0

    def chance(self, percent: int) -> bool:
        """False is the simpler answer, which shrinking prefers."""
        return self.number(99) >= 100 - percent

    def pick(self, choices: Sequence[T]) -> T:
        """The first one is the simplest."""
        return choices[self.number(len(choices) - 1)]

    def argument(
        self, owner: str, name: str, definition: GraphQLArgument | GraphQLInputField, value: Any
    ) -> str | None:
        """`name: value` with the value given in any way that is valid; null where it is left out."""
        type_, has_default = definition.type, definition.default_value is not Undefined
        if value is LEFT_OUT:
            may_miss = has_default or not isinstance(type_, GraphQLNonNull)
            if not (may_miss and self.chance(15)):
                return None
            return f"{name}: {written(self.declare(owner, name, _nullable(type_)))}"
        if self.chance(35):
            return f"{name}: {written(self.variable(owner, name, type_, has_default, value))}"
        return f"{name}: {written(self.with_variables(owner, name, type_, value))}"

    def declare(self, owner: str, name: str, type_: Any, *, default: Any = LEFT_OUT, value: Any = LEFT_OUT) -> Given:
        """A new variable that brings its value to the argument or input field `name` of `owner`."""
        variable = f"v{len(self.definitions) + 1}"
        self.definitions[variable] = f"${variable}: {type_}" + ("" if default is LEFT_OUT else f" = {written(default)}")
        may_miss = default is not LEFT_OUT or not isinstance(type_, GraphQLNonNull)
        self.places[variable] = (owner, name, type_, may_miss)
        if value is not LEFT_OUT:
            self.variables[variable] = sent(value)
        return Given(variable)

    def other_variables(self) -> dict[str, Any]:
        """Other values for the same variables."""
        return {
            variable: sent(self.value(owner, name, type_))
            for variable, (owner, name, type_, may_miss) in self.places.items()
            if not (may_miss and self.chance(25))
        }

    def variable(self, owner: str, name: str, type_: Any, has_default: bool, value: Any) -> Given:
        """A variable for this place that brings the value, or sometimes one that another place has already."""
        place = (str(type_), has_default, name)
        known = self.reusable.setdefault(place, [])
        if known and self.chance(25):
            return Given(self.pick(known))
        made = self._variable(owner, name, type_, has_default, value)
        known.append(made.name)
        return made

    def _variable(self, owner: str, name: str, type_: Any, has_default: bool, value: Any) -> Given:
        bare = _nullable(type_)
        if value is None:
            return self.declare(owner, name, bare, value=None)
        other = self.value(owner, name, bare, nullable=False)
        match self.number(6):
            case 0 | 1:
                return self.declare(owner, name, type_, value=value)
            case 2:
                return self.declare(owner, name, GraphQLNonNull(bare), value=value)
            case 3:
                return self.declare(owner, name, bare, default=value)
            case 4:
                return self.declare(owner, name, bare, default=other, value=value)
            case 5 if has_default and isinstance(type_, GraphQLNonNull):
                # Null where the default forbids it: an error of the field, known only while executing.
                return self.declare(owner, name, bare, value=None if self.chance(30) else value)
            case _ if self.chance(5):
                return self.declare(owner, name, type_, value={"wrong": "kind"})
            case _:
                return self.declare(owner, name, type_, default=other, value=value)

    def with_variables(self, owner: str, name: str, type_: Any, value: Any) -> Any:
        """The same value, with a variable here and there within it."""
        bare = _nullable(type_)
        if isinstance(value, dict) and isinstance(bare, GraphQLInputObjectType):
            return {
                key: self.variable(bare.name, key, bare.fields[key].type, _has_default(bare.fields[key]), item)
                if self.chance(15)
                else self.with_variables(bare.name, key, bare.fields[key].type, item)
                for key, item in value.items()
            }
        if isinstance(value, list) and isinstance(bare, GraphQLList):
            inner = bare.of_type
            return [
                self.variable(owner, name, inner, False, item)
                if item is not None and self.chance(10)
                else self.with_variables(owner, name, inner, item)
                for item in value
            ]
        return value

    def value(self, owner: str, name: str, type_: Any, *, nullable: bool = True) -> Any:
        """A value of an input type. `owner` is `Type.field` or the input type where the argument stands."""
        if isinstance(type_, GraphQLNonNull):
            return self.value(owner, name, type_.of_type, nullable=False)
        if nullable and self.chance(6):
            return None
        if isinstance(type_, GraphQLList):
            if self.chance(6):
                # A single value stands for a list of one.
                return self.value(owner, name, type_.of_type, nullable=False)
            # An empty set in a filter is refused.
            least = 1 if owner.endswith("Filter") and not self.chance(10) else 0
            items = [self.value(owner, name, type_.of_type) for _ in range(max(least, self.number(3)))]
            return [*items, items[0]] if items and self.chance(20) else items
        if isinstance(type_, GraphQLEnumType):
            return Name(self.pick(list(type_.values)))
        if isinstance(type_, GraphQLInputObjectType):
            return self._object(type_)
        if type_.name == "ID":
            return self.id(kind_of(name, owner))
        if name in ("first", "last"):
            return self.number(5)
        if name in ("after", "before"):
            return self.cursor(owner)
        if type_.name == "String":
            return self.pick(TEXTS.get(name, WORDS))
        rare = MISUNDERSTOOD.get(type_.name)
        return self.pick(rare if rare and self.chance(4) else SCALARS[type_.name])

    def _object(self, type_: GraphQLInputObjectType) -> dict[str, Any]:
        optional = 60 if len(type_.fields) < 4 else 15
        return {
            name: self.value(type_.name, name, one.type)
            for name, one in type_.fields.items()
            if is_required(one) or self.chance(3 if name == "idempotencyKey" else optional)
        }

    def id(self, kind: str | None) -> str:
        """Mostly of something that is there, sometimes of nothing, of the wrong kind, or no id at all."""
        pools = self.world.ids
        chosen = kind if kind in pools else self.pick(sorted(pools))
        match self.number(19):
            case 17:
                return ids.encode(chosen, MISSING)
            case 18:
                return self.pick(pools[self.pick(sorted(pools))])
            case 19:
                return self.pick(("", "x", "RXZlbnQ6", ids.encode("Unknown", MISSING)))
            case _:
                self.kinds.append(chosen)
                return self.pick(pools[chosen])

    def cursor(self, owner: str) -> str:
        """Mostly one that this list gave, sometimes another list's, or none at all."""
        real = self.world.cursors.get(owner, [])
        match self.number(9):
            case 8:
                return self.pick(self.world.cursors[self.pick(sorted(self.world.cursors))])
            case 9:
                return self.pick(("", "x", "W10", "WzEsMl0"))
            case _:
                return self.pick(real or ["W10"])

    def page(self, owner: str, *, most: int) -> dict[str, Any]:
        """The four page arguments: usually a small page from some cursor, sometimes nonsense."""
        size = self.number(most)
        match self.number(15):
            case 0 | 1 | 2 | 3 | 4 | 5:
                return {"first": size}
            case 6 | 7 | 8:
                return {"first": size, "after": self.cursor(owner)}
            case 9 | 10:
                return {"last": size}
            case 11 | 12:
                return {"last": size, "before": self.cursor(owner)}
            case 13:
                return {"after": self.cursor(owner), "first": None, "last": None}
            case 14:
                return {"first": self.pick((size, 101, -1)), "last": self.pick((None, size, 1000))}
            case _:
                return {"first": size, "before": None} if most < 5 or self.chance(70) else {}


def _nullable(type_: Any) -> Any:
    return type_.of_type if isinstance(type_, GraphQLNonNull) else type_


def _has_default(one: GraphQLArgument | GraphQLInputField) -> bool:
    return one.default_value is not Undefined


def is_required(one: GraphQLArgument | GraphQLInputField) -> bool:
    return isinstance(one.type, GraphQLNonNull) and not _has_default(one)
