"""Subscriptions over WebSocket (`graphql-transport-ws`), in as few lines as a client needs."""

from __future__ import annotations

import asyncio
import json
from itertools import count
from typing import Any

from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

PATIENCE = 15.0  # seconds to wait for an event

PLACES = """
subscription ($id: ID!, $after: String) {
  availabilityChanged(eventId: $id, after: $after) {
    __typename
    ... on AvailabilityChange { taken free cursor services { serviceId taken } }
  }
}
"""
MESSAGES = """
subscription ($id: ID!, $after: String) {
  messageSent(chatId: $id, after: $after) {
    __typename
    ... on MessageSent { cursor message { body author { displayName } } }
  }
}
"""
NEWS = """
subscription ($after: String) {
  notificationReceived(after: $after) {
    __typename
    ... on Notification { type title cursor }
  }
}
"""


class Stream:
    """The events of one subscription."""

    def __init__(self, live: Live, id: str) -> None:
        self._live, self._id = live, id
        self.arrived: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def next(self, **wanted: Any) -> dict[str, Any]:
        """The next event; others than the wanted are passed over. Raises TimeoutError where none comes."""
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await self.arrived.get()
                if message["type"] != "next" or message["payload"].get("errors"):
                    raise AssertionError(f"the stream ended: {message}")
                (event,) = message["payload"]["data"].values()
                if all(event.get(name) == value for name, value in wanted.items()):
                    return dict(event)

    async def stop(self) -> None:
        await self._live.send({"type": "complete", "id": self._id})


class Live:
    """One socket with any number of subscriptions. The token goes into `connection_init`."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url.replace("http", "ws", 1) + "/graphql", token
        self._streams: dict[str, Stream] = {}
        self._ids = count(1)

    async def __aenter__(self) -> Live:
        self._socket = await connect(self._url, subprotocols=[Subprotocol("graphql-transport-ws")])
        await self.send({"type": "connection_init", "payload": {"Authorization": f"Bearer {self._token}"}})
        answer = json.loads(await self._socket.recv())
        if answer["type"] != "connection_ack":
            raise AssertionError(f"the socket was refused: {answer}")
        self._reading = asyncio.create_task(self._read())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._reading.cancel()
        await self._socket.close()

    async def send(self, message: dict[str, Any]) -> None:
        await self._socket.send(json.dumps(message))

    async def subscribe(self, document: str, **variables: Any) -> Stream:
        """Listen. Nothing tells when a stream has begun to, so it gets a moment; with `after` it needs none."""
        id = str(next(self._ids))
        stream = self._streams[id] = Stream(self, id)
        await self.send({"type": "subscribe", "id": id, "payload": {"query": document, "variables": variables}})
        if variables.get("after") is None:
            await asyncio.sleep(0.5)
        return stream

    async def places(self, event_id: str, after: str | None = None) -> Stream:
        return await self.subscribe(PLACES, id=event_id, after=after)

    async def messages(self, chat_id: str, after: str | None = None) -> Stream:
        return await self.subscribe(MESSAGES, id=chat_id, after=after)

    async def news(self, after: str | None = None) -> Stream:
        return await self.subscribe(NEWS, after=after)

    async def _read(self) -> None:
        async for text in self._socket:
            message = json.loads(text)
            if message["type"] == "ping":
                await self.send({"type": "pong"})
            elif message.get("id") in self._streams:
                self._streams[message["id"]].arrived.put_nowait(message)
