"""A raw client of `graphql-transport-ws`, and a relay that a test starts and stops when it wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from models import Session, User
from outbox.relay import Relay
from outbox.sinks import to_live_streams
from schema.core.ports import Ports
from tests.factories import in_days

SENT = """
subscription ($id: ID!, $after: String) {
  messageSent(chatId: $id, after: $after) {
    __typename
    ... on MessageSent { cursor message { sequence body } }
    ... on ResyncRequired { cursor reason }
  }
}
"""
SEND = """
mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { sequence } errors { code } } }
"""


@asynccontextmanager
async def relaying(ports: Ports, interval: float = 0.05) -> AsyncIterator[Relay]:
    """Deliver what the in-process schema commits, as a server does."""
    relay = Relay(ports.database, {"live": to_live_streams(ports.hub)}, interval=interval)
    relay.start()
    try:
        yield relay
    finally:
        await relay.stop()


async def sign_in(ports: Ports, user: User) -> str:
    """An access token of a session of its own."""
    session = Session(user_id=user.id, expires_at=in_days(1))
    async with ports.database.writing() as uow:
        uow.session.add(session)
    return ports.tokens.issue(user.id, session.id)[0]


class Socket:
    """One connection with one subscription."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket

    async def subscribe(self, document: str, **variables: Any) -> None:
        payload = {"query": document, "variables": variables}
        await self._send({"type": "subscribe", "id": "1", "payload": payload})

    async def next(self, seconds: float = 15.0) -> dict[str, Any]:
        """The next message of the subscription, pings aside."""
        while True:
            message: dict[str, Any] = orjson.loads(await asyncio.wait_for(self.socket.recv(), seconds))
            if message["type"] == "ping":
                await self._send({"type": "pong"})
            elif message["type"] != "pong":
                return message

    async def next_or_dead(self) -> dict[str, Any]:
        """As `next`, but a silent peer is asked for a sign of life, as clients do: without one the socket is dead
        (`ConnectionClosed`), with one the stream should not have been silent (`AssertionError`).
        """
        try:
            return await self.next(20)
        except TimeoutError:
            await self._send({"type": "ping"})
        try:
            answer = orjson.loads(await asyncio.wait_for(self.socket.recv(), 10))
        except TimeoutError:
            raise ConnectionClosedError(None, None) from None
        assert answer["type"] != "pong", "the server lives, but its stream is silent"
        return dict(answer)

    async def _send(self, message: dict[str, Any]) -> None:
        await self.socket.send(orjson.dumps(message).decode())


@asynccontextmanager
async def opened(url: str, token: str) -> AsyncIterator[Socket]:
    async with connect(url, subprotocols=["graphql-transport-ws"]) as raw:
        socket = Socket(raw)
        await socket._send({"type": "connection_init", "payload": {"Authorization": f"Bearer {token}"}})
        assert (await socket.next())["type"] == "connection_ack"
        yield socket
