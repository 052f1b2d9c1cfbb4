"""What clients get of an operation."""

from __future__ import annotations

from typing import Any, NamedTuple

from graphql import GraphQLError

from schema.core.context import Context
from schema.core.error_format import present

MAX_ERRORS = 100
"""Errors told in one answer. A list of a hundred rows may fail in each of their fields."""


class Result(NamedTuple):
    """`is_refusal`: nothing was executed. `is_last`: the stream it belongs to has failed as a whole.

    `is_unreadable`: the document is no GraphQL, or not known by its name.
    """

    body: dict[str, Any]
    is_refusal: bool = False
    is_last: bool = False
    is_unreadable: bool = False

    @property
    def retry_after(self) -> int | None:
        """Seconds, where nothing was answered because we cannot serve right now."""
        errors = self.body.get("errors")
        if not errors or any(value is not None for value in (self.body.get("data") or {}).values()):
            return None
        found = [error.get("extensions", {}) for error in errors]
        if any(one.get("code") != "UNAVAILABLE" for one in found):
            return None
        return max(int(one["retryAfter"]) for one in found)

    @property
    def codes(self) -> set[str]:
        return {error["extensions"]["code"] for error in self.body.get("errors", ()) if "extensions" in error}


def result_of(found: Any) -> Result:
    """Return what clients get. Errors without a path come from before the execution, or from the source of a stream."""
    if not found.errors:
        return Result({"data": found.data})
    errors = [error.formatted for error in found.errors[:MAX_ERRORS]]
    if found.data is None and all(error.path is None for error in found.errors):
        return Result({"errors": errors}, is_refusal=True, is_last=True)
    return Result({"errors": errors, "data": found.data})


def failure_of(error: Exception, context: Context) -> Result:
    """Return what clients get where an operation, or a whole stream, has ended by an exception."""
    made = error if isinstance(error, GraphQLError) else GraphQLError(str(error), original_error=error)
    present(made, context)
    return Result({"errors": [made.formatted], "data": None}, is_last=True)


def extended(result: Result, extensions: dict[str, Any]) -> Result:
    return result._replace(body=result.body | {"extensions": result.body.get("extensions", {}) | extensions})
