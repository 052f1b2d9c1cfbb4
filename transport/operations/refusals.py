"""How a request is refused before its operation runs, alike on every transport."""

from __future__ import annotations

from typing import Any

import structlog

from auth.tokens import TokenRefused
from database import is_outage
from errors import _
from schema.core.error_format import INTERNAL_MESSAGE, RETRY_AFTER, UNAVAILABLE_MESSAGE
from translations import DEFAULT_LOCALE, Reader, negotiate
from transport.operations.admission_control import Overloaded
from transport.operations.budget import SPENT_MESSAGE, BudgetExhausted
from transport.operations.requests import BadRequest

log = structlog.get_logger()

OVERLOADED_MESSAGE = _("There are too many requests right now. Try again in a moment.")
TOKEN_REFUSED_MESSAGE = _("The access token is not valid.")


def refusal_of(error: Exception, accept_language: str) -> BadRequest:
    """Return the refusal for whatever was raised. What is a bug of ours is logged and masked."""
    if isinstance(error, BadRequest):
        return error
    reader = Reader(negotiate(accept_language) or DEFAULT_LOCALE)
    if isinstance(error, TokenRefused):
        return _unauthenticated(error, reader)
    if isinstance(error, Overloaded):
        return unavailable(reader.say(OVERLOADED_MESSAGE), retry_after=error.retry_after, reason="OVERLOADED")
    if isinstance(error, BudgetExhausted):
        return spent(reader, error.balance.wait, {"requested": error.cost, "remaining": error.balance.remaining})
    if is_outage(error):
        log.warning("database.away", error=type(error).__name__, about=str(error)[:200])
        return unavailable(reader.say(UNAVAILABLE_MESSAGE), retry_after=RETRY_AFTER)
    log.error("request.failed", exc_info=error)
    return BadRequest(reader.say(INTERNAL_MESSAGE), status=500, code="INTERNAL")


def spent(reader: Reader, wait: int, cost: dict[str, Any]) -> BadRequest:
    """Return the refusal where the caller's budget is spent for `wait` seconds. `cost` is told as it is."""
    return BadRequest(
        reader.say(SPENT_MESSAGE, {"retry_after": wait}),
        status=429,
        code="RATE_LIMITED",
        headers={"Retry-After": str(wait)},
        extensions={"cost": cost | {"retryAfter": wait}},
    )


def unavailable(message: str, *, retry_after: int, reason: str = "") -> BadRequest:
    """We cannot serve right now; nothing was executed."""
    return BadRequest(
        message,
        status=503,
        code="UNAVAILABLE",
        reason=reason,
        headers={"Retry-After": str(retry_after)},
        extensions={"retryAfter": retry_after},
    )


def _unauthenticated(error: TokenRefused, reader: Reader) -> BadRequest:
    return BadRequest(
        reader.say(TOKEN_REFUSED_MESSAGE),
        status=401,
        code="UNAUTHENTICATED",
        reason=error.reason,
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )
