"""How a request is refused before its operation runs, alike on every transport."""

from __future__ import annotations

import structlog

from auth.tokens import TokenRefused
from database import is_outage
from schema.error_format import INTERNAL_MESSAGE, RETRY_AFTER, UNAVAILABLE_MESSAGE
from translations import DEFAULT_LOCALE, negotiate, translate
from transport.requests import BadRequest

log = structlog.get_logger()


def refusal_of(error: Exception, accept_language: str) -> BadRequest:
    """The refusal for whatever was raised. What is a bug of ours is logged and masked."""
    if isinstance(error, BadRequest):
        return error
    if isinstance(error, TokenRefused):
        return _unauthenticated(error)
    locale = negotiate(accept_language) or DEFAULT_LOCALE
    if is_outage(error):
        log.warning("database.away", error=type(error).__name__, about=str(error)[:200])
        return unavailable(translate(locale, UNAVAILABLE_MESSAGE), retry_after=RETRY_AFTER)
    log.error("request.failed", exc_info=error)
    return BadRequest(translate(locale, INTERNAL_MESSAGE), status=500, code="INTERNAL")


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


def _unauthenticated(error: TokenRefused) -> BadRequest:
    return BadRequest(
        "The access token is not good.",
        status=401,
        code="UNAUTHENTICATED",
        reason=error.reason,
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )
