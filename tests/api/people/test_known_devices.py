"""Whatever strangers do with an account, its owner comes in from where they have been before, and by a mailed link."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from models import AttemptCount, KnownDevice, User, utcnow
from resolvers.people import known_devices
from resolvers.people.passwords import RESETS
from schema.core.ports import Ports
from tests.api.people.signing import (
    COMPLETE,
    PASSWORD,
    SIGN_IN,
    SIGN_UP,
    ClientAt,
    account,
    deliver,
    new_account,
    token_in,
)
from tests.clients import codes

HOME, ABROAD, ELSEWHERE = "198.51.100.7", "203.0.113.9", "2001:db8:1:2::5"
REQUEST_RESET = (
    "mutation ($input: RequestPasswordResetInput!) "
    "{ requestPasswordReset(input: $input) { isAccepted errors { code details { retryAfter } } } }"
)
RESET = "mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) { deviceToken errors { code path } } }"
START = "mutation ($input: StartProviderSignInInput!) { startProviderSignIn(input: $input) { errors { code } } }"

At = Callable[[str], ClientAt]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What hides the time that a search for an account takes is waited for by no test here."""
    monkeypatch.setattr("resolvers.people.passwords.LEVEL", 0.0)


@pytest.fixture
def at(schema: Any, ports: Ports) -> At:
    """`at(address)` is a guest who comes from there."""
    return lambda address: ClientAt(schema, ports, None, "en", address)


@pytest.fixture
async def ada(at: At, save: Any, ports: Ports) -> User:
    """She has signed in at home, two days ago."""
    made = await account(save, ports, handle="ada", email="ada@example.org")
    await signed_in(at(HOME))
    async with ports.database.writing() as uow:
        await uow.session.execute(delete(AttemptCount))
    return made


async def signed_in(guest: ClientAt, **given: Any) -> dict[str, Any]:
    answer = await guest.execute(SIGN_IN, **{"login": "ada", "password": PASSWORD} | given)
    assert answer.data["signIn"]["errors"] == []
    return dict(answer.data["signIn"])


async def refused(guest: ClientAt, **given: Any) -> str:
    answer = await guest.execute(SIGN_IN, **{"login": "ada", "password": PASSWORD} | given)
    [code] = codes(answer, "signIn")
    return code


async def attack(at: At, ports: Ports, login: str = "ada") -> None:
    """As many wrong passwords as all strangers together may try, and some more, each from another network."""
    for number in range(ports.settings.sign_in_attempts + 2):
        assert await refused(at(f"192.0.2.{number}"), login=login, password="wrong password") == "INVALID_CREDENTIALS"


async def test_strangers_are_out_and_told_nothing(at, ada, ports):
    await attack(at, ports)

    assert await refused(at(ABROAD)) == "INVALID_CREDENTIALS", "the right password"
    assert await refused(at(ABROAD), login="nobody") == "INVALID_CREDENTIALS"


@pytest.mark.parametrize("tried", ["ada", "ADA@example.org"])
async def test_handle_and_address_are_counted_together(at, ada, ports, tried):
    half = ports.settings.sign_in_attempts // 2
    for number in range(half):
        await refused(at(f"192.0.2.{number}"), login="ada", password="wrong password")
        await refused(at(f"192.0.2.{number}"), login="ada@example.org", password="wrong password")

    assert await refused(at(ABROAD), login=tried) == "INVALID_CREDENTIALS"


async def test_that_handle_and_address_belong_together_does_not_show(at, ada, save, ports):
    """By what a stranger sees who tries one many times and the other once."""
    await account(save, ports, handle="bob", email="bob@example.org")
    most = ports.settings.sign_in_attempts
    told = [await refused(at(ABROAD), login="ada", password="wrong password") for _ in range(most + 1)]

    others = [
        await refused(at(ABROAD), login=login, password="wrong password")
        for login in ("ada@example.org", "bob@example.org", "nobody@example.org")
    ]

    assert told == ["INVALID_CREDENTIALS"] * most + ["RATE_LIMITED"]
    assert others == ["INVALID_CREDENTIALS"] * 3


async def test_the_owner_comes_in_from_a_network_that_was_used_before(at, ada, ports):
    await attack(at, ports)
    await attack(at, ports, login="ada@example.org")

    await signed_in(at(HOME), login="ada@example.org")


async def test_the_owner_comes_in_by_their_device_from_anywhere(at, ada, ports, monkeypatch):
    """Also where somebody on the same network has used up what the network may try."""
    token = (await signed_in(at(HOME)))["deviceToken"]
    monkeypatch.setitem(ports.settings.__dict__, "sign_in_attempts_per_address", 12)
    await attack(at, ports)
    for number in range(13):
        await refused(at(ABROAD), login=f"nobody{number}", password="wrong password")
    for _ in range(11):
        await refused(at(HOME), password="wrong password")

    assert await refused(at(ABROAD)) == await refused(at(HOME)) == "RATE_LIMITED"
    for address in (ABROAD, HOME, ELSEWHERE):
        assert (await signed_in(at(address), deviceToken=token))["deviceToken"] == token


async def test_a_known_device_has_as_many_tries_as_others(at, ada, ports):
    token = (await signed_in(at(HOME)))["deviceToken"]
    most = ports.settings.sign_in_attempts

    tries = [await refused(at(HOME), password="wrong password", deviceToken=token) for _ in range(most + 1)]

    assert tries == ["INVALID_CREDENTIALS"] * most + ["RATE_LIMITED"]
    await signed_in(at(HOME))


async def test_a_device_is_known_to_its_account_alone(at, ada, save, ports):
    await account(save, ports, handle="bob", email="bob@example.org")
    bobs = (await signed_in(at(ELSEWHERE), login="bob"))["deviceToken"]
    await attack(at, ports)

    for token in (bobs, "", "unknown"):
        assert await refused(at(ELSEWHERE), deviceToken=token) == "INVALID_CREDENTIALS"


async def test_a_network_is_forgotten_in_time(at, ada, ports):
    long_ago = utcnow() - known_devices.KNOWN_FOR - timedelta(days=1)
    async with ports.database.writing() as uow:
        await uow.session.execute(update(KnownDevice).values(last_used_at=long_ago))
    await attack(at, ports)

    assert await refused(at(HOME)) == "INVALID_CREDENTIALS"


async def test_an_account_has_so_many_devices_and_no_more(at, ada, ports, count, monkeypatch):
    monkeypatch.setattr(known_devices, "MOST", 3)
    tokens = [(await signed_in(at(f"192.0.2.{number}")))["deviceToken"] for number in range(4)]
    again = (await signed_in(at(HOME), deviceToken=tokens[-1]))["deviceToken"]

    assert len({*tokens}) == 4
    assert again == tokens[-1]
    assert await count(KnownDevice, KnownDevice.user_id == ada.id) == 3


async def test_tokens_of_devices_are_kept_as_hashes(at, ada, ports):
    token = (await signed_in(at(HOME)))["deviceToken"]

    async with ports.database.reading() as session:
        kept = list(await session.scalars(select(KnownDevice.token_hash)))
    assert all(token.encode() not in one and len(one) == 32 for one in kept)


async def test_a_new_account_knows_the_device_that_made_it(at, ports):
    done = await new_account(lambda: at(HOME), ports, handle="ada", email="ada@example.org", displayName="Ada")
    await attack(at, ports)

    assert done["errors"] == []
    await signed_in(at(HOME))


async def test_links_that_strangers_ask_for_stay_good_and_leave_room_for_the_owners(at, ada, ports):
    for number in range(RESETS + 3):
        asked = await at(f"192.0.2.{number}").execute(REQUEST_RESET, login="ada")
        assert codes(asked, "requestPasswordReset") == []
    for number in range(RESETS + 3):
        await at(f"192.0.2.{number}").execute(SIGN_UP, handle=f"eve{number}", email="ada@example.org", displayName="E")
    by_strangers = [mail for mail in await deliver(ports) if "reset-password" in mail.text]

    owner = await at(HOME).execute(REQUEST_RESET, login="ada@example.org")
    mails = [mail for mail in await deliver(ports) if "reset-password" in mail.text]

    assert len(by_strangers) == RESETS
    assert codes(owner, "requestPasswordReset") == []
    assert len(mails) == RESETS + 1
    used = await at(ABROAD).execute(RESET, token=token_in(by_strangers[0]), newPassword="another quiet place")
    assert codes(used, "resetPassword") == []


async def test_only_a_known_device_is_told_that_it_has_asked_too_often(at, ada, ports):
    token = (await signed_in(at(HOME)))["deviceToken"]

    by_network = [await at(HOME).execute(REQUEST_RESET, login="ada") for _ in range(RESETS + 1)]
    by_device = [await at(ABROAD).execute(REQUEST_RESET, login="ada", deviceToken=token) for _ in range(RESETS + 1)]
    strangers = await at(ABROAD).execute(REQUEST_RESET, login="nobody", deviceToken=token)

    assert [codes(one, "requestPasswordReset") for one in by_network] == [[]] * (RESETS + 1)
    assert [codes(one, "requestPasswordReset") for one in by_device] == [[]] * RESETS + [["RATE_LIMITED"]]
    assert 3500 < by_device[-1].data["requestPasswordReset"]["errors"][0]["details"]["retryAfter"] <= 3600
    assert codes(strangers, "requestPasswordReset") == []


async def test_the_link_lets_the_owner_in_amid_an_attack(at, ada, ports, monkeypatch):
    """From a network that is new to the account, and where others have tried links and passwords."""
    monkeypatch.setitem(ports.settings.__dict__, "sign_in_attempts_per_address", 30)
    await at(ABROAD).execute(REQUEST_RESET, login="ada")
    token = token_in((await deliver(ports))[-1])
    await attack(at, ports)
    for login in ("ada", "ada@example.org"):
        for _ in range(11):
            await refused(at(ABROAD), login=login, password="wrong password")
    for _ in range(31):
        wrong = await at(ABROAD).execute(RESET, token="unknown", newPassword="another quiet place")
    assert codes(wrong, "resetPassword") == ["RATE_LIMITED"]

    done = await at(ABROAD).execute(RESET, token=token, newPassword="another quiet place")
    await attack(at, ports)

    assert codes(done, "resetPassword") == []
    device = done.data["resetPassword"]["deviceToken"]
    await signed_in(at(ABROAD), password="another quiet place")
    await signed_in(at(ELSEWHERE), password="another quiet place", deviceToken=device)


async def test_whoever_knew_the_old_password_is_a_stranger_after_a_reset(at, ada, ports):
    thief = (await signed_in(at(ELSEWHERE)))["deviceToken"]
    await at(HOME).execute(REQUEST_RESET, login="ada")
    token = token_in((await deliver(ports))[-1])
    await at(HOME).execute(RESET, token=token, newPassword="another quiet place")
    await attack(at, ports)

    assert await refused(at(ELSEWHERE), password="another quiet place", deviceToken=thief) == "INVALID_CREDENTIALS"
    await signed_in(at(HOME), password="another quiet place")


async def test_a_good_link_is_never_refused_for_what_others_tried(at, ports, monkeypatch):
    monkeypatch.setitem(ports.settings.__dict__, "sign_in_attempts_per_address", 2)
    await at(HOME).execute(SIGN_UP, handle="ada", email="ada@example.org", displayName="Ada")
    token = token_in((await deliver(ports))[-1])

    wrong = [await at(HOME).execute(COMPLETE, token="unknown", password=PASSWORD) for _ in range(3)]
    right = await at(HOME).execute(COMPLETE, token=token, password=PASSWORD)

    assert [codes(one, "completeSignUp") for one in wrong] == [["INVALID_TOKEN"]] * 2 + [["RATE_LIMITED"]]
    assert codes(right, "completeSignUp") == []


async def test_a_known_device_may_go_to_the_provider_whatever_its_network_did(at, ada, ports, monkeypatch):
    token = (await signed_in(at(HOME)))["deviceToken"]
    monkeypatch.setitem(ports.settings.__dict__, "sign_in_attempts_per_address", 2)
    monkeypatch.setattr(ports.provider, "is_configured", True)
    monkeypatch.setattr(ports.provider, "redirect_uris", ("https://web.example/back",))
    given = {"redirectUri": "https://web.example/back"}

    others = [codes(await at(HOME).execute(START, **given), "startProviderSignIn") for _ in range(3)]
    own = codes(await at(HOME).execute(START, **given, deviceToken=token), "startProviderSignIn")

    assert others == [["PROVIDER_UNAVAILABLE"]] * 2 + [["RATE_LIMITED"]]
    assert own == ["PROVIDER_UNAVAILABLE"]
