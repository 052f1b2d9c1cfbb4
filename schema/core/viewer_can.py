"""`viewerCan`: which mutations the caller may call on an object now. One Boolean for each mutation that acts on it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import strawberry

from schema.core.context import Info
from schema.core.metadata import MUTATION_KEY
from schema.core.relations import Need, derived, reads

WHAT_COUNTS = (
    "A field is true if the mutation, called now with otherwise valid input, would have an effect. "
    "It is false if the mutation would be refused because of the caller's rights, the current state, "
    "or a ban, or would change nothing. Rate limits and the input itself are not checked. Always "
    "false for guests."
)


Given = Callable[[Info], Any]
"""What a rule is given of the operation, such as a setting."""


def can(mutation: str, description: str) -> Any:
    return strawberry.field(description=f"{description} Mutation: `{mutation}`.", metadata={MUTATION_KEY: mutation})


def allowed(graphql_type: Any, rule: Callable[..., Any], *columns: str, **needs: Need | Given) -> Any:
    """Make the field `viewerCan`: `rule(row, viewer, …)` is given what the needs have loaded, and reads these
    columns.
    """
    given = {name: need for name, need in needs.items() if not isinstance(need, Need)}

    @derived(
        description="What the caller can do with the object now. Use it to decide which buttons to show.",
        graphql_type=graphql_type,
        **{name: need for name, need in needs.items() if isinstance(need, Need)},
    )
    @reads(*columns)
    def resolve(root: Any, info: Info, **loaded: Any) -> Any:
        viewer = info.context.viewer
        # Without a row of what the viewer is to it, the thing itself is gone, or none of theirs.
        if viewer.user is None or loaded.get("known", root) is None:
            return nothing(graphql_type)
        return rule(root, viewer, **loaded, **{name: of(info) for name, of in given.items()})

    return resolve


@cache
def nothing(graphql_type: Any) -> Any:
    """Return what guests may do."""
    names = [field.python_name for field in graphql_type.__strawberry_definition__.fields]
    return graphql_type(**dict.fromkeys(names, False))
