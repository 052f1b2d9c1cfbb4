"""IP addresses of callers: in one spelling each, as one network where limits count them, and behind proxies."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

from caches import for_many_short_texts
from settings import networks_in

LONGEST = 64
"""Characters. A longer address is none, and is kept by no cache."""


def unmapped(address: str) -> str:
    """Return the address in one spelling. IPv4 is IPv4, also if a socket for both shows it as `::ffff:192.0.2.7`.

    Text that is no address stays as it is, cut after its first characters.
    """
    return _unmapped(address) if ":" in address and len(address) <= LONGEST else address[:LONGEST]


@for_many_short_texts
def _unmapped(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str((parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None) or parsed)


@for_many_short_texts
def _network(address: str) -> str:
    try:
        parsed = ip_address(unmapped(address))
    except ValueError:
        return unmapped(address)
    return str(ip_network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else str(parsed)


def network(address: str) -> str:
    """Return the network that counts as one address: for IPv6 the /64, which is what one customer is given."""
    return _network(address if len(address) <= LONGEST else address[:LONGEST])


class Proxies:
    """The proxies that are believed when they say for whom they speak (`TRUSTED_PROXIES`)."""

    def __init__(self, trusted: str) -> None:
        self._networks = networks_in(trusted)
        self._believes = for_many_short_texts(self._is_within)
        self._last_but_ours = for_many_short_texts(self._last_of)

    def believes(self, peer: str) -> bool:
        return self._believes(unmapped(peer))

    def client(self, peer: str, told: str | None) -> str:
        """Return the caller's address. `told` is `X-Forwarded-For`, to which each proxy appends for whom it speaks: the
        last address that is no proxy of ours is the caller's.
        """
        peer = unmapped(peer)
        if told is None or not self._believes(peer):
            return peer
        found: str = self._last_but_ours(told)
        return found or peer

    def _last_of(self, told: str) -> str:
        hosts = told.split(",")
        return next((host for one in reversed(hosts) if not self._believes(host := _host(one))), _host(hosts[0]))

    def _is_within(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in one for one in self._networks)


def _host(told: str) -> str:
    """Without its port: `192.0.2.7:80`, `[2001:db8::1]:80`."""
    told = told.strip()[:LONGEST]
    if told.startswith("["):
        return unmapped(told[1:].partition("]")[0])
    return unmapped(told.partition(":")[0] if told.count(":") == 1 else told)
