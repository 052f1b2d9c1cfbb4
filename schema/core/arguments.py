"""Arguments that many fields take, with their descriptions. A connection's are those of GraphQL Cursor Connections."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Annotated, Any

import strawberry

FILTER = "Return only items that match this filter."
SORT = "The order of the items."
INPUT = "What the mutation is to do, and an optional `idempotencyKey`."


After = Annotated[
    str | None,
    strawberry.argument(description="The cursor to resume from. If omitted, the stream starts with what is new."),
]
"""The argument by which a subscription resumes a stream."""


def optional_argument(name: str, type_: Any, description: str) -> inspect.Parameter:
    """Describe an argument that is null if omitted, for the signature of a resolver."""
    return argument(name, type_ | None, description, default=None)


def argument(name: str, type_: Any, description: str, *, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    """Describe an argument for the signature of a resolver."""
    annotation = Annotated[type_, strawberry.argument(description=description)]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def described(method: Callable[..., Any], **descriptions: str) -> inspect.Signature:
    """Return the signature of a resolver with descriptions for those of its arguments that are named here."""
    signature = inspect.signature(method)
    parameters = [
        one.replace(annotation=Annotated[one.annotation, strawberry.argument(description=descriptions[one.name])])
        if one.name in descriptions
        else one
        for one in signature.parameters.values()
    ]
    return signature.replace(parameters=parameters)


PAGE_ARGUMENTS = (
    optional_argument("first", int, "The number of items to return from the start, at most 100. Defaults to 20."),
    optional_argument("after", str, "Return items that follow this cursor."),
    optional_argument(
        "last", int, "The number of items to return from the end, at most 100. Cannot be combined with `first`."
    ),
    optional_argument("before", str, "Return items that precede this cursor."),
)


def with_page_arguments(
    resolver: Callable[..., Any],
    *,
    own: Iterable[inspect.Parameter] = (),
) -> Callable[..., Any]:
    """Show the page arguments of a resolver that takes `**arguments`, after its own ones."""
    signature = inspect.signature(resolver)
    named = [one for one in signature.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    shown = signature.replace(parameters=[*named, *own, *PAGE_ARGUMENTS], return_annotation=Any)
    resolver.__signature__ = shown  # type: ignore[attr-defined]  # what `inspect` looks for before all else
    return resolver
