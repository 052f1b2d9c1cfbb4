"""Every list and every field of the largest objects, asked in each way that the schema offers.

The schema is walked, so that a list which comes later is asked without being named here. What is asked of an object is
asked of each large one of its type: the largest for this list is among them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)

from benchmarks.big_rows import (
    ADMIN,
    CHATTY,
    CLUB_CHATS,
    HOST,
    INBOX,
    OWNER,
    RARE_INTEREST,
    SPECIAL_USERS,
    TALKER,
    TEXTS,
    USUAL_INTEREST,
    BigWorld,
    identifier,
)
from schema.core import ids

T = TypeVar("T")
PAGE_ARGUMENTS = frozenset({"first", "after", "last", "before"})
MEMBER = SPECIAL_USERS + 1
"""One of the largest club, and of the largest events and chats."""
PEOPLE: dict[str, int | None] = {
    "guest": None,
    "member": MEMBER,
    "chatty": CHATTY,
    "host": HOST,
    "inbox": INBOX,
    "owner": OWNER,
    "talker": TALKER,
    "admin": ADMIN,
}
OF_ALL = ("guest", "host", "chatty", "admin")
"""Who asks for what everybody may search."""
OF_THEMSELVES = ("chatty", "inbox", "host", "member", "admin")
BRIEFLY = 2
"""How many people ask what is theirs, where little is asked."""
KINDS = {"staffPerson": "User", "participant": "User", "category": "EventCategory"}
"""Types behind ids whose name does not say it."""


RANGES = (("of years", ("2020-01-01", "2060-01-01")), ("of days", ("2041-06-01", "2041-06-03")))
OF_OBJECT = "{{{{ node(id: {}) {{{{ ... on {} {{{{ {{0}} }}}} }}}} }}}}"


@dataclass(frozen=True)
class Parent:
    """A large object, and who asks something of it."""

    name: str
    kind: str
    number: int
    callers: tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """One operation that is asked of the server."""

    field: str
    """Type and field, such as `Event.participants`."""
    way: str
    parent: str
    caller: str
    document: str
    path: tuple[str, ...]
    """Where in the answer the field's value is."""
    before: Question | None = None
    """The question whose page ends where `$after` is."""

    @property
    def subject(self) -> str:
        """What bars are for."""
        return f"{self.field}: {self.way}"

    @property
    def name(self) -> str:
        of = f" of {self.parent}" if self.parent else ""
        return f"{self.subject}{of} ({self.caller})"


def parents(world: BigWorld) -> dict[str, list[Parent]]:
    """Return large objects by type."""
    found = (
        Parent("reviewed", "Event", world.reviewed_event, ("member", "guest", "host")),
        Parent("crowd", "Event", world.crowd_event, ("member", "guest", "host", "admin")),
        Parent("talk", "Event", world.talk_event, ("member", "talker")),
        Parent("big club", "Club", 0, ("member", "guest", "owner", "admin")),
        Parent("talk", "Chat", world.talk_event, ("member", "talker")),
        Parent("big club", "Chat", CLUB_CHATS, ("member", "owner")),
        Parent("crowd", "Chat", world.crowd_event, ("member", "host")),
        Parent("most booked", "Service", world.big_services[0], ("host", "member", "guest", "admin")),
        Parent("member", "User", MEMBER, ("guest", "member", "host")),
        Parent("host", "User", HOST, ("guest", "member")),
    )
    return {kind: [parent for parent in found if parent.kind == kind] for kind in {parent.kind for parent in found}}


def known_ids(world: BigWorld) -> dict[str, list[list[int]]]:
    """Return numbers of rows for arguments that are ids, by type: usual ones, rare ones, several."""
    return {
        "Event": [[world.crowd_event], [world.open_event, world.talk_event]],
        "EventCategory": [[0], [1, 2]],
        "Interest": [[USUAL_INTEREST], [RARE_INTEREST], [USUAL_INTEREST, RARE_INTEREST]],
        "Venue": [[0], [1, 2, 3]],
        "Club": [[0], [1, 2]],
        "ServiceType": [[0], [1, 2]],
        "User": [[HOST], [MEMBER]],
        "Chat": [[world.talk_event]],
        "Service": [[world.big_services[0]]],
    }


def is_connection(definition: GraphQLField) -> bool:
    return "pageInfo" in getattr(get_named_type(definition.type), "fields", {})


class Walk:
    """Makes the questions about one schema and one world."""

    def __init__(self, schema: GraphQLSchema, world: BigWorld, *, is_brief: bool = False) -> None:
        self._schema = schema
        self._is_brief = is_brief
        """Whether fewer values and no pairs are asked: all fields, all filters and sorts, each at least once."""
        self._parents = parents(world)
        self._ids = known_ids(world)

    def questions(self) -> Iterator[Question]:
        """Make all of them, lists before other fields."""
        for way in (self._lists, self._fields):
            for type_ in self._schema.type_map.values():
                if isinstance(type_, GraphQLObjectType) and not type_.name.startswith("__"):
                    yield from self._of_each_parent(type_, way)

    def unasked(self) -> list[str]:
        """Return lists of objects of which no large one is known: what is missing in `parents`."""
        asked = {"Query", "Viewer", *self._parents}
        return [
            f"{type_.name}.{name}"
            for type_ in self._schema.type_map.values()
            if isinstance(type_, GraphQLObjectType) and type_.name not in asked
            for name, definition in type_.fields.items()
            if is_connection(definition)
        ]

    def _of_each_parent(self, type_: GraphQLObjectType, ways: Any) -> Iterator[Question]:
        openings: list[tuple[str, str, tuple[str, ...], tuple[str, ...]]]
        if type_.name == "Query":
            openings = [("", "{{ {0} }}", (), OF_ALL)]
        elif type_.name == "Viewer":
            people = OF_THEMSELVES[:BRIEFLY] if self._is_brief else OF_THEMSELVES
            openings = [("", "{{ viewer {{ {0} }} }}", ("viewer",), (person,)) for person in people]
        else:
            openings = [
                (one.name, OF_OBJECT.format(self._quoted(one.kind, one.number), one.kind), ("node",), one.callers)
                for one in self._of(type_.name)
            ]
        for parent, opening, path, callers in openings:
            for caller in callers:
                for name, definition in type_.fields.items():
                    blank = Question(f"{type_.name}.{name}", "", parent, caller, opening, (*path, name))
                    yield from ways(blank, name, definition, is_first=caller == callers[0])

    def _of(self, kind: str) -> list[Parent]:
        """Return large objects of a type: all, or the first where little is asked."""
        found = self._parents.get(kind, [])
        return found[:1] if self._is_brief else found

    def _fields(self, blank: Question, name: str, definition: GraphQLField, *, is_first: bool) -> Iterator[Question]:
        """Ask a field that is no list of pages and no plain column, by itself: a count, the last message, hosts."""
        below = get_named_type(definition.type)
        is_plain = is_leaf_type(below) and not name.endswith("Count")
        is_other = blank.path == (name,) or is_connection(definition)
        if is_plain or is_other or any(map(is_required_argument, definition.args.values())):
            return
        shown = "" if is_leaf_type(below) else f" {{ {self._leaves(below)} }}"
        yield replace(blank, way="itself", document=blank.document.format(f"{name}{shown}"))

    def _lists(self, blank: Question, name: str, definition: GraphQLField, *, is_first: bool) -> Iterator[Question]:
        """Ask pages at both ends, all of an item, the count, each order, each value of each filter, and their pairs."""
        if not is_connection(definition):
            return
        connection: Any = get_named_type(definition.type)
        page = "nodes { __typename } pageInfo { endCursor startCursor }"

        def asked(way: str, *arguments: str, shown: str) -> Question:
            given = f"({', '.join(arguments)})" if arguments else ""
            return replace(blank, way=way, document=blank.document.format(f"{name}{given} {{ {shown} }}"))

        narrowed, sorts = [], []
        for argument, one in definition.args.items():
            if argument in PAGE_ARGUMENTS:
                continue
            values = [(label, f"{argument}: {value}") for label, value in self._values(argument, one.type, connection)]
            if isinstance(get_named_type(one.type), GraphQLEnumType):
                sorts += values
            else:
                narrowed += values
        first = asked("first", "first: 20", shown=page)
        after = asked("next", "first: 20", "after: $after", shown=page)
        yield first
        if not self._is_brief:
            yield replace(after, document=f"query($after: String) {after.document}", before=first)
        yield asked("last", "last: 20", shown=page)
        yield asked("everything", "first: 20", shown=f"nodes {{ {self._everything(connection)} }}")
        if "totalCount" in connection.fields:
            yield asked("totalCount", shown="totalCount")
        for label, argument in sorts:
            yield asked(label, argument, "first: 20", shown=page)
            if not self._is_brief:
                yield asked(f"{label}, last", argument, "last: 20", shown=page)
        for label, argument in narrowed:
            yield asked(label, argument, "first: 20", shown=page)
            if "totalCount" in connection.fields:
                yield asked(f"{label}, totalCount", argument, shown="totalCount")
            for sort, ordered in sorts if is_first and not self._is_brief else ():
                yield asked(f"{label}, {sort}", argument, ordered, "first: 20", shown=page)

    def _leaves(self, type_: Any) -> str:
        fields = getattr(type_, "fields", {})
        names = [name for name, one in fields.items() if is_leaf_type(get_named_type(one.type)) and not one.args]
        return " ".join(["__typename", *names])

    def _everything(self, connection: GraphQLObjectType) -> str:
        """Select all fields of a list's items but their own lists."""
        parts = ["__typename"]
        for name, definition in get_named_type(connection.fields["nodes"].type).fields.items():
            if any(map(is_required_argument, definition.args.values())) or is_connection(definition):
                continue
            parts.append(name if is_leaf_type(get_named_type(definition.type)) else f"{name} {{ __typename }}")
        return " ".join(parts)

    def _values(self, name: str, type_: Any, connection: GraphQLObjectType) -> Iterator[tuple[str, str]]:
        """Make values of an argument, each with how it is called: the usual and the rare, one and several."""
        if isinstance(type_, GraphQLNonNull):
            type_ = type_.of_type
        if isinstance(type_, GraphQLInputObjectType):
            for field, one in type_.fields.items():
                if type_.name.endswith("Filter"):
                    for label, value in self._values(field, one.type, connection):
                        yield label, f"{{{field}: {value}}}"
            if not type_.name.endswith("Filter"):
                yield from self._objects(name, type_)
        elif isinstance(type_, GraphQLList):
            yield from self._lists_of(name, get_named_type(type_), connection)
        elif isinstance(type_, GraphQLEnumType):
            yield from ((f"{name} {value}", value) for value in type_.values)
        elif type_.name == "Boolean":
            yield from ((f"{name} {value}", value) for value in self._some(("false", "true")))
        elif type_.name == "String":
            texts = (TEXTS[0], TEXTS[-2]) if self._is_brief else TEXTS
            yield from ((f"{name} “{text}”", f'"{text}"') for text in texts)
        elif type_.name == "ID":
            for numbers in self._ids[self._kind(name, connection)]:
                yield f"{name} {numbers[0]}", f'"{self._id(self._kind(name, connection), numbers[0])}"'
        else:
            raise NotImplementedError(f"no values of {type_} are known ({name})")

    def _lists_of(self, name: str, of: Any, connection: GraphQLObjectType) -> Iterator[tuple[str, str]]:
        if isinstance(of, GraphQLEnumType):
            values = list(of.values)
            yield from ((f"{name} {value}", f"[{value}]") for value in self._some(values))
            if not self._is_brief:
                yield f"{name} all", f"[{', '.join(values)}]"
        elif of.name == "Int":
            yield from ((f"{name} {number}", f"[{number}]") for number in self._some([1, 5]))
        elif of.name == "ID":
            kind = self._kind(name.removesuffix("s"), connection)
            for numbers in self._some(self._ids[kind]):
                label = " ".join(map(str, numbers))
                yield f"{name} {label}", f"[{', '.join(self._quoted(kind, number) for number in numbers)}]"
        else:
            raise NotImplementedError(f"no values of [{of}] are known ({name})")

    def _some(self, values: Sequence[T]) -> Sequence[T]:
        """Return all, or the last one where little is asked."""
        return values[-1:] if self._is_brief else values

    def _objects(self, name: str, type_: GraphQLInputObjectType) -> Iterator[tuple[str, str]]:
        scalars = {field: get_named_type(one.type).name for field, one in type_.fields.items()}
        if set(scalars.values()) == {"Date"}:
            for label, days in self._some(RANGES):
                given = ", ".join(f'{one}: "{day}"' for one, day in zip(scalars, days, strict=True))
                yield f"{name} {label}", f"{{{given}}}"
        elif set(scalars) == {"amount", "currency"}:
            yield f"{name} 250", '{amount: "250", currency: "RUB"}'
        else:
            raise NotImplementedError(f"no values of {type_} are known ({name})")

    def _kind(self, name: str, connection: GraphQLObjectType) -> str:
        name = name.removesuffix("Id")
        return (
            connection.name.removesuffix("Connection") if name == "id" else KINDS.get(name, name[0].upper() + name[1:])
        )

    def _id(self, kind: str, number: int) -> str:
        return ids.encode(kind, identifier(kind, number))

    def _quoted(self, kind: str, number: int) -> str:
        return f'"{self._id(kind, number)}"'
