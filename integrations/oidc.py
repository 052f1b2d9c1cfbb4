"""Sign-in at an outside OpenID Provider (OpenID Connect Core 1.0, Discovery 1.0), with PKCE (RFC 7636).

The provider is known by its discovery document alone. Its ID token says who signed in; e-mail and name come from
the userinfo endpoint, where providers keep them.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx2
import structlog
from authlib.common.security import generate_token  # type: ignore[import-untyped]  # ships no types
from authlib.integrations.base_client import OAuthError  # type: ignore[import-untyped]  # ships no types
from authlib.integrations.httpx_client import AsyncOAuth2Client  # type: ignore[import-untyped]  # ships no types
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from errors import ErrorCode, UserError, _
from settings import Settings

log = structlog.get_logger()

SCOPE = "openid profile email"
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
"""Only those with a public key: with HS256 our own client secret would be a signing key."""
DISCOVERY = "/.well-known/openid-configuration"
TIMEOUT = 5.0
KEPT_FOR = 3600.0
"""Seconds until the discovery document and the keys are read again."""
KEYS_KEPT_FOR_AT_LEAST = 10.0
"""Seconds within which a token with an unknown key does not make us ask for the keys once more."""
LEEWAY = 60
"""Seconds that the provider's clock may differ from ours."""


class ProviderNotConfigured(UserError):
    code = ErrorCode.PROVIDER_NOT_CONFIGURED
    message = _("This way of signing in is not available here.")


class ProviderUnavailable(UserError):
    code = ErrorCode.PROVIDER_UNAVAILABLE
    message = _("Signing in through another service is not possible at the moment.")


class ProviderRefused(UserError):
    code = ErrorCode.PROVIDER_REFUSED
    message = _("Signing in through the other service failed. Start again.")


@dataclass(frozen=True)
class Authorization:
    """The address to which to send someone, and what must be known when they come back."""

    url: str
    state: str
    nonce: str
    code_verifier: str


@dataclass(frozen=True)
class ProviderProfile:
    """The person for whom the provider vouches."""

    issuer: str
    subject: str
    email: str | None = None
    is_email_verified: bool = False
    name: str | None = None
    nickname: str | None = None
    locale: str | None = None
    time_zone: str | None = None


@dataclass(frozen=True)
class Metadata:
    document: dict[str, Any]
    keys: KeySet
    read_at: float

    def __getitem__(self, name: str) -> str:
        return str(self.document[name])

    @property
    def age(self) -> float:
        return time.monotonic() - self.read_at


@cache
def tls() -> ssl.SSLContext:
    """Return what all clients share: reading the authorities takes 27 ms, in which nobody else is served."""
    return httpx2.create_ssl_context()


class OpenIdProvider:
    """One provider, as the settings name it, or none."""

    def __init__(self, settings: Settings) -> None:
        self._issuer = settings.oidc_issuer.removesuffix(DISCOVERY)
        self._client_id = settings.oidc_client_id
        self._client_secret = str(settings.oidc_client_secret)
        self.is_configured = bool(self._issuer and self._client_id)
        self.id = urlsplit(self._issuer).hostname or ""
        """Stable as long as the issuer is: clients name the provider by it."""
        self.name = settings.oidc_name or self.id
        self.redirect_uris = settings.oidc_redirect_uris
        self._metadata: Metadata | None = None
        self._reading = asyncio.Lock()

    async def authorization(self, redirect_uri: str) -> Authorization:
        """Begin a sign-in at the provider. Raises `ProviderUnavailable`."""
        metadata = await self._discover()
        nonce, verifier = generate_token(43), generate_token(64)
        async with self._client(metadata, redirect_uri) as client:
            url, state = client.create_authorization_url(
                metadata["authorization_endpoint"], state=generate_token(43), code_verifier=verifier, nonce=nonce
            )
        return Authorization(url, state, nonce, verifier)

    async def person(self, *, code: str, redirect_uri: str, code_verifier: str, nonce: str) -> ProviderProfile:
        """Trade a code for the person. Raises `ProviderRefused` or `ProviderUnavailable`."""
        metadata = await self._discover()
        try:
            async with self._client(metadata, redirect_uri) as client:
                token = await client.fetch_token(
                    metadata["token_endpoint"],
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=code_verifier,
                    redirect_uri=redirect_uri,
                )
                claims = await self._read_id_token(token.get("id_token"), nonce)
                answer = await client.get(metadata["userinfo_endpoint"])
                answer.raise_for_status()
                info = answer.json()
        except (OAuthError, JoseError) as error:
            log.info("oidc.refused", error=type(error).__name__)
            raise ProviderRefused from error
        except (httpx2.HTTPError, ValueError, KeyError, TypeError) as error:
            log.warning("oidc.failed", error=type(error).__name__)
            raise ProviderUnavailable from error
        if not isinstance(info, dict) or info.get("sub") != claims["sub"]:
            raise ProviderRefused
        return self._person(metadata["issuer"], info)

    def _person(self, issuer: str, info: dict[str, Any]) -> ProviderProfile:
        def text(name: str) -> str | None:
            value = info.get(name)
            return value if isinstance(value, str) and value.isprintable() else None

        return ProviderProfile(
            issuer=issuer,
            subject=str(info["sub"]),
            email=text("email"),
            # Nothing but the JSON value true counts: some providers send the text "false".
            is_email_verified=info.get("email_verified") is True,
            name=text("name"),
            nickname=text("preferred_username") or text("nickname"),
            locale=text("locale"),
            time_zone=text("zoneinfo"),
        )

    async def _read_id_token(self, encoded: Any, nonce: str) -> dict[str, Any]:
        """Verify an ID token and return its claims (OpenID Connect Core 1.0, section 3.1.3.7)."""
        if not isinstance(encoded, str):
            raise ProviderRefused
        metadata = await self._discover()
        try:
            token = jwt.decode(encoded, metadata.keys, ALGORITHMS)
        except (JoseError, ValueError):
            # The provider may have changed its keys since we read them.
            if metadata.age < KEYS_KEPT_FOR_AT_LEAST:
                raise
            metadata = await self._discover(newer_than=metadata.read_at)
            token = jwt.decode(encoded, metadata.keys, ALGORITHMS)
        jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "value": metadata["issuer"]},
            aud={"essential": True, "value": self._client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        ).validate(token.claims)
        if token.claims.get("azp", self._client_id) != self._client_id or len(token.claims["sub"]) > 255:
            raise ProviderRefused
        return token.claims

    def _client(self, metadata: Metadata, redirect_uri: str) -> AsyncOAuth2Client:
        methods = metadata.document.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        secret_method = "client_secret_basic" if "client_secret_basic" in methods else "client_secret_post"
        return AsyncOAuth2Client(
            client_id=self._client_id,
            client_secret=self._client_secret or None,
            token_endpoint_auth_method=secret_method if self._client_secret else "none",
            scope=SCOPE,
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            timeout=TIMEOUT,
            verify=tls(),
        )

    async def _discover(self, *, newer_than: float | None = None) -> Metadata:
        """Return the provider's metadata and keys, kept for an hour. Raises `ProviderUnavailable`."""
        if not self.is_configured:
            raise ProviderNotConfigured
        async with self._reading:
            kept = self._metadata
            if kept is None or kept.age > KEPT_FOR or (newer_than is not None and kept.read_at <= newer_than):
                kept = self._metadata = await self._read_metadata()
            return kept

    async def _read_metadata(self) -> Metadata:
        try:
            async with httpx2.AsyncClient(timeout=TIMEOUT, verify=tls()) as client:
                document = await _json(client, self._issuer.rstrip("/") + DISCOVERY)
                # A document that speaks for another issuer could vouch for that issuer's people (Discovery, 4.3).
                if document["issuer"].rstrip("/") != self._issuer.rstrip("/"):
                    raise ValueError("the discovery document is another issuer's")
                keys: Any = await _json(client, document["jwks_uri"])
                return Metadata(document, KeySet.import_key_set(keys), time.monotonic())
        except (httpx2.HTTPError, httpx2.InvalidURL, JoseError, ValueError, KeyError, TypeError) as error:
            log.warning("oidc.not_discovered", error=type(error).__name__)
            raise ProviderUnavailable from error


async def _json(client: httpx2.AsyncClient, url: str) -> dict[str, Any]:
    answer = await client.get(url)
    answer.raise_for_status()
    found = answer.json()
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")
    return found
