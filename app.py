"""Wires everything. Nothing imports it; uvicorn and the `wingding` command call it by name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module

import orjson
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from auth.password_hashing import Passwords
from auth.sealing import Sealer
from auth.tokens import Tokens
from caches import CacheLimit
from commands.demo.accounts import demo_accounts
from commands.demo.people import PASSWORD
from commands.revisions import newest_revision
from database import Database
from engine import Engine
from integrations.oidc import OpenIdProvider
from integrations.quick_redis import QuickRedis
from integrations.token_buckets import SharedTokenBuckets
from outbox.relay import Relay
from outbox.sinks import to_live_streams
from pages.explorer import Explorer
from pages.mailbox import mailbox_routes
from pages.start import start_route
from realtime.chat_presence import ChatPresence
from realtime.hub import Hub
from resolvers.chat.reading import ChatReads
from resolvers.core.stream_access import StreamAccess
from schema import Schema, make_schema
from schema.core.ports import Ports
from schema.core.quotas import Quotas
from settings import Settings, quotas_in
from transport.http.backlog import BACKLOG
from transport.http.direct import DIRECT, Direct
from transport.http.envelope import Compressing, Envelope, cors_options
from transport.http.exports import Exports
from transport.http.health import Health
from transport.http.http import GraphQLEndpoint
from transport.http.proxies import ProxyHeaders
from transport.live.fanout import Fanout
from transport.live.sessions import ConnectionLimiter, SessionWatch
from transport.live.sse import StreamEndpoint
from transport.live.websocket import SocketEndpoint
from transport.observing.metrics import Metrics
from transport.observing.tracing import Tracing
from transport.operations.admission_control import AdmissionControl
from transport.operations.budget import Budget
from transport.operations.operations import Operations
from transport.operations.persisted import Persisted, read_trusted


@dataclass(frozen=True)
class State:
    """The typed state of a running server (Starlette's lifespan state)."""

    ports: Ports


QUOTA_SLICES = 20
"""So that someone who writes fast asks Redis now and then, and processes keep little from each other."""


def make_ports(settings: Settings) -> Ports:
    database = Database(settings)
    redis = QuickRedis(settings.redis_url)
    return Ports(
        settings=settings,
        database=database,
        tokens=Tokens.load(settings),
        passwords=Passwords(settings),
        sealer=Sealer.load(settings),
        hub=Hub(settings.redis_url),
        chat_presence=ChatPresence(database),
        chat_reads=ChatReads(database),
        stream_access=StreamAccess(database),
        provider=OpenIdProvider(settings),
        redis=redis,
        quotas=Quotas(SharedTokenBuckets(redis, "quota", slices=QUOTA_SLICES), quotas_in(settings.quotas)),
    )


def create_app(settings: Settings | None = None) -> Starlette:
    """Return the ASGI application. Connects in its lifespan, never on import."""
    settings = settings or Settings.load()
    CacheLimit.bytes = settings.cache_bytes
    BACKLOG.most = settings.waiting_answer_bytes
    ports = make_ports(settings)
    tracing = make_tracing(settings)
    schema = make_schema()
    operations = make_operations(settings, schema, tracing, ports.redis)
    relay = Relay(ports.database, {"live": to_live_streams(ports.hub)}, interval=settings.relay_interval)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[dict[str, State | Direct]]:
        ports.hub.on_reconnect = relay.wake
        ports.database.after_commit = relay.wake
        await ports.hub.connect()
        relay.start()
        try:
            yield {"state": State(ports), DIRECT: direct}
        finally:
            await relay.stop()
            await ports.chat_presence.stop()
            await ports.hub.disconnect()
            await ports.redis.disconnect()
            await ports.database.dispose()
            if tracing is not None:
                tracing.shutdown()

    async def jwks(_request: Request) -> Response:
        return Response(orjson.dumps(ports.tokens.public_keys()), media_type="application/jwk-set+json")

    connection_limiter, sessions = ConnectionLimiter(settings.max_sockets_per_user), SessionWatch(ports)
    fanout = Fanout(operations, schema, ports.hub)
    health = Health(ports, operations.metrics, cache(newest_revision))
    explorer = Explorer() if settings.has_explorer else None
    endpoint = GraphQLEndpoint(operations, ports, explore=explorer)
    direct = Direct(endpoint, settings)
    routes: list[BaseRoute] = [
        Route("/graphql", endpoint),
        WebSocketRoute("/graphql", SocketEndpoint(operations, ports, connection_limiter, sessions, fanout)),
        Route("/graphql/stream", StreamEndpoint(operations, ports, connection_limiter, sessions)),
        Route("/.well-known/jwks.json", jwks),
        Exports(ports).route,
        Route("/healthz", health.healthz),
        Route("/readyz", health.readyz),
        *mailbox_routes(settings),
    ]
    if explorer is not None:
        routes.append(explorer.route)
    if settings.metrics == "on":
        routes.append(Route("/metrics", health.metrics))
    links = {"/graphql": "Explorer", "/dev/mailbox": "Mailbox", "/readyz": "Health", "/metrics": "Metrics"}
    paths = {getattr(route, "path", "") for route in routes} - ({"/graphql"} if explorer is None else set())
    found = [(path, words) for path, words in links.items() if path in paths]
    accounts = partial(demo_accounts, ports.database)
    routes.append(start_route(settings, links=found, accounts=accounts, password=PASSWORD))
    return Starlette(lifespan=lifespan, routes=routes, middleware=make_middleware(settings))


def make_operations(settings: Settings, schema: Schema, tracing: Tracing | None, redis: QuickRedis) -> Operations:
    """Make what runs operations. Raises `StartError` where the registry of trusted documents is no good."""
    return Operations(
        schema,
        Metrics(),
        tracing,
        timeout=settings.operation_timeout,
        max_cost=settings.max_cost,
        budget=Budget(redis, users=settings.cost_per_minute, guests=settings.guest_cost_per_minute),
        documents=Persisted(
            redis if settings.persisted_queries == "on" else None,
            trusted=read_trusted(settings, schema),
            mode=settings.trusted_documents,
        ),
        engine=Engine(schema) if settings.execution == "engine" else None,
        admission=AdmissionControl(running=settings.most_running, waiting=settings.most_waiting),
    )


def make_middleware(settings: Settings) -> list[Middleware]:
    """Pure ASGI, outermost first. What they do for the endpoint, `transport/http/direct.py` does for it, too."""
    found = [Middleware(ProxyHeaders, settings), Middleware(Envelope, settings)]
    if settings.allowed_origins:
        found.append(Middleware(CORSMiddleware, **cors_options(settings)))
    return [*found, Middleware(Compressing)]


def make_tracing(settings: Settings) -> Tracing | None:
    """OpenTelemetry where a collector is configured; its SDK is loaded only then."""
    if not settings.otel_exporter_otlp_endpoint:
        return None
    tracing: Tracing = import_module("transport.observing.otel").OpenTelemetry(settings.otel_exporter_otlp_endpoint)
    return tracing
