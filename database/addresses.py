"""Where PostgreSQL is: one reading of DATABASE_URL for all pools and commands."""

from __future__ import annotations

from sqlalchemy import NullPool, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from settings import SettingsError

DIALECT = "postgresql+asyncpg://"
SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
KNOWN = frozenset(
    {
        "dbname", "gsslib", "host", "krbsrvname", "passfile", "password", "port", "ssl_max_protocol_version",
        "ssl_min_protocol_version", "sslcert", "sslcrl", "sslkey", "sslmode", "sslnegotiation", "sslpassword",
        "sslrootcert", "target_session_attrs", "user",
    }
)  # fmt: skip
"""Parameters of libpq that are understood. asyncpg would take others for settings of the server."""


def dsn_of(database_url: str) -> str:
    """Return DATABASE_URL as libpq and asyncpg read it: without the name of a driver, TLS in libpq's words.

    `ssl`, as SQLAlchemy's dialect names it, is read as `sslmode`. Raises `SettingsError`.
    """
    try:
        url = make_url(database_url)
    except ArgumentError as error:
        raise SettingsError("DATABASE_URL is not understood: postgresql://user:password@host:port/name") from error
    if url.get_backend_name() not in {"postgresql", "postgres"}:
        raise SettingsError("DATABASE_URL does not lead to PostgreSQL: postgresql://user:password@host:port/name")
    query = dict(url.query)
    if (mode := query.pop("ssl", None)) is not None:
        query.setdefault("sslmode", {"true": "require", "false": "disable"}.get(str(mode).lower(), mode))
    if unknown := sorted(query.keys() - KNOWN):
        raise SettingsError(f"DATABASE_URL has parameters that are not understood: {', '.join(unknown)}")
    if query.get("sslmode", "prefer") not in SSL_MODES:
        raise SettingsError(f"sslmode in DATABASE_URL is one of {', '.join(SSL_MODES)}")
    return url.set(drivername="postgresql", query=query).render_as_string(hide_password=False)


def bare_engine(database_url: str) -> AsyncEngine:
    """Make an engine that keeps no connections, for migrations and other commands."""
    return create_async_engine(DIALECT, poolclass=NullPool, connect_args={"dsn": dsn_of(database_url)})
