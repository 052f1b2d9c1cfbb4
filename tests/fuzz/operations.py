"""Strategies for random valid operations over the whole schema."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_composite_type,
    is_leaf_type,
)
from hypothesis import strategies

from tests.fuzz.places import Meaning, Place, fits, may_meet, merge
from tests.fuzz.values import LEFT_OUT, Values, is_required, written
from tests.fuzz.world import PEOPLE_ASKING, World

LANGUAGES = ("", "en", "ru", "de;q=0.5, ru;q=0.1")
MOST_FIELDS = (3, 6, 10, 15, 20, 30)
"""Fields of one operation, by its size. Far from the limits of `documents/limits.py`, which have tests of their own."""
MOST_OTHERS = 2
DEPTH = 5
"""Of relations: the layers of a connection do not count."""
ROWS = 60
"""Beyond so many objects that a place may stand for, lists within it get shorter."""
SHORTEST_TAPE, LONGEST_TAPE = 200, 1_200
"""Choices of one operation. The usual length is twice the shortest."""
ALIASES = ("a", "b", "same")
SECRETS = {"accessToken", "refreshToken", "deviceToken", "authorizationUrl", "state"}
"""Answers of signing in, which are random by design."""
SIGNING_IN = ("SignInPayload", "StartProviderSignInPayload")
LAYERS = ("Connection", "Edge")
INTROSPECTION = (
    '__type(name: "Event") { kind name fields { name type { kind name ofType { name } } } }',
    "__schema { queryType { name } mutationType { name } types { kind name } }",
    '__type(name: "Missing") { name }',
)


@dataclass(frozen=True)
class Case:
    """One request: who asks what. `then` are others who ask the same of what was kept for the first."""

    text: str
    variables: dict[str, Any]
    operation_name: str | None
    person: str
    language: str
    is_mutation: bool = False
    then: tuple[Case, ...] = ()

    def __repr__(self) -> str:
        return (
            f"as {self.person}, Accept-Language {self.language!r}, operationName {self.operation_name}\n"
            f"{self.text}\n{self.variables}"
        )


@dataclass(frozen=True)
class Fragment:
    """A named fragment that is complete. `brings` is what it adds to wherever it is spread."""

    type_name: str
    brings: Place


@dataclass
class Writer:
    """Writes one operation."""

    schema: GraphQLSchema
    values: Values
    left: int
    fragments: dict[str, Fragment] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)

    def selection(
        self, type_: Any, places: Sequence[Place], *, depth: int = 0, rows: int = 1, kinds: Sequence[str] = ()
    ) -> str:
        """A selection set, for all the places that it is part of. `kinds` are the types of the ids that led here."""
        values = self.values
        parts = [self._field(type_, places, depth, rows)]
        while self.left > 0 and len(parts) < 9 and values.chance(78):
            match values.number(11):
                case 9 if self.fragments or values.chance(50):
                    parts.append(self._spread(type_, places, depth, rows, kinds))
                case 10 | 11:
                    parts.append(self._inline(type_, places, depth, rows, kinds))
                case _:
                    parts.append(self._field(type_, places, depth, rows))
        if not isinstance(type_, GraphQLObjectType) and values.chance(85):
            parts.append(self._inline(type_, places, depth, rows, kinds))
        return f"{{ {' '.join(parts)} }}"

    def _field(self, type_: Any, places: Sequence[Place], depth: int, rows: int) -> str:
        self.left -= 1
        if self.values.chance(5) or isinstance(type_, GraphQLUnionType):
            return self._named("__typename", type_, "String!", "", places)[0]
        name, arguments, kinds = self._again(type_, places[0]) or self._anew(type_, places[0], depth, rows)
        definition = type_.fields[name]
        key, below = self._named(name, type_, str(definition.type), arguments, places)
        inner = get_named_type(definition.type)
        if not is_composite_type(inner):
            return key
        deeper = depth if inner.name.endswith(LAYERS) else depth + 1
        wider = rows * _breadth(definition)
        return f"{key} {self.selection(inner, below, depth=deeper, rows=wider, kinds=kinds)}"

    def _again(self, type_: Any, place: Place) -> tuple[str, str, tuple[str, ...]] | None:
        """Now and then a field with arguments that stands in this place already, so that both become one."""
        asks = [ask for meaning in place.values() for ask in meaning.asks if ask[0] == type_.name]
        composite = [ask for ask in asks if not ask[1]]
        if not composite or not self.values.chance(12):
            return None
        _parent, _is_leaf, name, arguments, _type = self.values.pick(composite)
        return name, arguments, ()

    def _anew(self, type_: Any, place: Place, depth: int, rows: int) -> tuple[str, str, tuple[str, ...]]:
        name = self._choose(type_, depth, place)
        self.values.kinds.clear()
        arguments = self._arguments(type_, name, type_.fields[name], rows)
        return name, arguments, tuple(self.values.kinds)

    def _choose(self, type_: Any, depth: int, place: Place) -> str:
        """A field of the type, mostly one that is not there yet.

        Relations as long as there is depth left for them, and where there is nothing else.
        """
        names = [name for name in type_.fields if not (name in SECRETS and type_.name in SIGNING_IN)]
        if self.values.chance(85):
            names = [name for name in names if name not in place] or names
        leaves = [name for name in names if is_leaf_type(get_named_type(type_.fields[name].type))]
        others = [name for name in names if name not in leaves]
        share = 75 if type_.name.endswith(LAYERS) else 50
        if not leaves or (others and self.left > 0 and depth < DEPTH and self.values.chance(share)):
            return self.values.pick(others)
        return self.values.pick(leaves)

    def _named(
        self, name: str, parent: Any, type_: str, arguments: str, places: Sequence[Place]
    ) -> tuple[str, list[Place]]:
        """The field with alias, arguments and directives, and the places below it."""
        ask = (
            parent.name if isinstance(parent, GraphQLObjectType) else None,
            is_leaf_type(get_named_type(self._type(parent, name))),
            name,
            arguments,
            type_,
        )
        wanted = self.values.pick(ALIASES) if self.values.chance(12) else name
        free = (f"{name}{number}" for number in range(2, 200))
        for key in (wanted, *free):
            meanings = [place.setdefault(key, Meaning()) for place in places]
            if all(may_meet(ask, known) for meaning in meanings for known in meaning.asks):
                break
        for meaning in meanings:
            meaning.asks.append(ask)
        alias = "" if key == name else f"{key}: "
        return f"{alias}{name}{arguments}{self._directive()}", [meaning.below for meaning in meanings]

    def _type(self, parent: Any, name: str) -> Any:
        return parent.fields[name].type if name != "__typename" else self.schema.get_type("String")

    def _arguments(self, type_: Any, name: str, definition: GraphQLField, rows: int) -> str:
        values, owner = self.values, f"{type_.name}.{name}"
        most = 5 if rows < ROWS else 1
        page = values.page(owner, most=most) if "first" in definition.args else {}
        given = []
        rather = values.pick(("id", "handle")) if owner == "Query.user" and values.chance(85) else None
        for key, one in definition.args.items():
            if rather is not None:
                value = values.value(owner, key, one.type, nullable=False) if key == rather else LEFT_OUT
            elif key in ("first", "after", "last", "before"):
                value = page.get(key, LEFT_OUT)
            elif is_required(one) or values.chance(45):
                value = values.value(owner, key, one.type)
            else:
                value = LEFT_OUT
            given.append(values.argument(owner, key, one, value))
        shown = [one for one in given if one is not None]
        return f"({', '.join(shown)})" if shown else ""

    def _directive(self) -> str:
        values = self.values
        if not values.chance(7):
            return ""
        name = values.pick(("@include", "@skip"))
        is_on = values.chance(50)
        if values.chance(50):
            return f" {name}(if: {written(is_on)})"
        return f" {name}(if: {written(values.variable(name, 'if', GraphQLNonNull(self._boolean), False, is_on))})"

    @property
    def _boolean(self) -> Any:
        return self.schema.get_type("Boolean")

    def _conditions(self, type_: Any) -> list[Any]:
        """Types that a fragment within this one may be on, the type itself first."""
        if isinstance(type_, GraphQLObjectType):
            unions = [
                one
                for one in self.schema.type_map.values()
                if isinstance(one, GraphQLUnionType) and type_ in one.types and one.name == "NotificationSubject"
            ]
            return [type_, *type_.interfaces, *unions]
        possible = sorted(self.schema.get_possible_types(type_), key=lambda one: one.name)
        return [*possible, type_]

    def _condition(self, type_: Any, kinds: Sequence[str]) -> Any:
        """The type of a fragment; mostly one that the ids promise, where they do."""
        possible = self._conditions(type_)
        promised = [one for one in possible if one.name in kinds]
        return self.values.pick(promised if promised and self.values.chance(75) else possible)

    def _inline(self, type_: Any, places: Sequence[Place], depth: int, rows: int, kinds: Sequence[str]) -> str:
        condition = self._condition(type_, kinds)
        on = "" if condition is type_ and self.values.chance(30) else f" on {condition.name}"
        return f"...{on}{self._directive()} {self.selection(condition, places, depth=depth, rows=rows)}"

    def _spread(self, type_: Any, places: Sequence[Place], depth: int, rows: int, kinds: Sequence[str]) -> str:
        """An earlier fragment where one fits, else a new one."""
        possible = {condition.name for condition in self._conditions(type_)}
        for name, fragment in self.fragments.items():
            if fragment.type_name in possible and all(fits(place, fragment.brings) for place in places):
                for place in places:
                    merge(place, fragment.brings)
                return f"...{name}{self._directive()}"
        condition = self._condition(type_, kinds)
        own: Place = {}
        # Named only when it is complete, so that no fragment can come to stand within itself.
        text = self.selection(condition, [*places, own], depth=depth, rows=rows)
        name = f"F{len(self.texts) + 1}"
        self.texts.append(f"fragment {name} on {condition.name} {text}")
        self.fragments[name] = Fragment(condition.name, own)
        return f"...{name}{self._directive()}"


def _breadth(definition: GraphQLField) -> int:
    """About how many objects one field stands for."""
    if "first" in definition.args:
        return 5
    named = definition.type.of_type if isinstance(definition.type, GraphQLNonNull) else definition.type
    return 3 if isinstance(named, GraphQLList) and not get_named_type(named).name.endswith(LAYERS) else 1


def operation(tape: bytes, schema: GraphQLSchema, world: World, mutations: Sequence[str]) -> Case:
    """The operation that a tape of choices describes. `mutations` are the root fields that a mutation may use."""
    values = Values(tape, world)
    writer = Writer(schema, values, left=values.pick(MOST_FIELDS))
    person, language = values.pick(PEOPLE_ASKING), values.pick(LANGUAGES)
    if values.chance(10):
        kind, text = "mutation", _mutations(writer, mutations)
    else:
        kind, text = "query", writer.selection(schema.query_type, [{}])
        if values.chance(4):
            text = f"{text[:-2]} {values.pick(INTROSPECTION)} }}"
    definitions = f"({', '.join(values.definitions.values())})" if values.definitions else ""
    name = values.pick(("", "Asked")) if kind == "query" else "Asked"
    head = "" if kind == "query" and not name and not definitions else f"{kind} {name}{definitions} "
    documents = [f"{head}{text}", *writer.texts]
    chosen = values.pick((None, name)) if name else None
    if name and values.chance(10):
        documents.append("query Other { __typename }")
        # Which one is meant must be said: the transport refuses whoever does not.
        chosen = values.pick((name, "Other"))
    case = Case("\n".join(documents), values.variables, chosen, person, language, kind == "mutation")
    others = []
    while len(others) < MOST_OTHERS and values.chance(25):
        others.append(replace(case, person=values.pick(PEOPLE_ASKING), variables=values.other_variables()))
    return replace(case, then=tuple(others))


def _mutations(writer: Writer, names: Sequence[str]) -> str:
    """One or two mutations in a row, each under a key of its own."""
    values, root = writer.values, writer.schema.mutation_type
    assert isinstance(root, GraphQLObjectType)
    parts = []
    for number in range(1 + values.number(1)):
        name = values.pick(names)
        definition = root.fields[name]
        given = values.value(f"Mutation.{name}", "input", definition.args["input"].type)
        argument = values.argument(f"Mutation.{name}", "input", definition.args["input"], given)
        payload = get_named_type(definition.type)
        writer.left = max(writer.left, 6)
        parts.append(f"m{number}: {name}({argument}) {writer.selection(payload, [{}])}")
    return f"{{ {' '.join(parts)} }}"


def cases(schema: GraphQLSchema, world: World, mutations: Sequence[str]) -> strategies.SearchStrategy[Case]:
    """Mostly queries, now and then a mutation.

    One string of bytes for each, rather than a draw for each choice: it is several times as fast, and Hypothesis makes
    no near copies of an operation by repeating a part of its draws.
    """
    tapes = strategies.binary(min_size=SHORTEST_TAPE, max_size=LONGEST_TAPE)
    return tapes.map(lambda tape: operation(tape, schema, world, mutations))
