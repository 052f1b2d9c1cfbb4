"""How much one user may write of each kind (`QUOTAS`), declared with the mutation that writes it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from auth.viewer import Viewer
from errors import RateLimited, _
from integrations.token_buckets import SharedTokenBuckets
from models import Role, utcnow
from settings import Rate

STAFF = 10
"""How many times as much people may write who work for others."""


class QuotaSpent(RateLimited):
    message = _("You have done this too often. You can do it again from {opens_at}.")


def _one(_input: Any) -> int:
    return 1


@dataclass(frozen=True)
class Quota:
    """A kind of things that a mutation writes, and how many of them by an input."""

    kind: str
    count: Callable[[Any], int] = _one

    def each(self, name: str) -> Quota:
        """As many as there are in a list of the input."""
        return Quota(self.kind, lambda input: len(getattr(input, name) or ()))


CLUBS = Quota("clubs")
VENUES = Quota("venues")
EVENTS = Quota("events")
SERVICES = Quota("services")
CHATS = Quota("chats")
MESSAGES = Quota("messages")
INVITATIONS = Quota("invitations")
JOINS = Quota("joins")
REGISTRATIONS = Quota("registrations")
REVIEWS = Quota("reviews")
EDITS = Quota("edits")
"""The quota of all writes that have no kind of their own."""


class Quotas:
    """What users have left. Taken from buckets that all processes share, with no statement in PostgreSQL."""

    def __init__(self, buckets: SharedTokenBuckets, rates: Mapping[str, Rate]) -> None:
        self._buckets = buckets
        self._rates = rates

    @asynccontextmanager
    async def counted(self, viewer: Viewer, quotas: Sequence[Quota], input: Any) -> AsyncIterator[None]:
        """For what a mutation is about to write. Raises `QuotaSpent`. What fails has written nothing, and counts as
        nothing.
        """
        spent: list[tuple[str, int]] = []
        try:
            for quota in quotas:
                rate, number = self._rates.get(quota.kind), quota.count(input)
                if rate is None or viewer.id is None or not number:
                    continue
                if viewer.role is not Role.USER:
                    rate = Rate(rate.most * STAFF, rate.seconds)
                key = f"{quota.kind}:{viewer.id}"
                balance = await self._buckets.take(key, rate, number)
                if balance.wait:
                    # People are told the minute, which has begun by then.
                    again = utcnow() + timedelta(seconds=balance.wait, minutes=1)
                    raise QuotaSpent(retry_after=balance.wait, opens_at=again.replace(second=0, microsecond=0))
                spent.append((key, number))
            yield
        except BaseException:
            for key, number in spent:
                self._buckets.give_back(key, number)
            raise
