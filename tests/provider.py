"""A small OpenID Provider for tests: one person, whatever they claim of themselves, in a thread of its own."""

from __future__ import annotations

import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

import uvicorn
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.clients import free_port

CLIENT_ID = "wingding"
CLIENT_SECRET = "a secret between us"
REDIRECT = "http://127.0.0.1/signed-in"


@cache
def signing_key() -> RSAKey:
    """The key of every provider at first: a new one takes a tenth of a second."""
    return RSAKey.generate_key(2048, auto_kid=True)


class TestProvider:
    """`codes` holds what each code stands for; `claims` overrides the ID token's; `info` is the userinfo."""

    __test__ = False

    def __init__(self) -> None:
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.published_issuer = self.issuer
        self.key = signing_key()
        self.published_key = self.key
        self.codes: dict[str, dict[str, str]] = {}
        self.claims: dict[str, Any] = {}
        self.info: dict[str, Any] = {"sub": "person-1"}
        self.is_down = False
        self.token_requests = 0

    @property
    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.discovery),
                Route("/jwks", self.jwks),
                Route("/token", self.token, methods=["POST"]),
                Route("/userinfo", self.userinfo),
            ]
        )

    def authorize(self, url: str) -> tuple[str, str]:
        """What a person at the provider's page does: state and code of the way back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT_ID)
        assert asked["code_challenge_method"] == "S256"
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return asked["state"], code

    async def discovery(self, _request: Request) -> Response:
        if self.is_down:
            return Response(status_code=503)
        return JSONResponse(
            {
                "issuer": self.published_issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
                "jwks_uri": f"{self.issuer}/jwks",
            }
        )

    async def jwks(self, _request: Request) -> Response:
        return JSONResponse(KeySet([self.published_key]).as_dict(private=False))

    async def token(self, request: Request) -> Response:
        self.token_requests += 1
        if self.is_down:
            return Response(status_code=503)
        form = parse_qs((await request.body()).decode())
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        asked = self.codes.pop(form["code"][0], None)
        if (scheme, b64decode(given).decode()) != ("Basic", f"{CLIENT_ID}:{CLIENT_SECRET}"):
            return JSONResponse({"error": "invalid_client"}, 401)
        proven = asked and asked["code_challenge"] == create_s256_code_challenge(form["code_verifier"][0])
        if asked is None or not proven or form["redirect_uri"] != [asked["redirect_uri"]]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": CLIENT_ID, "sub": self.info["sub"], "nonce": asked["nonce"],
            "iat": now, "exp": now + 300,
        } | self.claims  # fmt: skip
        header = {"alg": "RS256", "kid": self.key.kid}
        return JSONResponse(
            {"access_token": "let me in", "token_type": "Bearer", "id_token": jwt.encode(header, claims, self.key)}
        )

    async def userinfo(self, request: Request) -> Response:
        if request.headers.get("authorization") != "Bearer let me in":
            return Response(status_code=401)
        return JSONResponse(self.info)


@contextmanager
def running_provider() -> Iterator[TestProvider]:
    provider = TestProvider()
    server = uvicorn.Server(uvicorn.Config(provider.app, port=provider.port, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield provider
    finally:
        server.should_exit = True
        thread.join(5)
