"""SECRET_KEY and signing keys can be replaced without anybody noticing (docs/accounts.md)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import orjson
import pytest
from cryptography.fernet import InvalidToken
from joserfc.jwk import KeySet

from auth.sealing import Sealer
from auth.tokens import TokenRefused, Tokens, new_keys
from models import Session, uuid7
from schema.core.ports import Ports
from settings import Settings, SettingsError
from tests.api.people.signing import PASSWORD, REFRESH, SIGN_IN, account, sign_in
from tests.clients import Client, codes

OLD, NEW = "old " * 8 + "1", "new " * 8 + "1"


@pytest.fixture
def guest(schema, ports: Ports) -> Callable[[str], Client]:
    """`guest("new,old")` speaks to a server with this SECRET_KEY."""

    def make(secret_key: str) -> Client:
        settings = Settings.load({"SECRET_KEY": secret_key})
        return Client(schema, replace(ports, sealer=Sealer.load(settings)), None, "en")

    return make


STEPS = [(OLD, f"{OLD},{NEW}"), (f"{OLD},{NEW}", f"{NEW}, {OLD}"), (f"{NEW},{OLD}", NEW)]
"""Settings of two processes that answer at the same time, one restarted, one not yet."""


@pytest.mark.parametrize(("one", "other"), STEPS[:2])
def test_each_process_opens_what_the_other_sealed(one: str, other: str) -> None:
    first, second = (Sealer.load(Settings.load({"SECRET_KEY": given})) for given in (one, other))

    for made, read in ((first, second), (second, first)):
        assert read.open(made.seal(b"data")) == b"data"
        assert made.marks("inputs", b"data")[0] in read.marks("inputs", b"data")


def test_what_is_new_is_made_with_the_first_secret() -> None:
    alone = Sealer(NEW.strip())

    assert alone.open(Sealer(NEW, OLD).seal(b"data")) == b"data"
    assert alone.marks("inputs", b"data") == Sealer(NEW, OLD).marks("inputs", b"data")[:1]
    with pytest.raises(InvalidToken):
        alone.open(Sealer(OLD, NEW).seal(b"data"))


@pytest.mark.parametrize(("before", "after"), STEPS)
async def test_sessions_outlive_each_step(guest, save, ports, count, before, after):
    ada = await account(save, ports)
    token = (await sign_in(lambda: guest(before), ada))["refreshToken"]

    first = await guest(before).execute(REFRESH, refreshToken=token)
    again = await guest(after).execute(REFRESH, refreshToken=token)
    later = await guest(after).execute(REFRESH, refreshToken=first.data["refreshSession"]["refreshToken"])

    assert again.data["refreshSession"]["refreshToken"] == first.data["refreshSession"]["refreshToken"]
    assert codes(later, "refreshSession") == []
    assert await count(Session, Session.ended_at.is_(None)) == 1


@pytest.mark.parametrize(("before", "after"), STEPS)
async def test_a_repeat_gets_its_answer_after_each_step(guest, save, ports, count, before, after):
    ada = await account(save, ports)
    given = {"login": ada.handle, "password": PASSWORD, "idempotencyKey": "sign-in-once"}

    first = await guest(before).execute(SIGN_IN, **given)
    again = await guest(after).execute(SIGN_IN, **given)

    assert again.data == first.data
    assert await count(Session) == 1


async def test_a_secret_that_is_gone_at_once_costs_repeats_and_no_sessions(guest, save, ports):
    ada = await account(save, ports)
    given = {"login": ada.handle, "password": PASSWORD, "idempotencyKey": "sign-in-once"}
    first = await guest(OLD).execute(SIGN_IN, **given)

    again = await guest(NEW).execute(SIGN_IN, **given)
    refreshed = await guest(NEW).execute(REFRESH, refreshToken=first.data["signIn"]["refreshToken"])

    assert codes(again, "signIn") == ["IDEMPOTENCY_KEY_REUSED"]
    assert codes(refreshed, "refreshSession") == []


@pytest.mark.parametrize("given", ["short", f"{OLD},short", f"short,{OLD}"])
def test_every_secret_is_long(given: str) -> None:
    with pytest.raises(SettingsError, match="SECRET_KEY"):
        Settings.load({"SECRET_KEY": given})


def test_access_tokens_of_every_signing_key_are_read() -> None:
    old, new = (orjson.loads(new_keys())["keys"][0] for _ in range(2))

    def tokens(*keys: dict[str, str]) -> Tokens:
        return Tokens(KeySet.import_key_set({"keys": list(keys)}), issuer="wingding", lifetime=900)

    for one, other in (((old,), (old, new)), ((old, new), (new, old))):
        for made, read in ((tokens(*one), tokens(*other)), (tokens(*other), tokens(*one))):
            assert read.read(made.issue(uuid7(), uuid7())[0])
    with pytest.raises(TokenRefused, match="TOKEN_INVALID"):
        tokens(new).read(tokens(old).issue(uuid7(), uuid7())[0])
