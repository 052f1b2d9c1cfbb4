"""Whose address a request comes from, on every way in: limits count by it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx2
import pytest
from sqlalchemy import select
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from auth.addresses import Proxies, network, unmapped
from auth.viewer import GUEST
from models import Session
from schema.core.context import Caller
from settings import Settings
from tests.api.people.signing import PASSWORD, SIGN_IN, account
from tests.clients import NO_TLS
from tests.sockets import PROTOCOL
from tests.transport.conftest import IMPATIENT, RunningServer, serving
from transport.http.proxies import ProxyHeaders
from transport.live.sessions import ConnectionLimiter

WRITTEN = {
    "192.0.2.7": ["192.0.2.7", "::ffff:192.0.2.7", "::ffff:c000:207", "0:0:0:0:0:FFFF:192.0.2.7"],
    "2001:db8::1": ["2001:db8::1", "2001:DB8:0:0::0001"],
    "": [""],
    "unknown": ["unknown"],
}


@pytest.mark.parametrize(("plain", "written"), [(plain, one) for plain, ways in WRITTEN.items() for one in ways])
def test_an_address_has_one_spelling(plain: str, written: str) -> None:
    assert unmapped(written) == plain


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
    ],
)
def test_what_counts_as_one_address(address: str, expected: str) -> None:
    assert network(address) == expected
    assert ConnectionLimiter(1).key(GUEST, Caller(address)) == f"network {expected}"


TRUSTED = "127.0.0.1, 10.0.0.0/8, 2001:db8:f::/48, ::ffff:172.16.0.0/108"
CALLERS = [
    # peer, X-Forwarded-For, the caller
    ("127.0.0.1", None, "127.0.0.1"),
    ("::ffff:127.0.0.1", None, "127.0.0.1"),
    ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
    ("::ffff:127.0.0.1", "203.0.113.9", "203.0.113.9"),
    ("::ffff:10.1.2.3", "::ffff:203.0.113.9", "203.0.113.9"),
    ("172.31.255.1", "203.0.113.9", "203.0.113.9"),
    ("172.32.0.1", "203.0.113.9", "172.32.0.1"),
    ("2001:db8:f:1::1", "[2001:DB8:0::1]:443", "2001:db8::1"),
    ("198.51.100.7", "203.0.113.9", "198.51.100.7"),
    ("::ffff:198.51.100.7", "203.0.113.9", "198.51.100.7"),
    ("127.0.0.1", "1.1.1.1, 203.0.113.9:80 , 127.0.0.1", "203.0.113.9"),
    ("127.0.0.1", "203.0.113.9, ::ffff:10.9.9.9, ::ffff:7f00:1", "203.0.113.9"),
    ("127.0.0.1", "10.0.0.1, 10.0.0.2", "10.0.0.1"),
    ("127.0.0.1", "", "127.0.0.1"),
    ("127.0.0.1", " ,", "127.0.0.1"),
    ("127.0.0.1", "unknown", "unknown"),
    ("127.0.0.1", "x" * 70_000, "x" * 64),
    ("", "203.0.113.9", ""),
]


@pytest.mark.parametrize(("peer", "told", "caller"), CALLERS, ids=lambda value: str(value)[:40])
async def test_a_proxy_is_believed_however_its_address_is_written(peer: str, told: str | None, caller: str) -> None:
    settings = Settings.load({"TRUSTED_PROXIES": TRUSTED})
    seen: list[Any] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append((scope["client"] or ("",))[0])

    headers = [] if told is None else [(b"x-forwarded-for", told.encode())]
    scope = {"type": "http", "client": (peer, 1) if peer else None, "headers": headers}
    await ProxyHeaders(app, settings)(scope, None, None)  # type: ignore[arg-type]  # it calls neither

    assert Proxies(TRUSTED).client(peer, told) == caller
    assert seen == [caller]


@pytest.mark.parametrize("peer", ["::ffff:127.0.0.1", "198.51.100.7"])
async def test_only_a_proxy_says_by_which_scheme_a_request_came(peer: str) -> None:
    seen: list[str] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope["scheme"])

    layer = ProxyHeaders(app, Settings.load({}))
    for kind, scheme in (("http", "http"), ("websocket", "ws")):
        scope = {"type": kind, "client": (peer, 1), "scheme": scheme, "headers": [(b"x-forwarded-proto", b"https")]}
        await layer(scope, None, None)  # type: ignore[arg-type]  # it calls neither

    assert seen == (["https", "wss"] if "127" in peer else ["http", "ws"])


@pytest.fixture(params=["direct", "asgi"])
async def dual(request: pytest.FixtureRequest, environment: dict[str, str]) -> AsyncIterator[RunningServer]:
    """A server on a socket for IPv4 and IPv6."""
    options = {} if request.param == "direct" else {"http": "httptools"}
    async with serving(environment | {"HOST": "::"}, **options) as running:
        yield running


async def test_behind_a_proxy_everybody_has_their_own_address_on_a_socket_for_both(dual, save, ports) -> None:
    ada = await account(save, ports)
    body = {"query": SIGN_IN, "variables": {"input": {"login": ada.handle, "password": PASSWORD}}}
    async with httpx2.AsyncClient(base_url=dual.url, verify=NO_TLS) as client:
        for told in (None, "203.0.113.9", "::ffff:203.0.113.10", "2001:db8::5"):
            answer = await client.post("/graphql", json=body, headers={"x-forwarded-for": told} if told else {})
            assert answer.json()["data"]["signIn"]["errors"] == []

    async with ports.database.reading() as session:
        seen = list(await session.scalars(select(Session.address).order_by(Session.id)))
    assert seen == ["127.0.0.1", "203.0.113.9", "203.0.113.10", "2001:db8::5"]


async def test_sockets_of_one_network_share_their_seats(environment) -> None:
    async with serving(environment | {"HOST": "::"}) as dual, AsyncExitStack() as open_ones:

        async def open_socket(address: str) -> None:
            headers = {"x-forwarded-for": address}
            socket = connect(dual.ws_url, subprotocols=[PROTOCOL], additional_headers=headers)
            await open_ones.enter_async_context(socket)

        for number in range(int(IMPATIENT["MAX_SOCKETS_PER_USER"])):
            await open_socket(f"2001:db8:1:2::{number}")
            await open_socket(f"::ffff:192.0.2.{number}")
        with pytest.raises(InvalidStatus, match="429"):
            await open_socket("2001:db8:1:2:ffff::1")
        await open_socket("2001:db8:1:3::1")
        await open_socket("192.0.2.1")
