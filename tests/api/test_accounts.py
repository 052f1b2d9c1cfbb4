from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from models import (
    AttemptCount,
    Identity,
    OneTimePurpose,
    OneTimeToken,
    OutboxEvent,
    Password,
    ProviderSignIn,
    RefreshToken,
    Session,
    User,
    utcnow,
)
from resolvers import one_time_tokens
from tests.api.signing import PASSWORD, SIGN_IN, SIGN_UP, account, deliver, sign_in, token_in, with_token
from tests.clients import codes
from tests.factories import make_user

VERIFY = "mutation ($input: VerifyEmailInput!) { verifyEmail(input: $input) { user { handle } errors { code path } } }"
RESEND = (
    "mutation ($input: ResendVerificationInput!) { resendVerification(input: $input) { isAccepted errors { code } } }"
)
REQUEST_RESET = (
    "mutation ($input: RequestPasswordResetInput!) "
    "{ requestPasswordReset(input: $input) { isAccepted errors { code } } }"
)
RESET = (
    "mutation ($input: ResetPasswordInput!) { resetPassword(input: $input) { user { handle } errors { code path } } }"
)
ADA = {"handle": "ada", "email": "Ada@Example.org", "password": PASSWORD, "displayName": " Ada L. "}


async def names(ports) -> list[str]:
    async with ports.database.reading() as session:
        return list(await session.scalars(select(OutboxEvent.name).order_by(OutboxEvent.id)))


async def the_user(ports, handle: str) -> User:
    async with ports.database.reading() as session:
        return (await session.scalars(select(User).where(User.handle == handle))).one()


async def test_signing_up_makes_account_and_profile_and_tells_of_each_once(client, count, ports):
    answer = await client().execute(SIGN_UP, **ADA, timeZone="Asia/Tokyo", locale="ru")

    assert answer.data["signUp"] == {"user": {"handle": "ada", "displayName": "Ada L."}, "errors": []}
    ada = await the_user(ports, "ada")
    assert (ada.email, ada.claimed_email, ada.locale, ada.time_zone) == (None, "Ada@example.org", "ru", "Asia/Tokyo")
    assert await count(Password, Password.user_id == ada.id, Password.hash.startswith("$argon2id$")) == 1
    assert await names(ports) == ["user.registered", "user.profile.created", "user.email_verification.requested"]


async def test_no_secret_and_no_address_is_in_the_outbox(client, ports):
    await client().execute(SIGN_UP, **ADA)
    await client().execute(SIGN_IN, login="ada", password=PASSWORD)
    await deliver(ports)

    async with ports.database.reading() as session:
        found = (await session.execute(text("SELECT string_agg(outbox::text, ' ') FROM outbox"))).scalar_one().lower()
    assert "user.registered" in found
    for private in ("example.org", PASSWORD, "argon2", "token"):
        assert private not in found


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"handle": "a"}, [("INVALID_HANDLE", "handle")]),
        ({"handle": "ада лавлейс"}, [("INVALID_HANDLE", "handle")]),
        ({"email": "no address"}, [("INVALID_EMAIL", "email")]),
        ({"email": "почта@пример.рф"}, [("INVALID_EMAIL", "email")]),
        ({"email": "a@" + "b" * 300 + ".org"}, [("INVALID_EMAIL", "email")]),
        ({"password": "short"}, [("TOO_SHORT", "password")]),
        ({"password": "x" * 201}, [("TOO_LONG", "password")]),
        ({"password": "aaaaaaaaaaaaaaaa"}, [("PASSWORD_TOO_WEAK", "password")]),
        ({"password": "Ada@example.org1"}, [("PASSWORD_TOO_WEAK", "password")]),
        ({"handle": "adalovelace", "password": "AdaLovelace1"}, [("PASSWORD_TOO_WEAK", "password")]),
        ({"displayName": "  "}, [("REQUIRED", "displayName")]),
        ({"locale": "de"}, [("INVALID", "locale")]),
        ({"timeZone": "Moscow"}, [("INVALID_TIME_ZONE", "timeZone")]),
        ({"handle": "a", "displayName": ""}, [("REQUIRED", "displayName"), ("INVALID_HANDLE", "handle")]),
    ],
)
async def test_what_is_wrong_with_an_application_is_said_at_once(client, count, change, expected):
    answer = await client().execute(SIGN_UP, **ADA | change)

    assert [(error["code"], error["path"][0]) for error in answer.data["signUp"]["errors"]] == expected
    assert await count(User) == 0


async def test_a_taken_handle_is_refused_whatever_its_case(client, save, count):
    await save(make_user(handle="ADA"))

    answer = await client().execute(SIGN_UP, **ADA)

    assert answer.data["signUp"]["errors"] == [{"code": "HANDLE_TAKEN", "path": ["handle"]}]
    assert await count(User) == 1


async def test_a_known_address_gets_the_same_answer_from_the_same_statements(client, save, ports):
    await save(make_user(handle="owner", email="ada@example.org", display_name="The Owner"))

    known = await client().execute(SIGN_UP, **ADA)
    unknown = await client().execute(SIGN_UP, **ADA | {"handle": "eve", "email": "eve@example.org"})

    assert known.data["signUp"] == {"user": {"handle": "ada", "displayName": "Ada L."}, "errors": []}
    assert unknown.data["signUp"] == {"user": {"handle": "eve", "displayName": "Ada L."}, "errors": []}
    assert known.statements == unknown.statements
    mails = await deliver(ports)
    assert [(mail.to, "token=" in mail.text) for mail in mails] == [
        ("ada@example.org", False),
        ("eve@example.org", True),
    ]
    assert "The Owner" in mails[0].text


async def test_afterwards_a_known_address_does_not_show_either(client, save, ports):
    """Neither sign-in nor the handle tells whether the address had an owner."""
    await save(make_user(handle="owner", email="ada@example.org"))
    await client().execute(SIGN_UP, **ADA)
    await client().execute(SIGN_UP, **ADA | {"handle": "eve", "email": "eve@example.org"})

    for handle, email in (("ada", "ada@example.org"), ("eve", "eve@example.org")):
        by_handle = await client().execute(SIGN_IN, login=handle, password=PASSWORD)
        by_email = await client().execute(SIGN_IN, login=email, password=PASSWORD)
        again = await client().execute(SIGN_UP, **ADA | {"handle": handle, "email": "third@example.org"})

        assert codes(by_handle, "signIn") == []
        assert codes(by_email, "signIn") == ["INVALID_CREDENTIALS"]
        assert codes(again, "signUp") == ["HANDLE_TAKEN"]


async def test_the_mailed_link_proves_the_address_once(client, ports):
    await client().execute(SIGN_UP, **ADA)
    [mail] = await deliver(ports)
    token = token_in(mail)

    first = await client().execute(VERIFY, token=token)
    second = await client().execute(VERIFY, token=token)
    by_email = await client().execute(SIGN_IN, login="ADA@example.ORG", password=PASSWORD)

    assert first.data["verifyEmail"] == {"user": {"handle": "ada"}, "errors": []}
    assert second.data["verifyEmail"] == {"user": None, "errors": [{"code": "INVALID_TOKEN", "path": ["token"]}]}
    assert by_email.data["signIn"]["user"] == {"handle": "ada"}
    ada = await the_user(ports, "ada")
    assert (ada.email, ada.claimed_email, ada.email_verified_at is not None) == ("Ada@example.org", None, True)
    assert "user.updated" in await names(ports)


async def test_an_address_signs_in_however_it_is_spelled(client, ports):
    """Also by exactly what was typed at sign-up, and never the owner of the address that it resembles."""
    await client().execute(SIGN_UP, **ADA | {"email": "Ada@FAß.de"})
    [mail] = await deliver(ports)
    await client().execute(VERIFY, token=token_in(mail))

    for login in ("Ada@FAß.de", "ada@faß.de", "ADA@FAẞ.DE", " ada@xn--fa-hia.de", "ａｄａ＠faß.de"):
        answer = await client().execute(SIGN_IN, login=login, password=PASSWORD)
        assert answer.data["signIn"]["user"] == {"handle": "ada"}, login
    other = await client().execute(SIGN_IN, login="ada@fass.de", password=PASSWORD)
    reset = await client().execute(REQUEST_RESET, login="ADA@FAß.de")

    assert mail.to == "Ada@xn--fa-hia.de"
    assert codes(other, "signIn") == ["INVALID_CREDENTIALS"]
    assert codes(reset, "requestPasswordReset") == []
    assert [mail.to for mail in await deliver(ports)][-1] == "Ada@xn--fa-hia.de"


async def test_of_two_who_claim_an_address_the_first_to_prove_it_owns_it(client, ports):
    await client().execute(SIGN_UP, **ADA)
    await client().execute(SIGN_UP, **ADA | {"handle": "eve"})
    first, second = await deliver(ports)

    won = await client().execute(VERIFY, token=token_in(second))
    lost = await client().execute(VERIFY, token=token_in(first))

    assert won.data["verifyEmail"]["user"] == {"handle": "eve"}
    assert codes(lost, "verifyEmail") == ["INVALID_TOKEN"]
    assert (await the_user(ports, "ada")).email is None


async def test_expired_unknown_and_foreign_tokens_are_refused(client, save, ports):
    ada = await account(save, ports)
    async with ports.database.writing() as uow:
        expired = await one_time_tokens.issue(uow, ada.id, OneTimePurpose.VERIFY_EMAIL)
        await uow.session.execute(update(OneTimeToken).values(expires_at=utcnow() - timedelta(seconds=1)))
        foreign = await one_time_tokens.issue(uow, ada.id, OneTimePurpose.RESET_PASSWORD)

    for token in (expired, foreign, "unknown", ""):
        assert codes(await client().execute(VERIFY, token=token), "verifyEmail") == ["INVALID_TOKEN"]


async def test_tokens_are_kept_as_hashes(client, save, ports):
    ada = await account(save, ports)
    async with ports.database.writing() as uow:
        secret = await one_time_tokens.issue(uow, ada.id, OneTimePurpose.RESET_PASSWORD)

    async with ports.database.reading() as session:
        kept = (await session.execute(text("SELECT one_time_tokens::text FROM one_time_tokens"))).scalar_one()
    assert secret is not None
    assert secret not in kept
    assert secret.encode().hex() not in kept


async def test_the_link_may_be_asked_for_again_but_not_without_end(client, ports, schema):
    await client().execute(SIGN_UP, **ADA)
    ada = await the_user(ports, "ada")

    answers = [await client(ada).execute(RESEND) for _ in range(6)]

    assert [codes(answer, "resendVerification") for answer in answers] == [[]] * 5 + [["RATE_LIMITED"]]
    assert (await names(ports)).count("user.email_verification.requested") == 6
    assert len(await deliver(ports)) == 5


async def test_no_link_is_sent_for_a_proven_address(client, save, ports):
    ada = await account(save, ports)

    answer = await client(ada).execute(RESEND)

    assert answer.data["resendVerification"] == {"isAccepted": True, "errors": []}
    assert await deliver(ports) == []


async def test_a_forgotten_password_is_replaced_and_all_sessions_end(client, save, ports, schema, count):
    ada = await account(save, ports)
    tokens = [await sign_in(client, ada), await sign_in(client, ada)]
    for login in (ada.handle, ada.email.upper()):
        asked = await client().execute(REQUEST_RESET, login=login)
        assert asked.data["requestPasswordReset"] == {"isAccepted": True, "errors": []}
    first, second = await deliver(ports)

    weak = await client().execute(RESET, token=token_in(second), newPassword=f"{ada.handle}12345")
    done = await client().execute(RESET, token=token_in(second), newPassword="another quiet place")
    again = await client().execute(RESET, token=token_in(first), newPassword="a third quiet place")

    assert weak.data["resetPassword"]["errors"] == [{"code": "PASSWORD_TOO_WEAK", "path": ["newPassword"]}]
    assert done.data["resetPassword"] == {"user": {"handle": ada.handle}, "errors": []}
    assert codes(again, "resetPassword") == ["INVALID_TOKEN"]
    assert await count(Session, Session.ended_at.is_(None)) == 0
    for one in tokens:
        with pytest.raises(Exception, match="TOKEN_REVOKED"):
            await with_token(ports, schema, one["accessToken"])
    old = await client().execute(SIGN_IN, login=ada.handle, password=PASSWORD)
    new = await client().execute(SIGN_IN, login=ada.handle, password="another quiet place")
    assert codes(old, "signIn") == ["INVALID_CREDENTIALS"]
    assert codes(new, "signIn") == []


async def test_asking_for_a_link_does_not_tell_whether_there_is_an_account(client, save, ports):
    ada = await account(save, ports)

    known = await client().execute(REQUEST_RESET, login=ada.handle)
    unknown = await client().execute(REQUEST_RESET, login="nobody")

    assert known.data == unknown.data
    assert [mail.to for mail in await deliver(ports)] == [ada.email]


async def test_a_reset_proves_the_address_it_was_sent_to(client, ports):
    await client().execute(SIGN_UP, **ADA)
    await client().execute(REQUEST_RESET, login="ada")
    mail = (await deliver(ports))[-1]

    answer = await client().execute(RESET, token=token_in(mail), newPassword="another quiet place")

    assert codes(answer, "resetPassword") == []
    assert (await the_user(ports, "ada")).email == "Ada@example.org"


async def test_no_reset_goes_to_an_address_that_is_someone_elses(client, save, ports):
    await save(make_user(handle="owner", email="ada@example.org"))
    await client().execute(SIGN_UP, **ADA)
    await client().execute(REQUEST_RESET, login="ada")

    mails = await deliver(ports)

    assert ["token=" in mail.text for mail in mails] == [False]


async def test_one_address_is_not_flooded_with_mail(client, ports):
    for number in range(8):
        await client().execute(SIGN_UP, **ADA | {"handle": f"ada{number}"})

    assert len(await deliver(ports)) == 5


async def test_sign_ups_from_one_address_are_limited(client, ports, monkeypatch, count):
    monkeypatch.setitem(ports.settings.__dict__, "sign_ups_per_address", 2)

    answers = [await client().execute(SIGN_UP, **ADA | {"handle": f"ada{number}"}) for number in range(3)]

    assert [codes(answer, "signUp") for answer in answers] == [[], [], ["RATE_LIMITED"]]
    assert await count(User) == 2


async def test_a_repeat_with_its_key_signs_up_once(client, count):
    first = await client().execute(SIGN_UP, **ADA, idempotencyKey="sign-up-once")
    second = await client().execute(SIGN_UP, **ADA, idempotencyKey="sign-up-once")

    assert first.data == second.data
    assert await count(User) == 1


async def test_limits_are_kept_under_hashes(client, ports):
    await client().execute(SIGN_IN, login="ada@example.org", password="wrong password")

    async with ports.database.reading() as session:
        keys = list(await session.scalars(select(AttemptCount.key)))
    assert len(keys) == 2
    assert not any("ada" in key or "127.0.0.1" in key for key in keys)


def test_no_profile_field_lies_in_a_credential_table():
    shared = {"id", "user_id", "created_at", "email"}
    of_people = {column.name for column in User.__table__.columns} - shared
    credentials = (Password, Identity, Session, RefreshToken, OneTimeToken, ProviderSignIn)

    for table in credentials:
        assert of_people.isdisjoint(column.name for column in table.__table__.columns), table
    assert {"display_name", "bio", "phone"} <= of_people
