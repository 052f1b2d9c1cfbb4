"""Where the database and Redis come from: the settings, a running `wingding run`, or servers of our own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from integrations.embedded import EmbeddedServers, urls_of
from settings import Settings, SettingsError


@contextmanager
def reachable(settings: Settings, *, start: bool) -> Iterator[Settings]:
    """Settings with both URLs filled in: from the environment, else from the servers that already run over
    WINGDING_HOME, else, with `start`, from embedded ones that live as long as this block.
    """
    if settings.database_url and settings.redis_url:
        yield settings
    elif found := urls_of(settings.wingding_home):
        yield _filled(settings, found.database, found.redis)
    elif start:
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
