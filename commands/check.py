"""`wingding check`: are the settings right and can every service be reached? A plain line for each."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx2
from redis.asyncio import Redis
from sqlalchemy import func, select, text

from commands.local import need_home, reachable, uses_home
from commands.migrations import applied_revisions, current_revision
from commands.revisions import newest_revision
from database import Database
from integrations.mail import make_mailer
from models import Base, EventCategory, Role, ServiceType, User
from resolvers.core.invariants import find_violations
from settings import Settings

SECONDS = 10.0


@dataclass(frozen=True)
class Finding:
    name: str
    is_good: bool
    words: str

    def __str__(self) -> str:
        return f"{'ok  ' if self.is_good else 'FAIL'}  {self.name}: {self.words}"


def main(settings: Settings, arguments: Namespace) -> int:
    with reachable(settings, start=False) as found:
        findings = asyncio.run(check(found, invariants=arguments.invariants))
    print(*findings, sep="\n")
    return 0 if all(finding.is_good for finding in findings) else 1


async def check(settings: Settings, *, invariants: bool = False) -> list[Finding]:
    """Look at everything, each within ten seconds; with `invariants` also recount what the rules promise."""
    looks: list[tuple[str, Callable[[Settings], Awaitable[str]]]] = [
        ("PostgreSQL", _database),
        ("migrations", _migrations),
        ("catalogues", _catalogues),
        ("administrators", _administrators),
        ("Redis", _redis),
        ("mail", _mail),
    ]
    if uses_home(settings):
        looks.append(("WINGDING_HOME", _home))
    if settings.oidc_issuer:
        looks.append(("OpenID Provider", _provider))
    if invariants:
        looks.append(("invariants", _invariants))
    return [await _look(name, look, settings) for name, look in looks]


async def _look(name: str, look: Callable[[Settings], Awaitable[str]], settings: Settings) -> Finding:
    try:
        async with asyncio.timeout(SECONDS if name != "invariants" else None):
            return Finding(name, True, await look(settings))
    except Exception as error:
        return Finding(name, False, str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__)


class Wrong(Exception):
    """Reached, but not as it must be; the message says what."""


def _open(settings: Settings) -> Database:
    if not settings.database_url:
        raise Wrong("DATABASE_URL is not set, and no `wingding run` keeps an embedded one over WINGDING_HOME")
    return Database(settings)


async def _database(settings: Settings) -> str:
    database = _open(settings)
    try:
        async with database.reading() as session:
            version = await session.scalar(text("SHOW server_version"))
            if await session.scalar(text("SELECT lower('ПРИВЕТ') = 'привет'")) is not True:
                raise Wrong("its locale does not fold Cyrillic; create the database with LC_CTYPE C.UTF-8 or better")
            return f"version {version}, folds Cyrillic"
    finally:
        await database.dispose()


async def _migrations(settings: Settings) -> str:
    database = _open(settings)
    try:
        async with database.engine.connect() as connection:
            current = await connection.run_sync(current_revision)
            applied = await connection.run_sync(applied_revisions)
    finally:
        await database.dispose()
    if newest_revision() not in applied:
        raise Wrong(f"at {current or 'nothing'}, the newest is {newest_revision()}; run `wingding migrate`")
    return f"at {current}, " + ("the newest" if current == newest_revision() else "which is newer than this code")


async def _catalogues(settings: Settings) -> str:
    """Raise `Wrong` where an event could not be created for want of a category, or a service for want of a type."""
    counts = await _counts(settings, {"categories": EventCategory, "types of services": ServiceType})
    if missing := [name for name, number in counts.items() if not number]:
        raise Wrong(f"there are no {' and no '.join(missing)}; run `wingding setup`")
    return ", ".join(f"{number} {name}" for name, number in counts.items())


async def _administrators(settings: Settings) -> str:
    database = _open(settings)
    try:
        async with database.reading() as session:
            is_admin = (User.role == Role.ADMIN, User.is_active)
            number = await session.scalar(select(func.count()).select_from(User).where(*is_admin)) or 0
    finally:
        await database.dispose()
    if not number:
        raise Wrong("there is none; run `wingding create-admin`")
    return str(number)


async def _counts(settings: Settings, entities: Mapping[str, type[Base]]) -> dict[str, int]:
    database = _open(settings)
    try:
        async with database.reading() as session:
            return {
                name: await session.scalar(select(func.count()).select_from(entity)) or 0
                for name, entity in entities.items()
            }
    finally:
        await database.dispose()


async def _redis(settings: Settings) -> str:
    if not settings.redis_url:
        raise Wrong("REDIS_URL is not set, and no `wingding run` keeps an embedded one over WINGDING_HOME")
    async with Redis.from_url(settings.redis_url) as redis:
        found = await redis.info("server")
    return f"version {found['redis_version']}"


async def _mail(settings: Settings) -> str:
    return await make_mailer(settings).check()


async def _home(settings: Settings) -> str:
    need_home(settings)
    return f"{settings.wingding_home.absolute()} can be written to"


async def _provider(settings: Settings) -> str:
    url = f"{settings.oidc_issuer.rstrip('/')}/.well-known/openid-configuration"
    async with httpx2.AsyncClient() as client:
        found: dict[str, Any] = (await client.get(url)).raise_for_status().json()
    if found.get("issuer") != settings.oidc_issuer:
        raise Wrong(f"its discovery document names the issuer {found.get('issuer')}, OIDC_ISSUER another")
    return f"found {found['issuer']}"


async def _invariants(settings: Settings) -> str:
    database = _open(settings)
    try:
        async with database.reading() as session:
            violations = await find_violations(session)
    finally:
        await database.dispose()
    if violations:
        raise Wrong("; ".join(str(violation) for violation in violations[:20]))
    return "every count agrees with its rows"
