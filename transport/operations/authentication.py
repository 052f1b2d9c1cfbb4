"""Authentication of requests and sockets."""

from __future__ import annotations

from auth.tokens import AccessClaims, TokenRefused
from auth.viewer import GUEST, Viewer, viewer_of_session
from schema.core.ports import Ports


def bearer_token(header: str | None) -> str | None:
    """Return the token of an Authorization header (RFC 6750); null where there is none. Raises for another scheme."""
    if not header:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise TokenRefused("TOKEN_INVALID")
    return token.strip()


def claims_of(ports: Ports, token: str | None) -> AccessClaims | None:
    """Return what a token says; null for a guest. Raises `TokenRefused`: a bad token is never treated as none."""
    return None if token is None else ports.tokens.read(token)


async def viewer_of(ports: Ports, claims: AccessClaims | None) -> Viewer:
    """Return the viewer of the claims. Raises `TokenRefused` once their session has ended."""
    if claims is None:
        return GUEST
    viewer = await viewer_of_session(
        ports.database, session_id=claims.session_id, user_id=claims.user_id, expires_at=claims.expires_at
    )
    if viewer is None:
        raise TokenRefused("TOKEN_REVOKED")
    return viewer
