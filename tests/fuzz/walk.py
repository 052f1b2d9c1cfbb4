"""Operations that together ask for every declared field: one for each object type, by the shortest way to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_composite_type,
)
from sqlalchemy import select

from schema.core import ids
from schema.core.node_interface import NODES
from tests.api.core.examples import EXAMPLES
from tests.fuzz.operations import SECRETS, SIGNING_IN, Case
from tests.fuzz.values import kind_of, written
from tests.fuzz.world import World

SUBSCRIBED = ("Subscription", "AvailabilityChange", "MessageSent", "NotificationsRead", "ResyncRequired")
"""Types that only a live stream brings."""
REFUSALS = ("UserError", "UserErrorDetails")
"""Types that only the payload of a mutation brings that was refused."""


REFUSED = {"withDetails", *(name for name, one in EXAMPLES.items() if one.is_refused)}
"""Those which need a secret that is not kept anywhere, or a provider; and one that shows the numbers of a refusal."""


def queries(schema: GraphQLSchema, world: World, person: str) -> Iterator[tuple[str, Case]]:
    """For every type that a query leads to its name, and all of it as this person sees it."""
    for type_, (opening, depth) in _ways(schema, world).items():
        text = f"{{ {opening} {{ {_everything(type_, world)} }}{' }' * depth}"
        if type_ is schema.query_type:
            text = f"{{ {_everything(type_, world)} }}"
        yield type_.name, Case(text, {}, None, person, "")


async def mutations(schema: GraphQLSchema, world: World) -> list[Case]:
    """Each mutation once, with an input that it takes where that needs no secret."""
    assert schema.mutation_type is not None
    cases = []
    for name, example in EXAMPLES.items():
        definition = schema.mutation_type.fields[name]
        argument = definition.args["input"].type
        selection = _everything(get_named_type(definition.type), world)
        text = f"mutation($input: {argument}) {{ {name}(input: $input) {{ {selection} }} }}"
        cases.append(
            Case(text, {"input": await _found(world, example.input)}, None, example.who, "en", is_mutation=True)
        )
    refused = 'mutation { withDetails: signUp(input: {handle: "x", email: "x", displayName: "x"}) {'
    selection = _everything(get_named_type(schema.mutation_type.fields["signUp"].type), world)
    return [*cases, Case(f"{refused} {selection} }} }}", {}, None, "guest", "en", is_mutation=True)]


def _ways(schema: GraphQLSchema, world: World) -> dict[Any, tuple[str, int]]:
    """Text that leads to each type, up to its selection set, and how many braces that leaves open."""
    root = schema.query_type
    ways: dict[Any, tuple[str, int]] = {root: ("", 0)}
    waiting: deque[Any] = deque([root])
    for name in NODES:
        type_ = schema.get_type(name)
        ways[type_] = (f"nodes(ids: {written(world.ids[name])}) {{ ... on {name}", 2)
        waiting.append(type_)
    while waiting:
        parent = waiting.popleft()
        opening, depth = ways[parent]
        for name, definition in parent.fields.items():
            inner = get_named_type(definition.type)
            if not is_composite_type(inner):
                continue
            possible = [inner] if isinstance(inner, GraphQLObjectType) else schema.get_possible_types(inner)
            for type_ in possible:
                if type_ in ways:
                    continue
                before = f"{opening} {{ " if opening else ""
                on = "" if type_ is inner else f" {{ ... on {type_.name}"
                text = f"{before}{name}{_arguments(parent, name, definition, world)}{on}"
                ways[type_] = (text, depth + 1 + bool(on))
                waiting.append(type_)
    return ways


def has_lists(type_: Any) -> bool:
    """Whether fields of a type are pages of a list."""
    return any("after" in definition.args for definition in type_.fields.values())


def _everything(type_: Any, world: World) -> str:
    """Every field of a type, and of the objects below just what they are."""
    parts = []
    for name, definition in type_.fields.items():
        if name in SECRETS and type_.name in SIGNING_IN:
            continue
        below = get_named_type(definition.type)
        shown = _identity(below) if is_composite_type(below) else ""
        parts.append(f"{name}{_arguments(type_, name, definition, world)}{shown}")
    return " ".join(parts)


def _identity(type_: Any) -> str:
    if type_.name == "UserError":
        details = get_named_type(type_.fields["details"].type)
        return f" {{ code message path details {{ {' '.join(details.fields)} }} }}"
    if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
        for name in ("id", "cursor", "code"):
            if name in type_.fields:
                return f" {{ __typename {name} }}"
        if "edges" in type_.fields:
            return " { edges { cursor } }"
    return " { __typename }"


def _arguments(parent: Any, name: str, definition: GraphQLField, world: World) -> str:
    given = []
    for key, one in definition.args.items():
        if key == "ids":
            given.append(f"ids: {written([id for pool in world.ids.values() for id in pool[:2]])}")
        elif isinstance(one.type, GraphQLNonNull) and get_named_type(one.type).name == "ID":
            given.append(f"{key}: {written(world.ids[kind_of(key, f'{parent.name}.{name}') or 'Event'][0])}")
        elif key == "handle":
            given.append('handle: "anna"')
        elif key == "first":
            given.append("first: 4")
    return f"({', '.join(given)})" if given else ""


async def _found(world: World, value: Any) -> Any:
    """The value with ids in the place of what describes their rows."""
    if isinstance(value, dict):
        return {key: await _found(world, item) for key, item in value.items()}
    if isinstance(value, list):
        return [await _found(world, item) for item in value]
    if not isinstance(value, str) or not value.startswith("@"):
        return value
    kind, _, condition = value[1:].partition(".")
    entity = NODES[kind].entity
    statement = select(entity.id).order_by(entity.id.desc()).limit(1)  # type: ignore[attr-defined]  # every model has an id
    if condition:
        name, _, wanted = condition.partition("=")
        column = getattr(entity, name)
        statement = statement.where(
            column == (world.people[wanted].id if name in ("user_id", "author_id") else column.type.python_type(wanted))
        )
    async with world.ports.database.reading() as session:
        key = await session.scalar(statement)
    assert key is not None, value
    return ids.encode(kind, key)
