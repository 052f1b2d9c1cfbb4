"""The arguments that every connection takes (GraphQL Cursor Connections), written once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from typing import Any

PAGE_ARGUMENTS = tuple(
    inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=type_)
    for name, type_ in (("first", int | None), ("after", str | None), ("last", int | None), ("before", str | None))
)


def with_page_arguments(
    resolver: Callable[..., Any], *, like: Callable[..., Any] | None = None, left_out: Collection[str] = ()
) -> Callable[..., Any]:
    """Let a resolver with `**arguments` show the page arguments after its own, or after those of `like`."""
    signature = inspect.signature(like or resolver)
    own = [
        parameter
        for parameter in signature.parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD and parameter.name not in left_out
    ]
    shown = signature.replace(parameters=[*own, *PAGE_ARGUMENTS], return_annotation=Any)
    resolver.__signature__ = shown  # type: ignore[attr-defined]  # what `inspect` looks for before all else
    return resolver
