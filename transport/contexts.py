"""Who a request or a socket speaks for."""

from __future__ import annotations

from auth.tokens import TokenRefused
from auth.viewer import GUEST, Viewer, viewer_of_session
from schema.context import Caller
from schema.ports import Ports
from transport.exchange import HttpRequest


def caller_of(request: HttpRequest) -> Caller:
    return Caller(request.address, request.header(b"user-agent")[:400], request.header(b"accept-language")[:400])


def bearer_token(header: str | None) -> str | None:
    """The token of an Authorization header (RFC 6750); null where there is none. Raises for another scheme."""
    if not header:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise TokenRefused("TOKEN_INVALID")
    return token.strip()


async def viewer_of(ports: Ports, token: str | None) -> Viewer:
    """Who the token speaks for. Raises `TokenRefused`: a bad token is never treated as none."""
    if token is None:
        return GUEST
    claims = ports.tokens.read(token)
    viewer = await viewer_of_session(
        ports.database, session_id=claims.session_id, user_id=claims.user_id, expires_at=claims.expires_at
    )
    if viewer is None:
        raise TokenRefused("TOKEN_REVOKED")
    return viewer
