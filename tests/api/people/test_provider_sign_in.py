from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import RSAKey
from sqlalchemy import select, update
from starlette.datastructures import Secret

from integrations.oidc import OpenIdProvider
from models import Identity, OutboxEvent, ProviderSignIn, Session, User, utcnow
from schema.core.ports import Ports
from tests.api.people.signing import COMPLETE, PASSWORD, SIGN_UP, deliver, token_in, with_token
from tests.api.people.test_accounts import REQUEST_RESET, VERIFY
from tests.clients import Client, codes
from tests.factories import make_user
from tests.provider import CLIENT_ID, CLIENT_SECRET, REDIRECT, TestProvider, running_provider

START = """
mutation ($input: StartProviderSignInInput!) {
  startProviderSignIn(input: $input) { authorizationUrl state errors { code path } }
}
"""
FINISH = """
mutation ($input: SignInWithProviderInput!) {
  signInWithProvider(input: $input) { user { handle displayName } accessToken refreshToken errors { code } }
}
"""


@pytest.fixture(scope="module")
def running() -> Iterator[TestProvider]:
    with running_provider() as provider:
        yield provider


@pytest.fixture
def provider(running: TestProvider) -> TestProvider:
    """The running provider, as if just started."""
    port, issuer, key = running.port, running.issuer, running.key
    running.__init__()  # type: ignore[misc]  # as new, and still the same object
    running.port, running.issuer, running.published_issuer = port, issuer, issuer
    running.key = running.published_key = key
    return running


@pytest.fixture
def guest(provider: TestProvider, schema: Any, ports: Ports) -> Client:
    """A guest of a server that knows the provider."""
    settings = replace(
        ports.settings,
        oidc_issuer=provider.issuer,
        oidc_client_id=CLIENT_ID,
        oidc_client_secret=Secret(CLIENT_SECRET),
        oidc_redirect_uris=(REDIRECT,),
    )
    return Client(schema, replace(ports, settings=settings, provider=OpenIdProvider(settings)), None, "en")


async def finish(guest: Client, provider: TestProvider, **info: Any) -> dict[str, Any]:
    """The whole way: out to the provider and back."""
    provider.info = {"sub": "person-1"} | info
    begun = (await guest.execute(START, redirectUri=REDIRECT)).data["startProviderSignIn"]
    state, code = provider.authorize(begun["authorizationUrl"])
    return dict((await guest.execute(FINISH, state=state, code=code)).data["signInWithProvider"])


async def one_user(ports: Ports, **where: Any) -> User:
    async with ports.database.reading() as session:
        return (await session.scalars(select(User).filter_by(**where))).one()


async def test_the_request_carries_state_nonce_and_challenge_and_keeps_only_hashes(guest, ports):
    begun = (await guest.execute(START, redirectUri=REDIRECT)).data["startProviderSignIn"]

    asked = {name: values[0] for name, values in parse_qs(urlsplit(begun["authorizationUrl"]).query).items()}
    assert asked["state"] == begun["state"]
    assert len(asked["nonce"]) == len(begun["state"]) == 43
    assert (asked["code_challenge_method"], asked["scope"]) == ("S256", "openid profile email")
    async with ports.database.reading() as session:
        kept = (await session.scalars(select(ProviderSignIn))).one()
    assert asked["state"].encode() not in kept.state_hash
    assert kept.code_verifier not in begun["authorizationUrl"]


async def test_the_first_sign_in_makes_an_account_and_the_second_finds_it(guest, provider, ports, schema, count):
    person = {
        "email": "Grace@example.org", "email_verified": True, "name": "Grace H.", "preferred_username": "grace",
        "locale": "ru-RU", "zoneinfo": "Asia/Tokyo",
    }  # fmt: skip
    first = await finish(guest, provider, **person)
    second = await finish(guest, provider, **person)

    assert first["user"] == second["user"] == {"handle": "grace", "displayName": "Grace H."}
    assert first["errors"] == second["errors"] == []
    grace = await one_user(ports, handle="grace")
    assert (grace.email, grace.email_verified_at is not None) == ("Grace@example.org", True)
    assert (grace.locale, grace.time_zone) == ("ru", "Asia/Tokyo")
    assert await count(User) == await count(Identity) == 1
    assert await count(OutboxEvent, OutboxEvent.name.in_(("user.registered", "user.profile.created"))) == 2
    assert (await with_token(ports, schema, second["accessToken"])).viewer.id == grace.id


async def test_proven_addresses_on_both_sides_link(guest, provider, ports, save, count):
    ada = make_user(email="ada@xn--fa-hia.de")
    await save(ada, make_user(email="ada@fass.de"))

    done = await finish(guest, provider, email="ADA@faß.de", email_verified=True)

    assert done["user"]["handle"] == ada.handle
    assert await count(Identity, Identity.user_id == ada.id) == 1
    assert await count(User) == 2


@pytest.mark.parametrize("claim", [False, None, "true", "false", 1], ids=repr)
async def test_an_address_that_the_provider_has_not_proven_never_links(guest, provider, ports, save, count, claim):
    ada = make_user(handle="ada", email="ada@example.org")
    await save(ada)

    done = await finish(guest, provider, email="ada@example.org", email_verified=claim, preferred_username="eve")

    assert done["user"]["handle"] == "eve"
    eve = await one_user(ports, handle="eve")
    assert (eve.email, eve.claimed_email) == (None, "ada@example.org")
    assert await count(Identity, Identity.user_id == ada.id) == 0


async def test_who_waits_with_a_sign_up_gets_nothing_of_a_provider_account(guest, provider, ports, count):
    """A stranger has signed up with the address. Its owner comes through the provider, and then opens the link, too."""
    await guest.execute(SIGN_UP, handle="squat", email="ada@example.org", displayName="S")
    [mail] = await deliver(ports)

    done = await finish(guest, provider, email="ada@example.org", email_verified=True, preferred_username="ada")
    late = await guest.execute(COMPLETE, token=token_in(mail), password=PASSWORD)

    assert done["user"]["handle"] == "ada"
    assert codes(late, "completeSignUp") == ["INVALID_TOKEN"]
    assert await count(User) == await count(Identity) == 1


async def test_an_address_that_the_provider_has_not_proven_is_proven_only_in_that_account(
    guest, provider, ports, save, client
):
    """Nor does a reset by its link let anyone in beside the one whom the provider knows."""
    await finish(guest, provider, email="ada@example.org", email_verified=False, preferred_username="eve")
    [mail] = await deliver(ports)
    ada = make_user(handle="ada")
    await save(ada)

    opened = await client(ada).execute(VERIFY, token=token_in(mail))
    await guest.execute(REQUEST_RESET, login="eve")

    assert codes(opened, "verifyEmail") == ["INVALID_TOKEN"]
    assert (await one_user(ports, handle="eve")).email is None
    assert len(await deliver(ports)) == 1, "the first mail alone"
    own = await client(await one_user(ports, handle="eve")).execute(VERIFY, token=token_in(mail))
    assert codes(own, "verifyEmail") == []


@pytest.mark.parametrize("ours", [{"email_verified_at": None}, {"email": None, "claimed_email": "ada@example.org"}])
async def test_an_address_that_is_not_proven_here_never_links(guest, provider, save, count, ours):
    """Else whoever signed up with a stranger's address would share the account that the stranger makes later."""
    squatter = make_user(**{"handle": "squatter", "email": "ada@example.org", "email_verified_at": None} | ours)
    await save(squatter)

    done = await finish(guest, provider, email="ada@example.org", email_verified=True, preferred_username="ada")

    assert done["user"]["handle"] == "ada"
    assert await count(Identity, Identity.user_id == squatter.id) == 0


@pytest.mark.parametrize(
    ("wish", "start"),
    [
        ({"preferred_username": "Taken"}, "Taken-"),
        ({"name": "Вера"}, "user-"),
        ({"nickname": "a b c!"}, "abc"),
        ({}, "user-"),
    ],
)
async def test_a_free_handle_is_made_and_never_from_the_address(guest, provider, save, wish, start):
    await save(make_user(handle="taken"))

    done = await finish(guest, provider, email="private.name@example.org", email_verified=True, **wish)

    assert done["user"]["handle"].startswith(start)
    assert "private" not in done["user"]["handle"] + done["user"]["displayName"]


async def test_an_address_that_no_mail_can_be_sent_to_is_none(guest, provider, ports):
    await finish(guest, provider, email="почта@пример.рф", email_verified=True, preferred_username="grace")

    grace = await one_user(ports, handle="grace")
    assert (grace.email, grace.claimed_email, grace.email_verified_at) == (None, None, None)


async def test_first_sign_ins_at_once_make_one_account(guest, provider, count):
    provider.info = {"sub": "person-1", "preferred_username": "grace"}
    ways = []
    for _ in range(3):
        begun = (await guest.execute(START, redirectUri=REDIRECT)).data["startProviderSignIn"]
        ways.append(provider.authorize(begun["authorizationUrl"]))

    answers = await asyncio.gather(*(guest.execute(FINISH, state=state, code=code) for state, code in ways))

    assert [codes(answer, "signInWithProvider") for answer in answers] == [[], [], []]
    assert await count(User) == await count(Identity) == 1


async def test_a_state_is_good_once_and_only_ours(guest, provider, count):
    begun = (await guest.execute(START, redirectUri=REDIRECT)).data["startProviderSignIn"]
    state, code = provider.authorize(begun["authorizationUrl"])

    first = await guest.execute(FINISH, state=state, code=code)
    again = await guest.execute(FINISH, state=state, code=code)
    forged = await guest.execute(FINISH, state="forged", code=code)

    assert codes(first, "signInWithProvider") == []
    assert codes(again, "signInWithProvider") == codes(forged, "signInWithProvider") == ["PROVIDER_REFUSED"]
    assert (await count(Session), provider.token_requests) == (1, 1)


async def test_a_state_does_not_last(guest, provider, ports):
    begun = (await guest.execute(START, redirectUri=REDIRECT)).data["startProviderSignIn"]
    state, code = provider.authorize(begun["authorizationUrl"])
    async with ports.database.writing() as uow:
        await uow.session.execute(update(ProviderSignIn).values(expires_at=utcnow() - timedelta(seconds=1)))

    answer = await guest.execute(FINISH, state=state, code=code)

    assert codes(answer, "signInWithProvider") == ["PROVIDER_REFUSED"]


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"}, {"aud": "another"}, {"iss": "https://another.example"}, {"exp": 1},
        {"sub": "another"}, {"aud": [CLIENT_ID, "another"], "azp": "another"}, {"nonce": None},
    ],
    ids=str,
)  # fmt: skip
async def test_an_id_token_with_wrong_claims_is_refused(guest, provider, count, claims):
    provider.claims = claims

    done = await finish(guest, provider)

    assert done["errors"] == [{"code": "PROVIDER_REFUSED"}]
    assert await count(User) == 0


async def test_an_id_token_of_another_key_is_refused(guest, provider, count, monkeypatch):
    monkeypatch.setattr(provider, "key", RSAKey.generate_key(2048, {"kid": provider.key.kid}))

    done = await finish(guest, provider)

    assert done["errors"] == [{"code": "PROVIDER_REFUSED"}]
    assert await count(User) == 0


async def test_new_keys_of_the_provider_are_noticed(guest, provider, monkeypatch):
    monkeypatch.setattr("integrations.oidc.KEYS_KEPT_FOR_AT_LEAST", 0.0)
    await finish(guest, provider)
    new = RSAKey.generate_key(2048, auto_kid=True)
    monkeypatch.setattr(provider, "key", new)
    monkeypatch.setattr(provider, "published_key", new)

    done = await finish(guest, provider)

    assert done["errors"] == []


async def test_a_provider_that_is_down_or_another_is_unavailable(guest, provider, client):
    provider.published_issuer = "https://another.example"
    as_another = await guest.execute(START, redirectUri=REDIRECT)
    provider.published_issuer = provider.issuer
    begun = (await guest.execute(START, redirectUri=REDIRECT)).data["startProviderSignIn"]
    state, code = provider.authorize(begun["authorizationUrl"])
    provider.is_down = True
    down = await guest.execute(FINISH, state=state, code=code)

    assert codes(as_another, "startProviderSignIn") == ["PROVIDER_UNAVAILABLE"]
    assert codes(down, "signInWithProvider") == ["PROVIDER_UNAVAILABLE"]


async def test_people_are_sent_back_only_where_the_settings_allow(guest, count):
    elsewhere = await guest.execute(START, redirectUri="https://evil.example/")

    assert codes(elsewhere, "startProviderSignIn") == ["INVALID"]
    assert await count(ProviderSignIn) == 0


METHODS = "{ signInMethods { hasPassword isSignUpOpen providers { id name } } }"


async def test_ways_of_signing_in_are_told_to_guests(guest, client, ports):
    known = (await guest.run(METHODS)).data["signInMethods"]
    none = (await client().run(METHODS)).data["signInMethods"]
    [provider_id] = [one["id"] for one in known["providers"]]
    by_id = await guest.execute(START, redirectUri=REDIRECT, providerId=provider_id)
    unknown = await guest.execute(START, redirectUri=REDIRECT, providerId="other.example")
    unset = await client().execute(START, redirectUri=REDIRECT)
    back = await client().execute(FINISH, state="any", code="any")

    assert known == {"hasPassword": True, "isSignUpOpen": True, "providers": [{"id": "127.0.0.1", "name": "127.0.0.1"}]}
    assert none == {"hasPassword": True, "isSignUpOpen": True, "providers": []}
    assert codes(by_id, "startProviderSignIn") == []
    assert codes(unknown, "startProviderSignIn") == codes(unset, "startProviderSignIn") == ["PROVIDER_NOT_CONFIGURED"]
    assert codes(back, "signInWithProvider") == ["PROVIDER_NOT_CONFIGURED"]
    assert OpenIdProvider(replace(ports.settings, oidc_issuer="https://a.example", oidc_name="Ада")).name == "Ада"


async def test_a_server_may_be_closed_to_new_accounts(guest, provider, ports, save, count):
    ada = make_user(email="ada@example.org")
    await save(ada)
    closed = Client(guest.schema, replace(guest.ports, settings=replace(ports.settings, sign_up="off")), None, "en")

    signed_up = await closed.execute(SIGN_UP, handle="eve", email="eve@example.org", displayName="E")
    stranger = await finish(closed, provider, email="eve@example.org", email_verified=True)
    owner = await finish(closed, provider, sub="person-2", email="ada@example.org", email_verified=True)

    assert (await closed.run(METHODS)).data["signInMethods"]["isSignUpOpen"] is False
    assert codes(signed_up, "signUp") == ["SIGN_UP_CLOSED"]
    assert stranger["errors"] == [{"code": "SIGN_UP_CLOSED"}]
    assert (owner["errors"], owner["user"]["handle"]) == ([], ada.handle)
    assert await count(User) == await count(Identity) == 1


async def test_a_deactivated_account_stays_closed(guest, provider, ports, count):
    await finish(guest, provider)
    async with ports.database.writing() as uow:
        await uow.session.execute(update(User).values(is_active=False))

    done = await finish(guest, provider)

    assert done["errors"] == [{"code": "PROVIDER_REFUSED"}]
    assert await count(Session) == 1
