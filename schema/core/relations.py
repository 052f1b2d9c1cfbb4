"""Fields that lead to other rows. They are declared on a loader, never written as resolver bodies."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, TypeVar

import strawberry
from strawberry import Parent

from dataloaders.core.declarations import Many, One, OneOf, PageRequest, Pages, Value
from schema.core.arguments import FILTER, SORT, argument, optional_argument, with_page_arguments
from schema.core.context import Info
from schema.core.filters import checked_page
from schema.core.metadata import DECLARED, HIDDEN, KEY, KIND, PAGING, RESTRICTED

Gate = Callable[[Any, Info], bool]
F = TypeVar("F", bound=Callable[..., Any])


def reads(*attributes: str) -> Callable[[F], F]:
    """Says which attributes of its row a gate or a computed field reads, so that no others are fetched for it.

    Without it all columns are. A gate that is none of a row's reads nothing: `@reads()`.
    """

    def decorate(function: F) -> F:
        function.reads = frozenset(attributes)  # type: ignore[attr-defined]  # functions take attributes
        return function

    return decorate


@reads()
def signed_in(_row: Any, info: Info) -> bool:
    """Return the gate of fields that mean nothing for a guest."""
    return info.context.viewer.user is not None


def related(
    declaration: One | Many | Value, *, key: str = "id", visible: Gate | None = None, hidden: Any = None, **field: Any
) -> Any:
    """Make a field answered by a declared relation or aggregate, keyed by a column of the parent row.

    `visible(row, info)` false answers `hidden` instead of loading.
    """

    def resolve(root: Parent[Any], info: Info) -> Any:
        value = getattr(root, key)
        if value is None or (visible is not None and not visible(root, info)):
            return hidden
        return info.context.loaders.load(declaration, value)

    return strawberry.field(
        resolver=resolve, metadata={DECLARED: declaration, KEY: key, RESTRICTED: visible, HIDDEN: hidden}, **field
    )


def related_one_of(declaration: OneOf, *, kind: str, key: str, **field: Any) -> Any:
    """Make a field that leads to rows of several types: `kind` is the parent's column that names which, `key` their id.

    Null where the row is hidden, gone, or of a type that is not among them.
    """

    def resolve(root: Parent[Any], info: Info) -> Any:
        chosen = declaration.kinds.get(getattr(root, kind) or "")
        return info.context.loaders.load(chosen, getattr(root, key)) if chosen else None

    return strawberry.field(resolver=resolve, metadata={DECLARED: declaration, KEY: key, KIND: kind}, **field)


@dataclass(frozen=True)
class Paging:
    """How the arguments of a connection become a request. `unfiltered` stands for a filter that is left out."""

    unfiltered: Any = None

    def request(self, name: str, arguments: Mapping[str, Any]) -> PageRequest:
        """Return the page that arguments ask for. Raises what is wrong with them. `name` is the field's."""
        given = dict(arguments)
        filter, sort = given.pop("filter", None), given.pop("sort", None)
        wanted = self.unfiltered if filter is None else filter
        return PageRequest(checked_page(name, given, wanted, sort, is_root=False), wanted, sort)


def connected(
    declaration: Pages,
    *,
    key: str = "id",
    filter: Any = None,
    unfiltered: Any = None,
    sort: Any = None,
    visible: Gate | None = None,
    hidden: Any = None,
    **field: Any,
) -> Any:
    """Make a connection answered by declared pages. `filter` is the input type of its `filter` argument, if it has one;
    `unfiltered` stands for the argument when it is left out. `sort` is the value that its `sort` argument has then.
    `visible(row, info)` false answers `hidden`.
    """
    paging = Paging(unfiltered)

    def resolve(root: Parent[Any], info: Info, **arguments: Any) -> Any:
        request = paging.request(info.field_name, arguments)
        if visible is not None and not visible(root, info):
            return hidden
        return info.context.loaders.load_page(declaration, getattr(root, key), request)

    own = []
    if filter is not None:
        own.append(optional_argument("filter", filter, FILTER))
    if sort is not None:
        own.append(argument("sort", type(sort), SORT, default=sort))
    return strawberry.field(
        resolver=with_page_arguments(resolve, own=own),
        metadata={DECLARED: declaration, KEY: key, RESTRICTED: visible, HIDDEN: hidden, PAGING: paging},
        **field,
    )


def computed(*, description: str, graphql_type: Any = None) -> Callable[[Callable[..., Any]], Any]:
    """Make a field with real code: `def name(root: Parent[Any], info: Info) -> …`. It never loads rows."""

    def decorate(method: Callable[..., Any]) -> Any:
        return strawberry.field(
            resolver=method, description=description, graphql_type=graphql_type, metadata={DECLARED: "computed"}
        )

    return decorate


def restricted(visible: Gate, *, attribute: str, **field: Any) -> Any:
    """Make a field of an attribute of the row for those whom `visible(row, info)` lets read it; null for everyone
    else.
    """

    def resolve(root: Parent[Any], info: Info) -> Any:
        return getattr(root, attribute) if visible(root, info) else None

    return strawberry.field(
        resolver=resolve, metadata={DECLARED: "computed", KEY: attribute, RESTRICTED: visible}, **field
    )


def facet(graphql_type: Any, *, description: str) -> Any:
    """Make a group of fields of the same row under a name of its own: the source object stays the row."""

    def resolve(root: Parent[Any]) -> Any:
        return root

    return strawberry.field(
        resolver=resolve, graphql_type=graphql_type, description=description, metadata={DECLARED: "facet"}
    )


@dataclass(frozen=True)
class Need:
    """What a derived field reads beside its own row: a declared relation or aggregate, keyed by a column of the row.

    `visible(row, info)` false gives `hidden` instead of loading.
    """

    declaration: One | Many | Value
    key: str = "id"
    visible: Gate | None = None
    hidden: Any = None

    def load(self, root: Any, info: Info) -> Any:
        if self.visible is not None and not self.visible(root, info):
            return self.hidden
        return info.context.loaders.load(self.declaration, getattr(root, self.key))


@dataclass(frozen=True)
class Derived:
    """A declaration of code over loaded rows: the needs are data, so they load for a whole level at once."""

    needs: Mapping[str, Need]
    function: Callable[..., Any]


def derived(*, description: str, graphql_type: Any, **needs: Need) -> Callable[[Callable[..., Any]], Any]:
    """Make a field computed from its row and from what its needs have loaded: `def name(root, info, *, need, …)`.

    The function itself is plain: it loads nothing and awaits nothing.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        async def resolve(root: Parent[Any], info: Info) -> Any:
            loaded = {name: need.load(root, info) for name, need in needs.items()}
            waiting = {name: one for name, one in loaded.items() if isawaitable(one)}
            # All are awaited, also where one of them fails.
            found = await asyncio.gather(*waiting.values(), return_exceptions=True)
            for one in found:
                if isinstance(one, BaseException):
                    raise one
            return function(root, info, **loaded | dict(zip(waiting, found, strict=True)))

        return strawberry.field(
            resolver=resolve,
            description=description,
            graphql_type=graphql_type,
            metadata={DECLARED: Derived(needs, function)},
        )

    return decorate
