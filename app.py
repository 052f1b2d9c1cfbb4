"""Wires everything. Nothing imports it; uvicorn and the `wingding` command call it by name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import orjson
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from auth.passwords import Passwords
from auth.sealing import Sealer
from auth.tokens import Tokens
from database import Database
from realtime.hub import Hub
from realtime.outbox import Relay, to_live_streams
from schema import make_schema
from schema.ports import Ports
from settings import Settings
from transport.http import GraphQLEndpoint
from transport.websocket import SocketEndpoint


@dataclass(frozen=True)
class State:
    """Of a running server, typed (Starlette's lifespan state)."""

    ports: Ports


def make_ports(settings: Settings) -> Ports:
    return Ports(
        settings=settings,
        database=Database(settings),
        tokens=Tokens.load(settings),
        passwords=Passwords(settings),
        sealer=Sealer.load(settings),
        hub=Hub(settings.redis_url),
    )


def create_app(settings: Settings | None = None) -> Starlette:
    """The ASGI application. Connects in its lifespan, never on import."""
    settings = settings or Settings.load()
    ports = make_ports(settings)
    schema = make_schema()
    relay = Relay(ports.database, {"live": to_live_streams(ports.hub)}, interval=settings.relay_interval)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, State]]:
        ports.hub.on_reconnect = relay.wake
        ports.database.after_commit = relay.wake
        await ports.hub.connect()
        relay.start()
        try:
            yield {"state": State(ports)}
        finally:
            await relay.stop()
            await ports.hub.disconnect()
            await ports.database.dispose()

    async def jwks(_request: Request) -> Response:
        return Response(orjson.dumps(ports.tokens.public_keys()), media_type="application/jwk-set+json")

    graphql = GraphQLEndpoint(schema, ports)
    return Starlette(
        lifespan=lifespan,
        routes=[
            Route("/graphql", graphql.__call__, methods=["GET", "POST"]),
            WebSocketRoute("/graphql", SocketEndpoint(schema, ports).serve),
            Route("/.well-known/jwks.json", jwks),
        ],
        middleware=[
            Middleware(
                CORSMiddleware,
                allow_origins=settings.allowed_origins,
                allow_methods=["GET", "POST"],
                allow_headers=["authorization", "content-type", "accept-language"],
            )
        ],
    )
