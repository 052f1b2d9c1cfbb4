"""TLS in front of a plain server: certificates of a small authority, and proxies that demand one of the client."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import trustme

SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"
"""How a client of PostgreSQL asks for TLS (protocol 3.0, SSLRequest)."""

Dial = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


@dataclass(frozen=True)
class Certificates:
    """Files in PEM. The server's is for 127.0.0.1 and localhost."""

    authority: Path
    client: Path
    client_key: Path
    other_authority: Path
    context: ssl.SSLContext
    """Of a server that demands a certificate of the client."""


def make_certificates(folder: Path) -> Certificates:
    authority, other = trustme.CA(), trustme.CA()
    client, server = authority.issue_cert("client@example.org"), authority.issue_cert("127.0.0.1", "localhost")
    files = {name: folder / f"{name}.pem" for name in ("authority", "client", "client_key", "other")}
    authority.cert_pem.write_to_path(str(files["authority"]))
    other.cert_pem.write_to_path(str(files["other"]))
    client.cert_chain_pems[0].write_to_path(str(files["client"]))
    client.private_key_pem.write_to_path(str(files["client_key"]))
    files["client_key"].chmod(0o600)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED
    server.configure_cert(context)
    authority.configure_trust(context)
    return Certificates(files["authority"], files["client"], files["client_key"], files["other"], context)


@asynccontextmanager
async def before_postgres(socket: str, context: ssl.SSLContext) -> AsyncIterator[int]:
    """A port on which PostgreSQL is spoken within TLS alone; `socket` is the real server's."""

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            if await reader.readexactly(len(SSL_REQUEST)) == SSL_REQUEST:
                writer.write(b"S")
                await writer.drain()
                await writer.start_tls(context)
                await _join(reader, writer, lambda: asyncio.open_unix_connection(socket))
        writer.close()

    async with await asyncio.start_server(meet, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def before_redis(socket: str, context: ssl.SSLContext) -> AsyncIterator[int]:
    """A port on which Redis is spoken within TLS; `socket` is the real server's."""

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            await _join(reader, writer, lambda: asyncio.open_unix_connection(socket))
        writer.close()

    async with await asyncio.start_server(meet, "127.0.0.1", 0, ssl=context) as server:
        yield server.sockets[0].getsockname()[1]


async def _join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, dial: Dial) -> None:
    """Carry bytes both ways until one side is done."""
    there, back = await dial()
    ways = [asyncio.create_task(_carry(reader, back)), asyncio.create_task(_carry(there, writer))]
    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    for way in ways:
        way.cancel()
    back.close()


async def _carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(65_536):
            target.write(data)
            await target.drain()
