"""`viewerCan`: which mutations the caller may call on an object now. One Boolean for each mutation that acts on it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import strawberry

from schema.core.context import Info
from schema.core.relations import Need, derived, reads

MUTATION = "mutation"
"""Key of a field's metadata under which the name of the mutation stands that it is about."""
WHAT_COUNTS = (
    "Each is true where the mutation, called now with otherwise valid input, would do something, and false where it "
    "would be refused for rights, for the state that things are in, or for where the caller stands (bans too). Quotas, "
    "other limits and the input itself are not looked at. All false for guests."
)


Given = Callable[[Info], Any]
"""What a rule is given of the operation, such as a setting."""


def can(mutation: str, description: str) -> Any:
    return strawberry.field(description=f"{description} By `{mutation}`.", metadata={MUTATION: mutation})


def allowed(graphql_type: Any, rule: Callable[..., Any], *columns: str, **needs: Need | Given) -> Any:
    """The field `viewerCan`: `rule(row, viewer, …)` is given what the needs have loaded, and reads these columns."""
    given = {name: need for name, need in needs.items() if not isinstance(need, Need)}

    @derived(
        description="What the caller may do with it now, for showing the right buttons.",
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
    """What guests may do."""
    names = [field.python_name for field in graphql_type.__strawberry_definition__.fields]
    return graphql_type(**dict.fromkeys(names, False))
