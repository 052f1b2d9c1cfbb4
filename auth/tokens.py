"""Access tokens: short-lived JWTs (RFC 7519) signed with ES256 (RFC 7518), checked against our own key set."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import ECKey, KeySet

from caches import Cache, weight_of
from models import utcnow
from settings import Settings, SettingsError

ALGORITHMS = ["ES256"]
CLAIMS = 500
"""Bytes of the claims of a token, about."""


class TokenRefused(Exception):
    """`reason` is a machine code: TOKEN_EXPIRED, TOKEN_INVALID or TOKEN_REVOKED."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True)
class AccessClaims:
    user_id: UUID
    session_id: UUID
    expires_at: datetime


def new_secret() -> str:
    """Make an opaque token for refreshes and mailed links: 256 random bits."""
    return secrets.token_urlsafe(32)


def secret_hash(secret: str) -> bytes:
    """Return the hash of an opaque token, which is stored. Its 256 bits need no slow hash."""
    return sha256(secret.encode("utf-8", "surrogatepass")).digest()


class Tokens:
    """Signs and reads access tokens. The first key of the set signs; all of them verify."""

    def __init__(self, keys: KeySet, *, issuer: str, lifetime: float) -> None:
        self._keys = keys
        self._issuer = issuer
        self.lifetime = lifetime
        self._claims = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": issuer},
            exp={"essential": True},
            sub={"essential": True},
            sid={"essential": True},
        )
        self._known: Cache[str, AccessClaims] = Cache("tokens")

    @classmethod
    def load(cls, settings: Settings) -> Tokens:
        issuer = settings.public_url or "wingding"
        return cls(load_keys(settings), issuer=issuer, lifetime=settings.access_token_lifetime)

    def issue(self, user_id: UUID, session_id: UUID, *, until: datetime | None = None) -> tuple[str, datetime]:
        """Sign an access token. Returns it and the moment it expires, which is no later than its session (`until`)."""
        now = int(utcnow().timestamp())
        expires = now + int(self.lifetime)
        if until is not None:
            expires = min(expires, int(until.timestamp()))
        key = self._keys.keys[0]
        claims = {"iss": self._issuer, "aud": self._issuer, "sub": str(user_id), "sid": str(session_id)}
        token = jwt.encode(
            {"alg": "ES256", "kid": key.kid, "typ": "at+jwt"}, claims | {"iat": now, "exp": expires}, key, ALGORITHMS
        )
        return token, datetime.fromtimestamp(expires, UTC)

    def read(self, token: str) -> AccessClaims:
        """Claims of a token that we signed and that is still good. Raises `TokenRefused`."""
        claims = self._known.get(token)
        if claims is None:
            claims = self._verify(token)
            self._known.put(token, claims, weight_of(token) + CLAIMS)
        if claims.expires_at <= utcnow():
            raise TokenRefused("TOKEN_EXPIRED")
        return claims

    def _verify(self, token: str) -> AccessClaims:
        try:
            decoded = jwt.decode(token, self._keys, ALGORITHMS)
            if decoded.header.get("typ") != "at+jwt":
                raise TokenRefused("TOKEN_INVALID")
            self._claims.validate(decoded.claims)
            return AccessClaims(
                user_id=UUID(decoded.claims["sub"]),
                session_id=UUID(decoded.claims["sid"]),
                expires_at=datetime.fromtimestamp(decoded.claims["exp"], UTC),
            )
        except ExpiredTokenError as error:
            raise TokenRefused("TOKEN_EXPIRED") from error
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise TokenRefused("TOKEN_INVALID") from error

    def public_keys(self) -> dict[str, Any]:
        """Return the JWK set with which others verify tokens."""
        return dict(self._keys.as_dict(private=False))


def load_keys(settings: Settings) -> KeySet:
    """Load the signing keys of SIGNING_KEYS_FILE, or of WINGDING_HOME, where a first one is made.

    Raises `SettingsError` where the file cannot be read.
    """
    if settings.signing_keys_file:
        return _read_keys(Path(settings.signing_keys_file), "SIGNING_KEYS_FILE")
    file = settings.wingding_home / "signing-keys.json"
    make_once(file, new_keys)
    return _read_keys(file, str(file))


def _read_keys(file: Path, name: str) -> KeySet:
    try:
        return KeySet.import_key_set(orjson.loads(file.read_bytes()))
    except (OSError, ValueError, TypeError, KeyError, AttributeError, JoseError) as error:
        raise SettingsError(f"{name} cannot be read as a JWK set") from error


def make_once(file: Path, content: Callable[[], str]) -> None:
    """Write a file that only we may read, unless it is there. Of several who do so at once, one makes it for all.

    Raises `SettingsError` where it cannot be written.
    """
    try:
        if file.exists():
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        made = file.with_name(f".{file.name}.{os.getpid()}")
        made.touch(mode=0o600)
        made.write_text(content())
        with suppress(FileExistsError):
            os.link(made, file)
        made.unlink()
    except OSError as error:
        raise SettingsError(f"{file} cannot be made ({error.strerror})") from error


def new_keys() -> str:
    """Make a private JWK set with one key, as JSON."""
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
    return orjson.dumps(KeySet([key]).as_dict(private=True)).decode()
