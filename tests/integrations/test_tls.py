"""TLS to PostgreSQL and Redis, by the parameters of their URLs, for every pool and command."""

from __future__ import annotations

from urllib.parse import parse_qs, quote, urlsplit

import httpx2
import pytest

from commands.check import check
from commands.migrations import migrate
from database import dsn_of
from settings import Settings, SettingsError
from tests.clients import NO_TLS
from tests.tools.tls import before_postgres, before_redis, make_certificates
from tests.transport.conftest import serving

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # connections that a refusal has left half open


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return make_certificates(tmp_path_factory.mktemp("tls"))


def parts(url: str) -> tuple[str, str, str]:
    """User, database and folder of the socket of an embedded PostgreSQL."""
    found = urlsplit(url)
    [folder] = parse_qs(found.query)["host"]
    return found.username or "", found.path.lstrip("/"), folder


@pytest.fixture
async def secured(environment, certificates):
    """Environment of a server whose PostgreSQL and Redis speak TLS alone and want to see a certificate."""
    user, name, folder = parts(environment["DATABASE_URL"])
    redis = urlsplit(environment["REDIS_URL"]).path
    async with (
        before_postgres(f"{folder}/.s.PGSQL.5432", certificates.context) as postgres_port,
        before_redis(redis, certificates.context) as redis_port,
    ):
        files = {name: quote(str(getattr(certificates, name))) for name in ("authority", "client", "client_key")}
        yield environment | {
            "DATABASE_URL": f"postgresql://{user}@127.0.0.1:{postgres_port}/{name}?sslmode=verify-full"
            f"&sslrootcert={files['authority']}&sslcert={files['client']}&sslkey={files['client_key']}",
            "REDIS_URL": f"rediss://127.0.0.1:{redis_port}/0?ssl_ca_certs={files['authority']}"
            f"&ssl_certfile={files['client']}&ssl_keyfile={files['client_key']}",
        }


async def test_all_pools_speak_tls(secured, ports):
    await migrate(secured["DATABASE_URL"])
    sign_in = 'mutation { signIn(input: {login: "ada", password: "secret secret"}) { errors { code } } }'

    async with serving(secured) as server, httpx2.AsyncClient(base_url=server.url, verify=NO_TLS, timeout=20) as http:
        ready = await http.get("/readyz")
        read = await http.post("/graphql", json={"query": "{ events { totalCount } }"})
        written = await http.post("/graphql", json={"query": sign_in})

    assert ready.status_code == 200
    assert read.json() == {"data": {"events": {"totalCount": 0}}}
    assert written.json()["data"]["signIn"]["errors"] == [{"code": "INVALID_CREDENTIALS"}]


def change(url: str, **parameters: str) -> str:
    """The URL with parameters replaced; those that become empty are gone."""
    base, _, query = url.partition("?")
    kept = dict(part.split("=", 1) for part in query.split("&")) | parameters
    return base + "?" + "&".join(f"{name}={value}" for name, value in kept.items() if value)


@pytest.mark.parametrize(
    ("changes", "is_ok"),
    [
        ({}, True),
        ({"sslmode": "require", "sslrootcert": ""}, True),
        ({"sslmode": "", "ssl": "verify-full"}, True),
        ({"sslmode": "disable"}, False),
        ({"sslcert": "", "sslkey": ""}, False),
        ({"sslrootcert": "other"}, False),
    ],
    ids=str,
)
async def test_check_tells_whether_tls_works(secured, certificates, changes, is_ok):
    if changes.get("sslrootcert"):
        changes = changes | {"sslrootcert": str(certificates.other_authority)}
    environment = secured | {"DATABASE_URL": change(secured["DATABASE_URL"], **changes)}

    found = {finding.name: finding.is_good for finding in await check(Settings.load(environment))}

    assert (found["PostgreSQL"], found["migrations"], found["Redis"]) == (is_ok, is_ok, True)


@pytest.mark.parametrize(
    "changes", [{"ssl_certfile": "", "ssl_keyfile": ""}, {"ssl_ca_certs": "other"}], ids=["no certificate", "another"]
)
async def test_check_tells_whether_tls_to_redis_works(secured, certificates, changes):
    if "ssl_ca_certs" in changes:
        changes = {"ssl_ca_certs": str(certificates.other_authority)}
    environment = secured | {"REDIS_URL": change(secured["REDIS_URL"], **changes)}

    found = {finding.name: finding.is_good for finding in await check(Settings.load(environment))}

    assert (found["PostgreSQL"], found["Redis"]) == (True, False)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://a/b", "PostgreSQL"),
        ("nonsense", "not understood"),
        ("postgresql://a/b?sslmode=maybe", "sslmode"),
        ("postgresql://a/b?connect_timeout=5", "connect_timeout"),
    ],
)
def test_a_wrong_url_is_told(url, message):
    with pytest.raises(SettingsError, match=message):
        dsn_of(url)


def test_drivers_and_other_spellings_are_understood():
    assert dsn_of("postgresql+asyncpg://u:p%40@h:1/d?ssl=require") == "postgresql://u:p%40@h:1/d?sslmode=require"
    assert dsn_of("postgres://h/d") == "postgresql://h/d"
    assert dsn_of("postgresql://u@/d?host=/tmp/x") == "postgresql://u@/d?host=%2Ftmp%2Fx"
