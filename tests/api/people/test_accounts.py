from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from errors import ErrorCode, UserError
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
    SignUp,
    User,
    utcnow,
)
from resolvers.people import one_time_tokens
from resolvers.people.accounts import check_password, known_of
from tests.api.people.signing import (
    COMPLETE,
    PASSWORD,
    SIGN_IN,
    SIGN_UP,
    account,
    deliver,
    new_account,
    sign_in,
    token_in,
    with_token,
)
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
ADA = {"handle": "ada", "email": "Ada@Example.org", "displayName": " Ada L. "}
ACCEPTED = {"isAccepted": True, "errors": []}


async def names(ports) -> list[str]:
    async with ports.database.reading() as session:
        return list(await session.scalars(select(OutboxEvent.name).order_by(OutboxEvent.id)))


async def the_user(ports, handle: str) -> User:
    async with ports.database.reading() as session:
        return (await session.scalars(select(User).where(User.handle == handle))).one()


async def test_signing_up_makes_nothing_but_a_mail(client, count, ports):
    answer = await client().execute(SIGN_UP, **ADA)
    [mail] = await deliver(ports)

    assert answer.data["signUp"] == ACCEPTED
    assert await count(User) == await count(Password) == await count(Session) == 0
    assert await names(ports) == ["user.sign_up.requested"]
    assert mail.to == "Ada@example.org"
    assert "/complete-sign-up?token=" in mail.text


async def test_the_link_makes_account_profile_and_session_and_tells_of_each_once(client, count, ports, schema):
    await client().execute(SIGN_UP, **ADA, timeZone="Asia/Tokyo", locale="ru")
    [mail] = await deliver(ports)

    answer = (await client().execute(COMPLETE, token=token_in(mail), password=PASSWORD)).data["completeSignUp"]

    assert (answer["user"], answer["errors"]) == ({"handle": "ada", "displayName": "Ada L."}, [])
    ada = await the_user(ports, "ada")
    assert (ada.email, ada.claimed_email, ada.locale, ada.time_zone) == ("Ada@example.org", None, "ru", "Asia/Tokyo")
    assert ada.email_verified_at is not None
    assert await count(Password, Password.user_id == ada.id, Password.hash.startswith("$argon2id$")) == 1
    assert await names(ports) == [
        "user.sign_up.requested", "user.registered", "user.profile.created", "user.signed_in",
    ]  # fmt: skip
    assert (await with_token(ports, schema, answer["accessToken"])).viewer.id == ada.id
    for login in ("ada", "ADA@example.ORG"):
        assert codes(await client().execute(SIGN_IN, login=login, password=PASSWORD), "signIn") == []
    assert await count(SignUp) == await count(OneTimeToken) == 0


async def test_the_password_is_the_choice_of_who_reads_the_mail(client, save, ports):
    """A stranger signs up with Ada's address and waits. Whatever she does with the mail, nothing is theirs."""
    stranger = make_user(handle="stranger")
    await save(stranger)
    await client(stranger).execute(SIGN_UP, **ADA | {"handle": "squat"})
    [mail] = await deliver(ports)

    before = await client().execute(SIGN_IN, login="squat", password=PASSWORD)
    completed = await client().execute(COMPLETE, token=token_in(mail), password=PASSWORD)
    after = await client().execute(SIGN_IN, login="squat", password="what the stranger would try")

    assert codes(before, "signIn") == codes(after, "signIn") == ["INVALID_CREDENTIALS"]
    assert codes(completed, "completeSignUp") == []
    assert "squat" not in mail.text + mail.html, "nothing that the stranger has written is mailed"


async def test_no_secret_and_no_address_is_in_the_outbox(client, ports):
    await new_account(client, ports, **ADA)
    await client().execute(SIGN_IN, login="ada", password=PASSWORD)

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
        ({"displayName": "x" * 101}, [("TOO_LONG", "displayName")]),
        ({"displayName": "  "}, [("REQUIRED", "displayName")]),
        ({"locale": "de"}, [("INVALID", "locale")]),
        ({"timeZone": "Moscow"}, [("INVALID_TIME_ZONE", "timeZone")]),
        ({"handle": "a", "displayName": ""}, [("INVALID_HANDLE", "handle"), ("REQUIRED", "displayName")]),
    ],
)
async def test_what_is_wrong_with_an_application_is_said_at_once(client, count, change, expected):
    answer = await client().execute(SIGN_UP, **ADA | change)

    assert [(error["code"], error["path"][0]) for error in answer.data["signUp"]["errors"]] == expected
    assert await count(SignUp) == 0


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"password": "short"}, [("TOO_SHORT", "password")]),
        ({"password": "x" * 201}, [("TOO_LONG", "password")]),
        ({"password": "aaaaaaaaaaaaaaaa"}, [("PASSWORD_TOO_WEAK", "password")]),
        ({"password": "Ada@example.org1"}, [("PASSWORD_TOO_WEAK", "password")]),
        ({"password": "Lovelace1", "handle": "a"}, [("TOO_SHORT", "password"), ("INVALID_HANDLE", "handle")]),
        ({"password": "AdaLovelace1", "handle": "adalovelace"}, [("PASSWORD_TOO_WEAK", "password")]),
        ({"password": "1234567890"}, [("PASSWORD_TOO_WEAK", "password")]),
        ({"password": "йЦуКеНгШщЗхЪ"}, [("PASSWORD_TOO_WEAK", "password")]),
        ({"password": "Passw0rd123"}, [("PASSWORD_TOO_WEAK", "password")]),
        ({"handle": "owner"}, [("HANDLE_TAKEN", "handle")]),
    ],
)
async def test_a_refusal_leaves_the_link_as_it_was(client, save, ports, count, given, expected):
    await save(make_user(handle="Owner"))
    await client().execute(SIGN_UP, **ADA)
    [mail] = await deliver(ports)
    token = token_in(mail)

    refused = await client().execute(COMPLETE, **{"token": token, "password": PASSWORD} | given)
    done = await client().execute(COMPLETE, token=token, password=PASSWORD)

    assert [(one["code"], one["path"][0]) for one in refused.data["completeSignUp"]["errors"]] == expected
    assert done.data["completeSignUp"]["user"]["handle"] == "ada"
    assert await count(User) == 2


async def test_a_handle_that_was_taken_meanwhile_can_be_replaced(client, save, ports):
    await client().execute(SIGN_UP, **ADA)
    [mail] = await deliver(ports)
    await save(make_user(handle="Ada"))

    late = await client().execute(COMPLETE, token=token_in(mail), password=PASSWORD)
    other = await client().execute(COMPLETE, token=token_in(mail), password=PASSWORD, handle="ada.l")

    assert late.data["completeSignUp"]["errors"] == [{"code": "HANDLE_TAKEN", "path": ["handle"]}]
    assert other.data["completeSignUp"]["user"]["handle"] == "ada.l"


async def test_of_completions_at_once_of_one_link_one_makes_the_account(client, ports, count):
    await client().execute(SIGN_UP, **ADA)
    [mail] = await deliver(ports)

    answers = await asyncio.gather(
        *(client().execute(COMPLETE, token=token_in(mail), password=PASSWORD) for _ in range(4))
    )

    assert sorted(codes(answer, "completeSignUp") for answer in answers) == [[]] + [["INVALID_TOKEN"]] * 3
    assert await count(User) == await count(Session) == 1


async def test_a_taken_handle_is_refused_whatever_its_case(client, save, count):
    await save(make_user(handle="ADA"))

    answer = await client().execute(SIGN_UP, **ADA)

    assert answer.data["signUp"] == {"isAccepted": False, "errors": [{"code": "HANDLE_TAKEN", "path": ["handle"]}]}
    assert await count(SignUp) == 0


async def test_a_known_address_gets_the_same_answer_from_the_same_statements(client, save, ports):
    await save(make_user(handle="owner", email="ada@example.org", display_name="The Owner"))

    known = await client().execute(SIGN_UP, **ADA)
    unknown = await client().execute(SIGN_UP, **ADA | {"handle": "eve", "email": "eve@example.org"})

    assert known.data["signUp"] == unknown.data["signUp"] == ACCEPTED
    assert known.statements == unknown.statements
    mails = await deliver(ports)
    assert [(mail.to, "token=" in mail.text) for mail in mails] == [
        ("ada@example.org", False),
        ("eve@example.org", True),
    ]
    assert "You already have an account" in mails[0].subject


async def test_afterwards_a_known_address_does_not_show_either(client, save, ports):
    """Neither sign-in nor the handle tells whether the address had an owner."""
    await save(make_user(handle="owner", email="ada@example.org"))
    await client().execute(SIGN_UP, **ADA)
    await client().execute(SIGN_UP, **ADA | {"handle": "eve", "email": "eve@example.org"})

    for handle, email in (("ada", "ada@example.org"), ("eve", "eve@example.org")):
        by_handle = await client().execute(SIGN_IN, login=handle, password=PASSWORD)
        by_email = await client().execute(SIGN_IN, login=email, password=PASSWORD)
        again = await client().execute(SIGN_UP, **ADA | {"handle": handle, "email": "third@example.org"})

        assert codes(by_handle, "signIn") == codes(by_email, "signIn") == ["INVALID_CREDENTIALS"]
        assert again.data["signUp"] == ACCEPTED


async def claim(client, save, ports, email: str = "Ada@example.org", **values):
    """An account that says to have this address, and the token of the link sent there."""
    user = await account(save, ports, email=None, email_verified_at=None, claimed_email=email, **values)
    await client(user).execute(RESEND)
    return user, token_in((await deliver(ports))[-1])


async def test_the_mailed_link_proves_a_claimed_address_once(client, save, ports):
    ada, token = await claim(client, save, ports, handle="ada")

    first = await client(ada).execute(VERIFY, token=token)
    second = await client(ada).execute(VERIFY, token=token)
    by_email = await client().execute(SIGN_IN, login="ADA@example.ORG", password=PASSWORD)

    assert first.data["verifyEmail"] == {"user": {"handle": "ada"}, "errors": []}
    assert second.data["verifyEmail"] == {"user": None, "errors": [{"code": "INVALID_TOKEN", "path": ["token"]}]}
    assert by_email.data["signIn"]["user"] == {"handle": "ada"}
    ada = await the_user(ports, "ada")
    assert (ada.email, ada.claimed_email, ada.email_verified_at is not None) == ("Ada@example.org", None, True)
    assert "user.updated" in await names(ports)


async def test_whoever_opens_a_strangers_link_gives_them_nothing(client, save, ports):
    """The stranger claims Ada's address; she opens the link, signed in to her own account or to none."""
    stranger, token = await claim(client, save, ports)
    ada = make_user(handle="ada")
    await save(ada)

    as_ada = await client(ada).execute(VERIFY, token=token)
    as_guest = await client().execute(VERIFY, token=token)
    reset = await client().execute(REQUEST_RESET, login=stranger.handle)

    assert codes(as_ada, "verifyEmail") == ["INVALID_TOKEN"]
    assert as_guest.error_codes == ["UNAUTHENTICATED"]
    assert codes(reset, "requestPasswordReset") == []
    assert (await the_user(ports, stranger.handle)).email is None
    assert not any("reset-password" in mail.text for mail in await deliver(ports)), "only proven addresses get resets"


async def test_an_address_signs_in_however_it_is_spelled(client, ports):
    """Also by exactly what was typed at sign-up, and never the owner of the address that it resembles."""
    await new_account(client, ports, **ADA | {"email": "Ada@FAß.de"})

    for login in ("Ada@FAß.de", "ada@faß.de", "ADA@FAẞ.DE", " ada@xn--fa-hia.de", "ａｄａ＠faß.de"):
        answer = await client().execute(SIGN_IN, login=login, password=PASSWORD)
        assert answer.data["signIn"]["user"] == {"handle": "ada"}, login
    other = await client().execute(SIGN_IN, login="ada@fass.de", password=PASSWORD)
    reset = await client().execute(REQUEST_RESET, login="ADA@FAß.de")

    assert codes(other, "signIn") == ["INVALID_CREDENTIALS"]
    assert codes(reset, "requestPasswordReset") == []
    assert [mail.to for mail in await deliver(ports)][-1] == "Ada@xn--fa-hia.de"


async def test_of_two_who_claim_an_address_the_first_to_prove_it_owns_it(client, save, ports):
    ada, lost_token = await claim(client, save, ports)
    eve, won_token = await claim(client, save, ports)

    won = await client(eve).execute(VERIFY, token=won_token)
    lost = await client(ada).execute(VERIFY, token=lost_token)

    assert codes(won, "verifyEmail") == []
    assert codes(lost, "verifyEmail") == ["INVALID_TOKEN"]
    assert (await the_user(ports, ada.handle)).email is None


async def test_of_two_who_sign_up_with_an_address_the_first_link_makes_the_account(client, ports, count):
    await client().execute(SIGN_UP, **ADA)
    await client().execute(SIGN_UP, **ADA | {"handle": "eve"})
    first, second = await deliver(ports)

    won = await client().execute(COMPLETE, token=token_in(second), password=PASSWORD)
    lost = await client().execute(COMPLETE, token=token_in(first), password=PASSWORD)

    assert won.data["completeSignUp"]["user"]["handle"] == "eve"
    assert codes(lost, "completeSignUp") == ["INVALID_TOKEN"]
    assert await count(User) == 1


async def test_expired_unknown_and_foreign_tokens_are_refused(client, save, ports):
    ada = await account(save, ports)
    async with ports.database.writing() as uow:
        expired, _ = await one_time_tokens.issue(uow, ada, OneTimePurpose.VERIFY_EMAIL, email=ada.email)
        await uow.session.execute(update(OneTimeToken).values(expires_at=utcnow() - timedelta(seconds=1)))
        foreign, _ = await one_time_tokens.issue(uow, ada, OneTimePurpose.RESET_PASSWORD, email=ada.email)

    for token in (expired, foreign, "unknown", ""):
        assert codes(await client(ada).execute(VERIFY, token=token), "verifyEmail") == ["INVALID_TOKEN"]
        completed = await client().execute(COMPLETE, token=token, password=PASSWORD)
        assert codes(completed, "completeSignUp") == ["INVALID_TOKEN"]


async def test_tokens_are_kept_as_hashes(client, save, ports):
    ada = await account(save, ports)
    async with ports.database.writing() as uow:
        secret, _ = await one_time_tokens.issue(uow, ada, OneTimePurpose.RESET_PASSWORD, email=ada.email)

    async with ports.database.reading() as session:
        kept = (await session.execute(text("SELECT one_time_tokens::text FROM one_time_tokens"))).scalar_one()
    assert secret not in kept
    assert secret.encode().hex() not in kept


async def test_the_link_may_be_asked_for_again_but_not_without_end(client, save, ports):
    ada = await account(save, ports, email=None, email_verified_at=None, claimed_email="ada@example.org")

    answers = [await client(ada).execute(RESEND) for _ in range(6)]

    assert [codes(answer, "resendVerification") for answer in answers] == [[]] * 5 + [["RATE_LIMITED"]]
    assert (await names(ports)).count("user.email_verification.requested") == 5
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


async def test_one_address_is_not_flooded_with_mail(client, ports):
    for number in range(8):
        await client().execute(SIGN_UP, **ADA | {"handle": f"ada{number}"})

    assert len(await deliver(ports)) == 5


async def test_sign_ups_from_one_address_are_limited(client, ports, monkeypatch, count):
    monkeypatch.setitem(ports.settings.__dict__, "sign_ups_per_address", 2)

    answers = [await client().execute(SIGN_UP, **ADA | {"handle": f"ada{number}"}) for number in range(3)]

    assert [codes(answer, "signUp") for answer in answers] == [[], [], ["RATE_LIMITED"]]
    assert await count(SignUp) == 2


async def test_a_repeat_with_its_key_signs_up_once(client, ports, count):
    first, second = [await client().execute(SIGN_UP, **ADA, idempotencyKey="sign-up-once") for _ in range(2)]
    [mail] = await deliver(ports)
    done, again = [
        await client().execute(COMPLETE, token=token_in(mail), password=PASSWORD, idempotencyKey="complete-once")
        for _ in range(2)
    ]

    assert first.data == second.data
    assert codes(done, "completeSignUp") == []
    assert done.data == again.data
    assert await count(User) == await count(Session) == 1


async def test_limits_are_kept_under_hashes(client, ports):
    await client().execute(SIGN_IN, login="ada@example.org", password="wrong password")

    async with ports.database.reading() as session:
        keys = list(await session.scalars(select(AttemptCount.key)))
    assert len(keys) == 3
    assert not any("ada" in key or "127.0.0.1" in key for key in keys)


def test_no_profile_field_lies_in_a_credential_table():
    shared = {"id", "user_id", "created_at", "email"}
    of_people = {column.name for column in User.__table__.columns} - shared
    credentials = (Password, Identity, Session, RefreshToken, OneTimeToken, ProviderSignIn)

    for table in credentials:
        assert of_people.isdisjoint(column.name for column in table.__table__.columns), table
    assert {"display_name", "bio", "phone"} <= of_people


@pytest.mark.parametrize(
    "password",
    [
        "h@FAß.de12",
        "H@xn--fa-hia.de",
        "ｈ@faß．de",
        " h@faß.de ",
        "h@fass.de1",
        "ada-lovelace",
        "Ada Lovelace!",
    ],
)
def test_no_spelling_of_what_is_known_makes_a_password(password):
    problems: list[UserError] = []
    known = known_of(handle="adalovelace", email="h@xn--fa-hia.de", display_name="Ada Lovelace")

    check_password(problems, password.ljust(10, "1"), "password", known=known)

    assert [one.code for one in problems] == [ErrorCode.PASSWORD_TOO_WEAK]


@pytest.mark.parametrize(
    "password", ["!@#$%^&*()_+", "correct horse", "пять зелёных чашек", "adalovelace-k7Qz!w", "h@fasz.de77"]
)
def test_signs_letters_of_any_script_and_own_additions_make_one(password):
    problems: list[UserError] = []
    known = known_of(handle="adalovelace", email="h@xn--fa-hia.de", display_name="Ada Lovelace")

    check_password(problems, password, "password", known=known)

    assert problems == []
