"""How an error looks to a client: a code in `extensions`, a translated message, never an exception's text."""

from __future__ import annotations

from typing import Any

import structlog
from graphql import GraphQLError, ValueNode, VariableDefinitionNode

from database import is_cancelled_statement, is_outage
from dataloaders.core.spending import TooCostly
from errors import Forbidden, RateLimited, Unauthenticated, UserError, UserErrors, _
from schema.core.user_errors import details_as_json
from translations import Reader

log = structlog.get_logger()

TOP_LEVEL = {
    Unauthenticated.code: "UNAUTHENTICATED",
    Forbidden.code: "FORBIDDEN",
    RateLimited.code: "RATE_LIMITED",
}
INTERNAL_MESSAGE = _("Something went wrong on our side.")
TIMEOUT_MESSAGE = _("This took too long and was stopped.")
TOO_COSTLY_MESSAGE = _("This operation asks for too much at once. Ask for fewer items, or in several steps.")
UNAVAILABLE_MESSAGE = _("The service is not available right now. Try again in a moment.")
RETRY_AFTER = 2
"""Seconds after which a database that was away may be back."""
INVALID_VALUE_MESSAGE = _("A value in the input could not be understood.")
LONGEST_MESSAGE = 500
"""Characters. A message about the document quotes it, and a document may have very long names."""


def present(error: GraphQLError, context: Any) -> None:
    """Rewrite an error in place, before any transport formats it.

    `extensions.code` is one of UNAUTHENTICATED, FORBIDDEN, RATE_LIMITED, QUERY_TOO_COSTLY, BAD_USER_INPUT, UNAVAILABLE,
    INTERNAL, or one of those about a document that is only named (`docs/errors.md`); `extensions.reason` is the finer
    `ErrorCode` where there is one, and `extensions.errors` has each thing that is wrong with the arguments.
    """
    reader = context.reader if context is not None else Reader()
    cause = _cause(error)
    found = cause.errors if isinstance(cause, UserErrors) else [cause] if isinstance(cause, UserError) else []
    if found:
        cause = found[0]
    if isinstance(cause, UserError):
        error.message = reader.say(cause.message, cause.params)
        extensions: dict[str, Any] = {"code": TOP_LEVEL.get(cause.code, "BAD_USER_INPUT"), "reason": cause.code.value}
        if cause.path:
            extensions["path"] = list(cause.path)
        if details := details_as_json(cause):
            extensions["details"] = details
        error.extensions = extensions | (error.extensions or {})
        if any(one.path for one in found):
            error.extensions["errors"] = [_of_argument(one, reader) for one in found]
    elif cause is None or isinstance(cause, GraphQLError):
        # Syntax, validation and coercion: the document or its variables are at fault, and the text says where.
        error.message = reader.say(error.message)[:LONGEST_MESSAGE]
        error.extensions = {"code": "BAD_USER_INPUT"} | (error.extensions or {})
    elif isinstance(cause, TooCostly):
        error.message = reader.say(TOO_COSTLY_MESSAGE)
        error.extensions = {"code": "QUERY_TOO_COSTLY"}
    elif is_cancelled_statement(cause):
        log.warning("operation.statement_timeout", path=error.path)
        error.message = reader.say(TIMEOUT_MESSAGE)
        error.extensions = {"code": "INTERNAL", "reason": "TIMEOUT"}
    elif is_outage(cause):
        log.warning("database.away", path=error.path, error=type(cause).__name__, about=str(cause)[:200])
        error.message = reader.say(UNAVAILABLE_MESSAGE)
        error.extensions = {"code": "UNAVAILABLE", "retryAfter": RETRY_AFTER}
    elif _is_about_a_value(error):
        # A scalar's parser raised: whoever wrote the value is at fault, but the parser's words are not for them.
        error.message = reader.say(INVALID_VALUE_MESSAGE)
        error.extensions = {"code": "BAD_USER_INPUT"}
    else:
        log.error("operation.failed", path=error.path, exc_info=cause)
        error.message = reader.say(INTERNAL_MESSAGE)
        error.extensions = {"code": "INTERNAL"}


def _of_argument(error: UserError, reader: Reader) -> dict[str, Any]:
    """One thing that is wrong with a field's arguments, as a mutation's payload tells what is wrong with its input."""
    message, path = reader.say(error.message, error.params), list(error.path) or None
    return {"code": error.code.value, "message": message, "path": path, "details": details_as_json(error)}


def _cause(error: GraphQLError) -> Exception | None:
    """Return what the error was made from, through as many GraphQL errors as there are."""
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    return cause


def _is_about_a_value(error: GraphQLError) -> bool:
    return any(isinstance(node, VariableDefinitionNode | ValueNode) for node in error.nodes or ())
