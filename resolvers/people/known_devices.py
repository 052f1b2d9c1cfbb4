"""Devices and networks that an account has signed in from.

What strangers do is counted apart from what these do: however many wrong passwords are tried and links are asked for
elsewhere, the owner comes in from where they have been before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, select

from auth.addresses import network
from auth.throttle import AttemptLimit
from auth.tokens import new_secret, secret_hash
from database import Database, UnitOfWork
from models import KnownDevice, User, utcnow

KNOWN_FOR = timedelta(days=400)
"""Since the last sign-in. Longer than any session."""
MOST = 20
"""Maximum number of known devices per account. Each has attempts of its own, which must not add up without end."""


@dataclass(frozen=True)
class Device:
    """The client that signs in, described so that people tell their sessions apart and the server recognises it.

    `token` is what an earlier sign-in has given it, if it says so.
    """

    user_agent: str = ""
    address: str = ""
    token: str | None = None

    @property
    def network(self) -> str:
        return network(self.address)

    @property
    def token_hash(self) -> bytes:
        return secret_hash(self.token or "")


@dataclass(frozen=True)
class AttemptScope:
    """Among whom the attempts on an account are counted: a known device alone, a known network, or all strangers."""

    account: str
    device_id: UUID | None = None
    network: str = ""

    def limit(self, kind: str, most: int, window: timedelta) -> AttemptLimit:
        return AttemptLimit(kind, f"{self.account} {self.device_id or self.network}", most, window)


def circle_columns(device: Device) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """To be selected beside a `User`: by which of their devices this is, and whether its network is known."""
    own = [KnownDevice.user_id == User.id, KnownDevice.last_used_at > utcnow() - KNOWN_FOR]
    by_token = select(KnownDevice.id).where(*own, KnownDevice.token_hash == device.token_hash).scalar_subquery()
    by_network = exists(select(KnownDevice.id).where(*own, KnownDevice.network == device.network))
    return by_token.label("device_id"), by_network.label("is_network_known")


def circle_of(account: str, device: Device, found: Any) -> AttemptScope:
    """`found` has the `circle_columns`; null where there is no such account."""
    if found is None or not (found.device_id or found.is_network_known):
        return AttemptScope(account)
    return AttemptScope(account, found.device_id, device.network)


async def caller_limit(database: Database, kind: str, device: Device, most: int, window: timedelta) -> AttemptLimit:
    """Return the limit for one caller: counted by network, but for a known device by itself, so that its neighbours do
    not lock it out.
    """
    known = select(KnownDevice.id).where(KnownDevice.token_hash == device.token_hash)
    async with database.reading() as session:
        id = await session.scalar(known) if device.token else None
    return AttemptLimit(kind, f"device {id}" if id else device.network, most, window)


async def is_strange(uow: UnitOfWork, user_id: UUID, device: Device) -> bool:
    """Whether an account that has devices has never signed in from this one, nor from its network."""
    known = select(KnownDevice.token_hash, KnownDevice.network).where(KnownDevice.user_id == user_id)
    devices = (await uow.session.execute(known)).all()
    return bool(devices) and not any(
        one.token_hash == device.token_hash or one.network == device.network for one in devices
    )


async def remember(uow: UnitOfWork, user_id: UUID, device: Device) -> str:
    """Record that the device has signed in, and return the token that identifies it from now on."""
    known = await uow.session.scalar(
        select(KnownDevice)
        .where(KnownDevice.user_id == user_id, KnownDevice.token_hash == device.token_hash)
        .with_for_update()
    )
    if known is not None and device.token:
        known.network, known.last_used_at = device.network[:64], utcnow()
        return device.token
    kept = select(KnownDevice.id).where(KnownDevice.user_id == user_id)
    kept = kept.order_by(KnownDevice.last_used_at.desc(), KnownDevice.id.desc()).limit(MOST - 1)
    await uow.session.execute(
        delete(KnownDevice)
        .where(KnownDevice.user_id == user_id, KnownDevice.id.not_in(kept))
        .execution_options(synchronize_session=False)
    )
    token = new_secret()
    uow.session.add(
        KnownDevice(user_id=user_id, token_hash=secret_hash(token), network=device.network[:64], last_used_at=utcnow())
    )
    await uow.session.flush()
    return token


async def forget_all(uow: UnitOfWork, user_id: UUID) -> None:
    """Whoever signed in with the old password is a stranger now."""
    await uow.session.execute(delete(KnownDevice).where(KnownDevice.user_id == user_id))
