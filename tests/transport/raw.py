"""HTTP as bytes, so that tests may split, mix and break it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson

QUERY = b'{"query":"{ __typename }"}'


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class Wire:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *parts: bytes, pause: float = 0.03) -> None:
        """Each part arrives by itself."""
        for number, part in enumerate(parts):
            if number:
                await asyncio.sleep(pause)
            self.writer.write(part)
            await self.writer.drain()

    async def reply(self, seconds: float = 5.0) -> Reply:
        async with asyncio.timeout(seconds):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            lines = head.rstrip("\r\n").split("\r\n")
            headers: dict[str, str] = {}
            for line in lines[1:]:
                name, _, value = line.partition(": ")
                headers[name.lower()] = f"{headers[name.lower()]}, {value}" if name.lower() in headers else value
            body = await self.reader.readexactly(int(headers["content-length"]))
        return Reply(int(lines[0].split(" ")[1]), headers, body)

    async def ended(self, seconds: float = 5.0) -> bytes:
        """What still comes until the server closes."""
        async with asyncio.timeout(seconds):
            return await self.reader.read()


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Wire]:
    wire = Wire(*await asyncio.open_connection("127.0.0.1", port))
    try:
        yield wire
    finally:
        wire.writer.close()


def post(body: bytes = QUERY, *, path: str = "/graphql", version: str = "1.1", **headers: str) -> bytes:
    """A whole request. `content_type="…"` is the header Content-Type; an empty value leaves a header out."""
    given = {"host": "x", "content-type": "application/json", "content-length": str(len(body))}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"POST {path} HTTP/{version}", *(f"{name}: {value}" for name, value in given.items() if value)]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode()


def chunked(body: bytes = QUERY) -> bytes:
    head = post(b"", content_length="", transfer_encoding="chunked")
    return head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)


def named(alias: str) -> bytes:
    """A query whose answer tells which one it was."""
    return b'{"query":"{ %b: __typename }"}' % alias.encode()
