"""The arguments that every connection takes (GraphQL Cursor Connections), written once."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

PAGE_ARGUMENTS = tuple(
    inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=type_)
    for name, type_ in (("first", int | None), ("after", str | None), ("last", int | None), ("before", str | None))
)


def with_page_arguments(
    resolver: Callable[..., Any],
    *,
    like: Callable[..., Any] | None = None,
    own: Iterable[inspect.Parameter] = (),
) -> Callable[..., Any]:
    """Let a resolver with `**arguments` show the page arguments after `own` ones, or after those of `like`."""
    signature = inspect.signature(like or resolver)
    named = [one for one in signature.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    shown = signature.replace(parameters=[*named, *own, *PAGE_ARGUMENTS], return_annotation=Any)
    resolver.__signature__ = shown  # type: ignore[attr-defined]  # what `inspect` looks for before all else
    return resolver
