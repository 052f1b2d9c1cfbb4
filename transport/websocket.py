"""GraphQL over WebSocket: the `graphql-transport-ws` protocol, on Strawberry's handler with its gaps closed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import orjson
from starlette.websockets import WebSocket
from strawberry.asgi import ASGIWebSocketAdapter, GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http.exceptions import NonJsonMessageReceived
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler

from auth.tokens import TokenRefused
from schema import Schema
from schema.context import Context
from schema.ports import Ports
from transport.contexts import bearer_token, caller_of, viewer_of


class Adapter(ASGIWebSocketAdapter):
    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object, None]:
        async for message in super().iter_json(ignore_parsing_errors=ignore_parsing_errors):
            if not isinstance(message, dict):
                raise NonJsonMessageReceived
            yield message


class Handler(BaseGraphQLTransportWSHandler[Context, None]):
    @staticmethod
    def _get_pre_execution_close_reason(error: Any) -> str | None:
        """One bad document is no reason to close the socket of all the others."""
        return None


class SocketEndpoint(GraphQL[Context, None]):
    websocket_adapter_class = Adapter
    graphql_transport_ws_handler_class = Handler

    def __init__(self, schema: Schema, ports: Ports) -> None:
        settings = ports.settings
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL,),
            connection_init_wait_timeout=timedelta(seconds=settings.connection_init_timeout),
            max_subscriptions_per_connection=settings.max_operations_per_socket,
            allowed_origins=settings.allowed_origins,
        )
        self._ports = ports

    async def get_context(self, request: Any, response: Any) -> Context:
        return Context(ports=self._ports, caller=caller_of(request), is_socket=True)

    async def on_ws_connect(self, context: Context) -> Any:
        """The token comes in `connection_init`, as `{"Authorization": "Bearer …"}` or `{"token": "…"}`."""
        params = context.connection_params
        header = params.get("Authorization") or params.get("authorization")
        token = params.get("token")
        try:
            if header is not None or token is not None:
                token = token if isinstance(token, str) else bearer_token(header if isinstance(header, str) else "?")
                context.become(await viewer_of(self._ports, token))
        except TokenRefused as error:
            raise ConnectionRejectionError from error
        return await super().on_ws_connect(context)

    def decode_json(self, data: str | bytes) -> object:
        return orjson.loads(data)

    def encode_json(self, data: object) -> str:
        return orjson.dumps(data).decode()

    async def serve(self, websocket: WebSocket) -> None:
        await self(websocket.scope, websocket.receive, websocket.send)
