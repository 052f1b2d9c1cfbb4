"""The source of database and Redis: the settings, a running `wingding run`, or embedded servers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import asyncpg
from sqlalchemy.exc import DBAPIError

from errors import StartError
from integrations.embedded import EmbeddedServers, urls_of
from settings import Settings, SettingsError


@contextmanager
def reachable(settings: Settings, *, start: bool) -> Iterator[Settings]:
    """Fill in both URLs of the settings: from the environment, else from the servers that already run over
    WINGDING_HOME, else, with `start`, from embedded ones that live as long as this block.
    """
    if settings.database_url and settings.redis_url:
        yield settings
    elif found := urls_of(settings.wingding_home):
        yield _filled(settings, found.database, found.redis)
    elif start:
        need_home(settings)
        with EmbeddedServers(settings.wingding_home) as servers:
            yield _filled(settings, servers.urls.database, servers.urls.redis)
    else:
        yield settings


def _filled(settings: Settings, database_url: str, redis_url: str) -> Settings:
    return replace(
        settings, database_url=settings.database_url or database_url, redis_url=settings.redis_url or redis_url
    )


def need_servers(settings: Settings) -> None:
    """For processes that never start servers of their own. Raises `SettingsError`."""
    missing = [name.upper() for name in ("database_url", "redis_url") if not getattr(settings, name)]
    if missing:
        names = " and ".join(missing)
        raise SettingsError(f"{names} must be set here; `wingding run` starts embedded servers instead")


def uses_home(settings: Settings) -> bool:
    """Whether anything is kept in WINGDING_HOME: data, secrets or mail, each where no setting says another place."""
    elsewhere = ("database_url", "redis_url", "secret_key", "signing_keys_file", "smtp_url")
    return not all(str(getattr(settings, name)) for name in elsewhere)


def need_home(settings: Settings) -> None:
    """Raise `StartError` where WINGDING_HOME is used, and can neither be written to nor made."""
    if not uses_home(settings):
        return
    home = settings.wingding_home.absolute()
    nearest = next(path for path in (home, *home.parents) if os.path.lexists(path))
    if not nearest.is_dir():
        raise StartError(f"WINGDING_HOME={settings.wingding_home} cannot be used: {nearest} is not a folder")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise StartError(f"WINGDING_HOME={settings.wingding_home} cannot be used: {nearest} cannot be written to")


@contextmanager
def telling_why() -> Iterator[None]:
    """Around the first connection of a command. Raises `StartError` that says why PostgreSQL cannot be reached."""
    try:
        yield
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, DBAPIError) as error:
        cause = error.orig.__cause__ or error.orig if isinstance(error, DBAPIError) and error.orig else error
        why = (str(cause).strip() or type(cause).__name__).splitlines()[0]
        raise StartError(f"PostgreSQL cannot be reached by DATABASE_URL: {why}") from error
