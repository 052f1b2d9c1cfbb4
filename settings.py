"""Every setting of the server, read once from the environment. `docs/settings.md` is made from this file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from starlette.datastructures import CommaSeparatedStrings, Secret

REQUIRED_IN_PRODUCTION = ("database_url", "redis_url", "secret_key", "signing_keys_file", "public_url", "smtp_url")


class SettingsError(Exception):
    """A setting is missing or wrong; the message names it."""


@dataclass(frozen=True)
class Number:
    """A number of a range. All numbers of the environment are read by this, so none is `nan` or endless."""

    least: float
    most: float

    def __call__(self, text: str) -> float:
        value = float(text)
        if not self.least <= value <= self.most:
            raise ValueError(text)
        return value

    def __str__(self) -> str:
        return f"{self.least} to {self.most}"


@dataclass(frozen=True)
class Whole(Number):
    """A number without a fraction."""

    least: int
    most: int

    def __call__(self, text: str) -> int:
        value = int(text)
        super().__call__(text)
        return value


class Choice(tuple[str, ...]):
    """One of a few words."""

    __slots__ = ()

    def __call__(self, text: str) -> str:
        if text not in self:
            raise ValueError(text)
        return text


SWITCH = Choice(("on", "off"))


@dataclass(frozen=True)
class Url:
    """A URL of one of these schemes. One of the web has a host."""

    schemes: tuple[str, ...]
    needs_host: bool = True

    def __call__(self, text: str) -> str:
        found = urlsplit(text)
        scheme = found.scheme.partition("+")[0]
        if scheme not in self.schemes or (self.needs_host and not found.hostname) or any(map(str.isspace, text)):
            raise ValueError(text)
        if self.needs_host:
            _ = found.port  # raises `ValueError` where it is none
        return text

    def __str__(self) -> str:
        return " or ".join(f"{scheme}://" for scheme in self.schemes)


WEB = Url(("http", "https"))
DAY = 86_400


def setting(default: Any, about: str, cast: Any = str, *, is_empty_meant: bool = False) -> Any:
    """Declare a setting. What `cast` says of its values goes with `about`. An empty variable is the default, unless
    `is_empty_meant`.
    """
    if isinstance(cast, Number | Url):
        about = f"{about}; {cast}"
    return field(default=default, metadata={"about": about, "cast": cast, "is_empty_meant": is_empty_meant})


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


def secrets_in(text: str) -> tuple[str, ...]:
    """Secrets, comma separated. The first one is for what is made from now on."""
    return tuple(one for part in text.split(",") if (one := part.strip()))


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


def _redirects(text: str) -> tuple[str, ...]:
    found = tuple(CommaSeparatedStrings(text))
    if not all(urlsplit(one).scheme for one in found):
        raise ValueError(text)
    return found


class Rate(NamedTuple):
    """At most so many in a period."""

    most: int
    seconds: float


MANY = Whole(1, 1_000_000_000)
PERIODS = {"minute": 60.0, "hour": 3600.0, "day": 86_400.0}
QUOTAS = (
    "clubs=10/day venues=30/day events=50/day services=300/day chats=50/day messages=120/minute invitations=200/day "
    "joins=60/hour registrations=120/hour reviews=30/day edits=600/hour"
)


def quotas_in(text: str) -> dict[str, Rate]:
    """Return what one user may write, by kind. What is not named has its default; what has no limit is left out."""
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
    return Rate(MANY(most), PERIODS[period])


def _quotas(text: str) -> str:
    try:
        quotas_in(text)
    except KeyError as error:
        raise ValueError(text) from error
    return text


@dataclass(frozen=True, kw_only=True)
class Settings:
    environment: str = setting("development", "`development` or `production`", Choice(("development", "production")))
    host: str = setting("127.0.0.1", "address to listen on")
    port: int = setting(8000, "port to listen on", Whole(0, 65535))
    wingding_home: Path = setting(Path("var"), "folder of all local data", Path)
    execution: str = setting(
        "engine",
        "`engine`, or `reference`: Strawberry's own execution, by which the engine is judged",
        Choice(("engine", "reference")),
    )
    public_url: str = setting(
        "", "where clients reach the server; used in links, as the token's issuer and audience", WEB
    )
    allowed_origins: tuple[str, ...] = setting(
        (), "origins, comma separated, whose pages may call the server", _origins
    )
    trusted_proxies: str = setting(
        "127.0.0.1,::1",
        "addresses or networks, comma separated, whose X-Forwarded-For is believed; never all (`::/0`); empty: none",
        _proxies,
        is_empty_meant=True,
    )

    database_url: str = setting(
        "",
        "PostgreSQL 15 or newer, TLS by `sslmode`, `sslrootcert`, `sslcert`, `sslkey` as libpq has them; empty: "
        "`wingding run` starts the embedded one",
        Url(("postgresql", "postgres"), needs_host=False),
    )
    database_pool_size: int = setting(
        20,
        "connections of one process for units of work; at most as many more for reads with a session, as many for "
        "compiled reads, half as many for searches, half as many for short writes, and 3 for relays: 83 with 20",
        Whole(1, 1_000),
    )
    statement_timeout: float = setting(10.0, "seconds after which PostgreSQL gives up a statement", Number(0.01, DAY))
    redis_url: str = setting(
        "",
        "Redis 6.2 or newer, TLS by `rediss://` with `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile`; empty: `wingding "
        "run` starts the embedded one",
        Url(("redis", "rediss", "unix"), needs_host=False),
    )

    secret_key: Secret = setting(
        Secret(""),
        "32 characters or more; encrypts stored answers and makes refresh tokens. Several, comma separated, while one "
        "is replaced: the first is used for what is new, all for what is there (docs/accounts.md)",
        Secret,
    )
    signing_keys_file: str = setting("", "private JWK set (P-256), the first key signs; empty: made in WINGDING_HOME")
    access_token_lifetime: float = setting(900.0, "seconds", Number(1, 30 * DAY))
    session_lifetime: float = setting(30 * 86400.0, "seconds a session lives without being used", Number(1, 3650 * DAY))
    session_longest: float = setting(
        180 * 86400.0, "seconds after which a session ends, used or not", Number(1, 3650 * DAY)
    )
    refresh_grace: float = setting(
        30.0, "seconds in which a traded refresh token gets its successor once more; 0: never", Number(0, DAY)
    )
    account_deletion_grace: float = setting(
        14 * 86400.0,
        "seconds between `deleteAccount` and the deletion, in which the owner may take it back",
        Number(0, 365 * DAY),
    )
    export_kept: float = setting(
        7 * 86400.0, "seconds that a copy of one's data can be downloaded", Number(1, 365 * DAY)
    )
    password_hash_memory: int = setting(64 * 1024, "KiB of memory for one Argon2id hash", Whole(8, 4 * 1024 * 1024))
    sign_in_attempts: int = setting(
        10,
        "wrong passwords for one account in 15 minutes, by all strangers together and by each known device or network",
        MANY,
    )
    sign_in_attempts_per_address: int = setting(100, "wrong passwords from one address within 15 minutes", MANY)
    sign_up: str = setting("on", "whether strangers may make accounts here: on or off", SWITCH)
    sign_ups_per_address: int = setting(50, "new accounts from one address within an hour", MANY)

    quotas: str = setting(
        QUOTAS,
        "what one user may write in a `minute`, `hour` or `day`, by kind; `clubs=20/day edits=0` changes these two, 0 "
        "is no limit, `off` turns all off. Volunteers, moderators and administrators have ten times as much",
        _quotas,
    )
    oidc_issuer: str = setting("", "OpenID Provider, found by its discovery document; empty: none", WEB)
    oidc_name: str = setting("", "what people are shown as its name; empty: the host of OIDC_ISSUER")
    oidc_client_id: str = setting("", "our name at the provider")
    oidc_client_secret: Secret = setting(Secret(""), "our secret at the provider", Secret)
    oidc_redirect_uris: tuple[str, ...] = setting((), "where the provider may send people back to", _redirects)

    smtp_url: str = setting(
        "", "smtp://user:password@host:port, smtps:// for TLS; empty: mail goes to a folder", Url(("smtp", "smtps"))
    )
    mails_per_recipient: int = setting(
        30,
        "mails an hour to one recipient, a third of them at most caused by strangers; links to reset a password are "
        "limited by themselves",
        MANY,
    )
    mail_from: str = setting("Wingding <noreply@localhost>", "sender of mail")
    root_redirect: str = setting("", "where `/` leads in production; empty: it tells name and version", WEB)
    web_url: str = setting("", "the frontend, for links in mail; empty: PUBLIC_URL", WEB)

    s3_endpoint: str = setting("", "for media, which come later: S3 endpoint; empty: AWS", WEB)
    s3_bucket: str = setting("", "for media, which come later: bucket; empty: a local folder")
    s3_region: str = setting("us-east-1", "for media, which come later: region")
    s3_access_key: str = setting("", "for media, which come later: access key")
    s3_secret_key: Secret = setting(Secret(""), "for media, which come later: secret key", Secret)

    direct_chat_needs: str = setting(
        "shared", "who may open a DIRECT chat: `shared` club or event, or `anyone`", Choice(("shared", "anyone"))
    )
    time_conflicts: str = setting(
        "warn",
        "`warn`, `refuse` or `off`: two things of one person at one time, two events at one venue and time",
        Choice(("warn", "refuse", "off")),
    )
    cache_bytes: int = setting(
        128 * 1024 * 1024,
        "memory of one process for documents, plans, statements and the like that are kept for the next request",
        Whole(1, 2**39),
    )
    max_body_bytes: int = setting(1024 * 1024, "largest HTTP body and WebSocket message", Whole(1, 2**30))
    graphql_over_http: str = setting(
        "september2026",
        "edition of GraphQL over HTTP whose status codes go with `application/graphql-response+json`; `older`: 400 for "
        "all that does not run, 200 for partial answers",
        Choice(("september2026", "older")),
    )
    waiting_answer_bytes: int = setting(
        256 * 1024 * 1024,
        "memory of one process for answers that wait for slow readers; beyond it, those who hold most are dropped",
        Whole(1, 2**39),
    )
    body_timeout: float = setting(10.0, "seconds for a request's body to arrive", Number(0.01, 3_600))
    operation_timeout: float = setting(15.0, "seconds for one query or mutation", Number(0.01, 3_600))
    running_operations: int = setting(
        0, "operations that run at the same time in one process; 0: as many as DATABASE_POOL_SIZE", Whole(0, 100_000)
    )
    waiting_operations: int = setting(
        0,
        "operations that wait for their turn in one process, the others are refused; 0: five for each that runs",
        Whole(0, 1_000_000),
    )
    max_cost: int = setting(
        100_000,
        "most that one operation may cost, in rows of its answer (docs/adr/0013)",
        MANY,
    )
    cost_per_minute: int = setting(1_000_000, "cost that one user may cause in a minute; 0: no limit", Whole(0, 10**12))
    guest_cost_per_minute: int = setting(
        3_000_000,
        "cost that all guests of one address, often many, may cause in a minute; 0: no limit",
        Whole(0, 10**12),
    )
    persisted_queries: str = setting("on", "`on` or `off`: automatic persisted queries of Apollo's clients", SWITCH)
    trusted_documents: str = setting(
        "off",
        "`off`; `prefer`: those of the file may be named by id; `only`: nothing else runs",
        Choice(("off", "prefer", "only")),
    )
    trusted_documents_file: str = setting("", "JSON object of ids to documents, made by a build of the clients")
    max_sockets_per_user: int = setting(
        20, "WebSockets of one user, or of one address without a user", Whole(1, 1_000_000)
    )
    max_operations_per_socket: int = setting(100, "running operations of one WebSocket", Whole(1, 1_000_000))
    connection_init_timeout: float = setting(5.0, "seconds for connection_init to arrive", Number(0.01, 3_600))
    send_timeout: float = setting(
        20.0, "seconds after which a reader that takes nothing is dropped", Number(0.01, 3_600)
    )
    availability_retention: float = setting(
        7 * 86400.0, "seconds that an availability stream can be resumed", Number(1, 365 * DAY)
    )
    sink_stream: str = setting("", "Redis stream that gets every domain event, for other systems; empty: none")
    sink_stream_length: int = setting(1_000_000, "entries that the stream keeps, about", MANY)
    relay_interval: float = setting(
        0.5, "seconds between looks for events left behind by another process", Number(0.01, 3_600)
    )

    explorer: str = setting("", "`on` or `off`; empty: on in development", SWITCH)
    metrics: str = setting("on", "`on` or `off`: /metrics", SWITCH)
    log_format: str = setting("", "`json` or `console`; empty: json in production", Choice(("json", "console")))
    otel_exporter_otlp_endpoint: str = setting("", "OpenTelemetry collector; empty: no traces", WEB)

    @classmethod
    def load(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """Read the environment. Raises `SettingsError` that names every wrong and missing setting at once."""
        values: dict[str, Any] = {}
        problems: list[str] = []
        for item in fields(cls):
            name, given = item.name.upper(), environ.get(item.name.upper())
            if given or (given is not None and item.metadata["is_empty_meant"]):
                try:
                    values[item.name] = item.metadata["cast"](given)
                except ValueError:
                    problems.append(f"{name} is not understood: {item.metadata['about']}")
        settings = cls(**values)
        if settings.is_production:
            missing = [name.upper() for name in REQUIRED_IN_PRODUCTION if not environ.get(name.upper())]
            if missing:
                problems.append("in production: " + "; ".join(f"{name} is not set" for name in missing))
        if any(len(one) < 32 for one in secrets_in(str(settings.secret_key))):
            problems.append("SECRET_KEY is shorter than 32 characters, or one of several is")
        if settings.trusted_documents != "off" and not settings.trusted_documents_file:
            problems.append(f"TRUSTED_DOCUMENTS={settings.trusted_documents} needs TRUSTED_DOCUMENTS_FILE")
        if problems:
            raise SettingsError("; ".join(problems))
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
