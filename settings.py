"""Every setting of the server, read once from the environment. `docs/settings.md` is made from this file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from math import inf
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from starlette.config import Config, Environ
from starlette.datastructures import CommaSeparatedStrings, Secret

REQUIRED_IN_PRODUCTION = ("database_url", "redis_url", "secret_key", "signing_keys_file", "public_url", "smtp_url")


class SettingsError(Exception):
    """A setting is missing or wrong; the message names it."""


def setting(default: Any, about: str, cast: Any = None) -> Any:
    return field(default=default, metadata={"about": about, "cast": cast})


def _seconds(text: str) -> float:
    value = float(text)
    if value <= 0:
        raise ValueError
    return value


def _wait(text: str) -> float:
    value = float(text)
    if not 0 <= value < inf:
        raise ValueError
    return value


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError
    return value


def _amount(text: str) -> int:
    value = int(text)
    if value < 0:
        raise ValueError
    return value


def _switch(text: str) -> str:
    if text not in {"on", "off"}:
        raise ValueError
    return text


def _trusting(text: str) -> str:
    if text not in {"off", "prefer", "only"}:
        raise ValueError
    return text


def _port(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 65535:
        raise ValueError
    return value


def networks_in(text: str) -> list[IPv4Network | IPv6Network]:
    """Addresses and networks, comma separated. IPv4 is IPv4, also where it is written as `::ffff:192.0.2.0/120`."""
    found: list[IPv4Network | IPv6Network] = []
    for one in CommaSeparatedStrings(text):
        network = ip_network(one, strict=False)
        if isinstance(network, IPv6Network) and network.prefixlen >= 96:
            mapped = network.network_address.ipv4_mapped
            network = ip_network((mapped, network.prefixlen - 96)) if mapped else network
        found.append(network)
    return found


def _proxies(text: str) -> str:
    """Not everybody: the address that a caller made up would be the one that limits count by."""
    if any(one.prefixlen == 0 for one in networks_in(text)):
        raise ValueError
    return text


def _environment(text: str) -> str:
    if text not in {"development", "production"}:
        raise ValueError
    return text


def _execution(text: str) -> str:
    if text not in {"engine", "reference"}:
        raise ValueError
    return text


def secrets_in(text: str) -> tuple[str, ...]:
    """Secrets, comma separated. The first one is for what is made from now on."""
    return tuple(one for part in text.split(",") if (one := part.strip()))


def _conflicts(text: str) -> str:
    if text not in {"off", "warn", "refuse"}:
        raise ValueError
    return text


def _edition(text: str) -> str:
    if text not in {"september2026", "older"}:
        raise ValueError
    return text


def origin_of(url: str) -> str:
    """Return an origin as browsers write it: in lower case, without the default port of its scheme.

    Raises `ValueError` where it has no scheme or no host.
    """
    found = urlsplit(url.lower())
    if not found.scheme or not found.hostname:
        raise ValueError(url)
    host = f"[{found.hostname}]" if ":" in (found.hostname or "") else found.hostname or ""
    is_default = found.port in (None, {"http": 80, "https": 443}.get(found.scheme))
    return f"{found.scheme}://{host}" if is_default else f"{found.scheme}://{host}:{found.port}"


def _origins(text: str) -> tuple[str, ...]:
    return tuple(one if one == "*" else origin_of(one) for one in CommaSeparatedStrings(text))


def _names(text: str) -> tuple[str, ...]:
    return tuple(CommaSeparatedStrings(text))


class Rate(NamedTuple):
    """At most so many in a period."""

    most: int
    seconds: float


PERIODS = {"minute": 60.0, "hour": 3600.0, "day": 86_400.0}
QUOTAS = (
    "clubs=10/day venues=30/day events=50/day services=300/day chats=50/day messages=120/minute invitations=200/day "
    "joins=60/hour registrations=120/hour reviews=30/day edits=600/hour"
)


def quotas_in(text: str) -> dict[str, Rate]:
    """What one user may write, by kind. What is not named has its default; what has no limit is left out."""
    if text == "off":
        return {}
    found = {name: _rate(given) for name, _, given in (one.partition("=") for one in QUOTAS.split())}
    for one in text.replace(",", " ").split():
        name, _, given = one.partition("=")
        if name not in found:
            raise ValueError(name)
        found[name] = _rate(given)
    return {name: rate for name, rate in found.items() if rate.most}


def _rate(text: str) -> Rate:
    """`10/day`; 0 for no limit."""
    most, _, period = text.partition("/")
    if most == "0":
        return Rate(0, PERIODS["day"])
    return Rate(_positive(most), PERIODS[period])


def _quotas(text: str) -> str:
    try:
        quotas_in(text)
    except KeyError as error:
        raise ValueError(text) from error
    return text


@dataclass(frozen=True, kw_only=True)
class Settings:
    environment: str = setting("development", "`development` or `production`", _environment)
    host: str = setting("127.0.0.1", "address to listen on", str)
    port: int = setting(8000, "port to listen on", _port)
    wingding_home: Path = setting(Path("var"), "folder of all local data", Path)
    execution: str = setting(
        "engine", "`engine`, or `reference`: Strawberry's own execution, by which the engine is judged", _execution
    )
    public_url: str = setting(
        "", "where clients reach the server; used in links, as the token's issuer and audience", str
    )
    allowed_origins: tuple[str, ...] = setting(
        (), "origins, comma separated, whose pages may call the server", _origins
    )
    trusted_proxies: str = setting(
        "127.0.0.1,::1",
        "addresses or networks, comma separated, whose X-Forwarded-For is believed; never all (`::/0`)",
        _proxies,
    )

    database_url: str = setting(
        "",
        "PostgreSQL 15 or newer, TLS by `sslmode`, `sslrootcert`, `sslcert`, `sslkey` as libpq has them; empty: "
        "`wingding run` starts the embedded one",
        str,
    )
    database_pool_size: int = setting(
        20,
        "connections of one process; as many more at most for reading, half as many for searches, half as many for "
        "short writes, 3 for relays",
        _positive,
    )
    statement_timeout: float = setting(10.0, "seconds after which PostgreSQL gives up a statement", _seconds)
    redis_url: str = setting(
        "",
        "Redis 6.2 or newer, TLS by `rediss://` with `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile`; empty: `wingding "
        "run` starts the embedded one",
        str,
    )

    secret_key: Secret = setting(
        Secret(""),
        "32 characters or more; encrypts stored answers and makes refresh tokens. Several, comma separated, while one "
        "is replaced: the first is used for what is new, all for what is there (docs/accounts.md)",
        Secret,
    )
    signing_keys_file: str = setting(
        "", "private JWK set (P-256), the first key signs; empty: made in WINGDING_HOME", str
    )
    access_token_lifetime: float = setting(900.0, "seconds", _seconds)
    session_lifetime: float = setting(30 * 86400.0, "seconds a session lives without being used", _seconds)
    session_longest: float = setting(180 * 86400.0, "seconds after which a session ends, used or not", _seconds)
    refresh_grace: float = setting(
        30.0, "seconds in which a traded refresh token gets its successor once more; 0: never", _wait
    )
    account_deletion_grace: float = setting(
        14 * 86400.0, "seconds between `deleteAccount` and the deletion, in which the owner may take it back", _wait
    )
    export_kept: float = setting(7 * 86400.0, "seconds that a copy of one's data can be downloaded", _seconds)
    password_hash_memory: int = setting(64 * 1024, "KiB of memory for one Argon2id hash", _positive)
    sign_in_attempts: int = setting(
        10,
        "wrong passwords for one account in 15 minutes, by all strangers together and by each known device or network",
        _positive,
    )
    sign_in_attempts_per_address: int = setting(100, "wrong passwords from one address within 15 minutes", _positive)
    sign_up: str = setting("on", "whether strangers may make accounts here: on or off", _switch)
    sign_ups_per_address: int = setting(50, "new accounts from one address within an hour", _positive)

    quotas: str = setting(
        QUOTAS,
        "what one user may write in a `minute`, `hour` or `day`, by kind; `clubs=20/day edits=0` changes these two, 0 "
        "is no limit, `off` turns all off. Volunteers, moderators and administrators have ten times as much",
        _quotas,
    )
    oidc_issuer: str = setting("", "OpenID Provider, found by its discovery document; empty: none", str)
    oidc_name: str = setting("", "what people are shown as its name; empty: the host of OIDC_ISSUER", str)
    oidc_client_id: str = setting("", "our name at the provider", str)
    oidc_client_secret: Secret = setting(Secret(""), "our secret at the provider", Secret)
    oidc_redirect_uris: tuple[str, ...] = setting((), "where the provider may send people back to", _names)

    smtp_url: str = setting("", "smtp://user:password@host:port, smtps:// for TLS; empty: mail goes to a folder", str)
    mails_per_recipient: int = setting(
        30,
        "mails an hour to one recipient, a third of them at most caused by strangers; links to reset a password are "
        "limited by themselves",
        _positive,
    )
    mail_from: str = setting("Wingding <noreply@localhost>", "sender of mail", str)
    web_url: str = setting("", "the frontend, for links in mail; empty: PUBLIC_URL", str)

    s3_endpoint: str = setting("", "for media, which come later: S3 endpoint; empty: AWS", str)
    s3_bucket: str = setting("", "for media, which come later: bucket; empty: a local folder", str)
    s3_region: str = setting("us-east-1", "for media, which come later: region", str)
    s3_access_key: str = setting("", "for media, which come later: access key", str)
    s3_secret_key: Secret = setting(Secret(""), "for media, which come later: secret key", Secret)

    direct_chat_needs: str = setting("shared", "who may open a DIRECT chat: `shared` club or event, or `anyone`", str)
    time_conflicts: str = setting(
        "warn",
        "`warn`, `refuse` or `off`: two things of one person at one time, two events at one venue and time",
        _conflicts,
    )
    cache_bytes: int = setting(
        128 * 1024 * 1024,
        "memory of one process for documents, plans, statements and the like that are kept for the next request",
        _positive,
    )
    max_body_bytes: int = setting(1024 * 1024, "largest HTTP body and WebSocket message", _positive)
    graphql_over_http: str = setting(
        "september2026",
        "edition of GraphQL over HTTP whose status codes go with `application/graphql-response+json`; `older`: 400 for "
        "all that does not run, 200 for partial answers",
        _edition,
    )
    waiting_answer_bytes: int = setting(
        256 * 1024 * 1024,
        "memory of one process for answers that wait for slow readers; beyond it, those who hold most are dropped",
        _positive,
    )
    body_timeout: float = setting(10.0, "seconds for a request's body to arrive", _seconds)
    operation_timeout: float = setting(15.0, "seconds for one query or mutation", _seconds)
    running_operations: int = setting(
        0, "operations that run at the same time in one process; 0: as many as DATABASE_POOL_SIZE", _amount
    )
    waiting_operations: int = setting(
        0,
        "operations that wait for their turn in one process, the others are refused; 0: five for each that runs",
        _amount,
    )
    max_cost: int = setting(
        100_000,
        "most that one operation may cost, in rows of its answer (docs/adr/0013)",
        _positive,
    )
    cost_per_minute: int = setting(1_000_000, "cost that one user may cause in a minute; 0: no limit", _amount)
    guest_cost_per_minute: int = setting(
        3_000_000, "cost that all guests of one address, often many, may cause in a minute; 0: no limit", _amount
    )
    persisted_queries: str = setting("on", "`on` or `off`: automatic persisted queries of Apollo's clients", _switch)
    trusted_documents: str = setting(
        "off", "`off`; `prefer`: those of the file may be named by id; `only`: nothing else runs", _trusting
    )
    trusted_documents_file: str = setting("", "JSON object of ids to documents, made by a build of the clients", str)
    max_sockets_per_user: int = setting(20, "WebSockets of one user, or of one address without a user", _positive)
    max_operations_per_socket: int = setting(100, "running operations of one WebSocket", _positive)
    connection_init_timeout: float = setting(5.0, "seconds for connection_init to arrive", _seconds)
    send_timeout: float = setting(20.0, "seconds after which a reader that takes nothing is dropped", _seconds)
    availability_retention: float = setting(7 * 86400.0, "seconds that an availability stream can be resumed", _seconds)
    sink_stream: str = setting("", "Redis stream that gets every domain event, for other systems; empty: none", str)
    sink_stream_length: int = setting(1_000_000, "entries that the stream keeps, about", _positive)
    relay_interval: float = setting(0.5, "seconds between looks for events left behind by another process", _seconds)

    explorer: str = setting("", "`on` or `off`; empty: on in development", str)
    metrics: str = setting("on", "`on` or `off`: /metrics", str)
    log_format: str = setting("", "`json` or `console`; empty: json in production", str)
    otel_exporter_otlp_endpoint: str = setting("", "OpenTelemetry collector; empty: no traces", str)

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Read the environment. Raises `SettingsError` that names every wrong and missing setting at once."""
        config = Config(environ=Environ(dict(environ)))
        values: dict[str, Any] = {}
        wrong: list[str] = []
        for item in fields(cls):
            default = str(item.default) if isinstance(item.default, Secret) else item.default
            try:
                values[item.name] = config(item.name.upper(), cast=item.metadata["cast"], default=default)
            except ValueError:
                wrong.append(f"{item.name.upper()} is not understood: {item.metadata['about']}")
        if wrong:
            raise SettingsError("; ".join(wrong))
        settings = cls(**values)
        if settings.is_production:
            wrong = [
                f"{name.upper()} is not set" for name in REQUIRED_IN_PRODUCTION if not str(getattr(settings, name))
            ]
            if wrong:
                raise SettingsError("in production: " + "; ".join(wrong))
        if any(len(one) < 32 for one in secrets_in(str(settings.secret_key))):
            raise SettingsError("SECRET_KEY is shorter than 32 characters, or one of several is")
        if settings.trusted_documents != "off" and not settings.trusted_documents_file:
            raise SettingsError(f"TRUSTED_DOCUMENTS={settings.trusted_documents} needs TRUSTED_DOCUMENTS_FILE")
        return settings

    @property
    def is_sign_up_open(self) -> bool:
        """Whether strangers may make accounts."""
        return self.sign_up == "on"

    @property
    def is_production(self) -> bool:
        return self.environment == "production"

    @property
    def most_running(self) -> int:
        return self.running_operations or self.database_pool_size

    @property
    def most_waiting(self) -> int:
        return self.waiting_operations or 5 * self.most_running

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url.rstrip("/") or f"http://{host}:{self.port}"

    @property
    def has_explorer(self) -> bool:
        return self.explorer == "on" or (self.explorer == "" and not self.is_production)
