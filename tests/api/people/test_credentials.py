"""Changing how one signs in: password, e-mail address, identities; and what the owner is told by mail."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from models import AttemptCount, Identity, Role, SecurityNotice, SecurityNoticeKind, Session, utcnow
from tests.api.people.signing import (
    PASSWORD,
    SIGN_IN,
    ClientAt,
    account,
    deliver,
    sign_in,
    token_in,
    with_token,
)
from tests.clients import codes, gid
from tests.factories import make_user
from translations import Reader

CHANGE_PASSWORD = """
mutation ($input: ChangePasswordInput!) {
  changePassword(input: $input) { user { handle } deviceToken errors { code path message } }
}
"""
CHANGE_EMAIL = """
mutation ($input: ChangeEmailInput!) { changeEmail(input: $input) { isAccepted errors { code path } } }
"""
VERIFY = "mutation ($input: VerifyEmailInput!) { verifyEmail(input: $input) { user { handle } errors { code path } } }"
UNLINK = """
mutation ($input: UnlinkIdentityInput!) {
  unlinkIdentity(input: $input) { identities { issuer } errors { code path } }
}
"""
DELETE_ACCOUNT = "mutation ($input: DeleteAccountInput!) { deleteAccount(input: $input) { errors { code path } } }"
RESEND = "mutation ($input: ResendVerificationInput!) { resendVerification(input: $input) { errors { code path } } }"
ADDRESS = "{ viewer { email isEmailVerified claimedEmail } }"
IDENTITIES = "{ viewer { hasPassword identities { id issuer } } }"
NEW = "another quiet place by the sea"


async def signed_in(client, ports, schema, user, password=PASSWORD):
    return await with_token(ports, schema, (await sign_in(client, user, password))["accessToken"])


async def test_a_new_password_ends_all_other_sessions_and_is_told(client, save, ports, schema, count):
    ada = await account(save, ports, email="ada@example.org")
    here, there = [await signed_in(client, ports, schema, ada) for _ in range(2)]

    answer = await here.execute(CHANGE_PASSWORD, currentPassword=PASSWORD, newPassword=NEW)

    assert answer.data["changePassword"]["errors"] == []
    assert answer.data["changePassword"]["deviceToken"]
    assert await count(Session, Session.ended_at.is_(None)) == 1
    assert await count(Session, Session.id == here.viewer.session_id, Session.ended_at.is_(None)) == 1
    assert there.viewer.session_id != here.viewer.session_id
    await sign_in(client, ada, NEW)
    old = await client().execute(SIGN_IN, login=ada.handle, password=PASSWORD)
    assert codes(old, "signIn") == ["INVALID_CREDENTIALS"]
    [mail] = await deliver(ports)
    assert (mail.to, mail.subject) == ("ada@example.org", "Your password was changed")
    assert "Network address: 127.0.0.1" in mail.text and "Program: tests" in mail.text


@pytest.mark.parametrize(
    ("current", "new", "expected"),
    [
        ("wrong password", NEW, ("INVALID_CREDENTIALS", "currentPassword", "This is not your current password.")),
        (PASSWORD, PASSWORD, ("INVALID", "newPassword", "This is already your password.")),
        (PASSWORD, "short", ("TOO_SHORT", "newPassword", "At least")),
        (PASSWORD, "aaaaaaaaaaaa", ("PASSWORD_TOO_WEAK", "newPassword", "This password is too easy")),
        (PASSWORD, "ada@example.org", ("PASSWORD_TOO_WEAK", "newPassword", "This password is too easy")),
    ],
)
async def test_a_password_that_cannot_be(client, save, ports, schema, count, current, new, expected):
    ada = await account(save, ports, email="ada@example.org")
    here = await signed_in(client, ports, schema, ada)

    answer = await here.execute(CHANGE_PASSWORD, currentPassword=current, newPassword=new)

    [error] = answer.data["changePassword"].pop("errors")
    assert answer.data["changePassword"] == {"user": None, "deviceToken": None}
    assert (error["code"], *error["path"]) == expected[:2] and error["message"].startswith(expected[2])
    assert await count(SecurityNotice) == 0
    await sign_in(client, ada)


async def test_a_stolen_token_does_not_guess_the_password(client, save, ports, schema, count):
    ada = await account(save, ports)
    here = await signed_in(client, ports, schema, ada)

    tries = [
        await here.execute(CHANGE_PASSWORD, currentPassword=f"wrong {number}", newPassword=NEW) for number in range(12)
    ]

    assert codes(tries[0], "changePassword") == ["INVALID_CREDENTIALS"]
    assert codes(tries[-1], "changePassword") == ["RATE_LIMITED"]
    # What was refused was not tried, so it was not wrong: the network has had ten.
    assert await count(AttemptCount, AttemptCount.key.like("sign-in-from:%"), AttemptCount.count == 10) == 1


async def test_a_right_password_never_counts_whatever_else_is_refused(client, save, ports, schema, count):
    ada = await account(save, ports, role=Role.ADMIN)
    here = await signed_in(client, ports, schema, ada)
    addresses = [f"new{number}@example.org" for number in range(6)]

    told = [
        await here.execute(CHANGE_PASSWORD, currentPassword=PASSWORD, newPassword="short"),
        await here.execute(CHANGE_EMAIL, currentPassword=PASSWORD, email="no address"),
        await here.execute(DELETE_ACCOUNT, currentPassword=PASSWORD),
        *[await here.execute(CHANGE_EMAIL, currentPassword=PASSWORD, email=email) for email in addresses],
    ]
    resent = await here.execute(RESEND)

    found = ["TOO_SHORT", "INVALID_EMAIL", "LAST_ADMINISTRATOR", *[None] * 5, "RATE_LIMITED"]
    assert [(codes(one, next(iter(one.data))) or [None])[0] for one in told] == found
    assert codes(resent, "resendVerification") == []
    assert await count(AttemptCount, AttemptCount.key.like("sign-in%"), AttemptCount.count > 0) == 0


async def test_who_has_no_password_cannot_change_it(client, save):
    ada = make_user()
    await save(ada)

    answer = await client(ada).execute(CHANGE_PASSWORD, currentPassword="", newPassword=NEW)

    assert codes(answer, "changePassword") == ["INVALID_CREDENTIALS"]


async def test_two_changes_at_once_give_one_password(client, save, ports, schema):
    ada = await account(save, ports)
    here = await signed_in(client, ports, schema, ada)
    wishes = [f"a place by the sea, number {number}" for number in range(3)]

    answers = await asyncio.gather(
        *(here.execute(CHANGE_PASSWORD, currentPassword=PASSWORD, newPassword=one) for one in wishes)
    )

    assert sorted(codes(answer, "changePassword") for answer in answers) == [
        [], ["INVALID_CREDENTIALS"], ["INVALID_CREDENTIALS"],
    ]  # fmt: skip


async def test_another_address_counts_once_it_is_proven(client, save, ports, schema):
    ada = await account(save, ports, email="ada@example.org")
    token = (await sign_in(client, ada))["accessToken"]
    here = await with_token(ports, schema, token)

    asked = await here.execute(CHANGE_EMAIL, email="Ada@New.example.org", currentPassword=PASSWORD)
    before = await (await with_token(ports, schema, token)).run(ADDRESS)
    mails = {mail.subject: mail for mail in await deliver(ports)}
    link = mails["Confirm your e-mail address"]
    assert f"until {Reader.of(ada).time(utcnow() + timedelta(days=1), pattern='d MMMM y')}" in link.text
    proven = await here.execute(VERIFY, token=token_in(link))
    after = await (await with_token(ports, schema, token)).run(ADDRESS)

    assert asked.data["changeEmail"] == {"isAccepted": True, "errors": []}
    assert before.data["viewer"] == {
        "email": "ada@example.org", "isEmailVerified": True, "claimedEmail": "Ada@new.example.org",
    }  # fmt: skip
    assert {subject: mail.to for subject, mail in mails.items()} == {
        "Confirm your e-mail address": "Ada@new.example.org",
        "A new e-mail address was requested": "ada@example.org",
    }
    assert codes(proven, "verifyEmail") == []
    assert after.data["viewer"] == {
        "email": "Ada@new.example.org", "isEmailVerified": True, "claimedEmail": None,
    }  # fmt: skip
    told = [mail for mail in await deliver(ports) if mail.subject == "Your e-mail address was changed"]
    assert [mail.to for mail in told] == ["ada@example.org"]


async def test_of_two_addresses_asked_for_at_once_the_later_one_gets_one_link(client, save, ports, schema):
    ada = await account(save, ports, email="ada@example.org")
    here = await signed_in(client, ports, schema, ada)

    for address in ("first@example.org", "second@example.org"):
        await here.execute(CHANGE_EMAIL, email=address, currentPassword=PASSWORD)
    links = [mail for mail in await deliver(ports) if mail.subject == "Confirm your e-mail address"]
    proven = await here.execute(VERIFY, token=token_in(links[-1]))

    assert [mail.to for mail in links] == ["second@example.org"]
    assert codes(proven, "verifyEmail") == []


async def test_an_address_of_somebody_else_is_not_given_away(client, save, ports, schema):
    ada = await account(save, ports, email="ada@example.org")
    await account(save, ports, email="boris@example.org")
    here = await signed_in(client, ports, schema, ada)

    asked = await here.execute(CHANGE_EMAIL, email="boris@example.org", currentPassword=PASSWORD)

    assert asked.data["changeEmail"] == {"isAccepted": True, "errors": []}
    mails = {mail.to: mail for mail in await deliver(ports)}
    assert "token=" not in mails["boris@example.org"].text
    assert mails["boris@example.org"].subject == "Someone gave your e-mail address as theirs"
    assert (await here.run(ADDRESS)).data["viewer"]["email"] == "ada@example.org"


@pytest.mark.parametrize(
    ("email", "password", "code"),
    [("no address", PASSWORD, "INVALID_EMAIL"), ("new@example.org", "wrong password", "INVALID_CREDENTIALS")],
)
async def test_an_address_that_cannot_be(client, save, ports, schema, email, password, code):
    ada = await account(save, ports)
    here = await signed_in(client, ports, schema, ada)

    answer = await here.execute(CHANGE_EMAIL, email=email, currentPassword=password)

    assert codes(answer, "changeEmail") == [code]
    assert (await here.run(ADDRESS)).data["viewer"]["claimedEmail"] is None


async def test_identities_are_listed_and_taken_away_but_not_the_last_way_in(client, save, ports, count):
    ada, boris = await account(save, ports, email="ada@example.org"), make_user()
    await save(boris)
    rows = [Identity(user_id=user.id, issuer=f"https://{name}.example", subject="1") for user, name in
            ((ada, "one"), (ada, "two"), (boris, "three"))]  # fmt: skip
    await save(*rows)

    listed = await client(ada).run(IDENTITIES)
    foreign = await client(ada).execute(UNLINK, identityId=gid(rows[2]))
    gone = await client(ada).execute(UNLINK, identityId=gid(rows[0]))
    last = await client(boris).execute(UNLINK, identityId=gid(rows[2]))

    assert listed.data["viewer"]["hasPassword"] is True
    assert [one["issuer"] for one in listed.data["viewer"]["identities"]] == [
        "https://one.example",
        "https://two.example",
    ]
    assert foreign.data["unlinkIdentity"]["errors"] == [{"code": "NOT_FOUND", "path": ["identityId"]}]
    assert gone.data["unlinkIdentity"] == {"identities": [{"issuer": "https://two.example"}], "errors": []}
    assert last.data["unlinkIdentity"]["errors"] == [{"code": "LAST_WAY_IN", "path": ["identityId"]}]
    assert (await client(boris).run(IDENTITIES)).data["viewer"]["hasPassword"] is False
    assert await count(Identity) == 2
    assert [mail.subject for mail in await deliver(ports)] == ["A way to sign in was removed"]


async def test_two_cannot_take_the_last_two_ways_away(client, save, count):
    ada = make_user()
    await save(ada)
    rows = [Identity(user_id=ada.id, issuer="https://one.example", subject=str(number)) for number in range(2)]
    await save(*rows)

    answers = await asyncio.gather(*(client(ada).execute(UNLINK, identityId=gid(row)) for row in rows))

    assert sorted(codes(answer, "unlinkIdentity") for answer in answers) == [[], ["LAST_WAY_IN"]]
    assert await count(Identity) == 1


def at(client, address):
    guest = client()
    return ClientAt(guest.schema, guest.ports, None, "en", address)


async def test_a_new_device_is_told_of_and_a_known_one_is_not(client, save, ports):
    ada = await account(save, ports, email="ada@example.org", locale="ru")
    home, elsewhere = at(client, "203.0.113.5"), at(client, "198.51.100.7")

    first = await home.execute(SIGN_IN, login=ada.handle, password=PASSWORD)
    again = await home.execute(SIGN_IN, login=ada.handle, password=PASSWORD)
    assert await deliver(ports) == []
    abroad = await elsewhere.execute(
        SIGN_IN, login=ada.handle, password=PASSWORD, deviceToken=first.data["signIn"]["deviceToken"]
    )
    assert await deliver(ports) == []
    strange = await at(client, "192.0.2.99").execute(SIGN_IN, login=ada.handle, password=PASSWORD)

    assert [codes(one, "signIn") for one in (first, again, abroad, strange)] == [[]] * 4
    [mail] = await deliver(ports)
    assert (mail.to, mail.subject) == ("ada@example.org", "Вход с нового устройства")
    assert "192.0.2.99" in mail.text


async def test_the_owner_hears_of_too_many_wrong_passwords_once(client, save, ports, count):
    ada = await account(save, ports, email="ada@example.org")

    for number in range(24):
        await at(client, f"203.0.113.{number}").execute(SIGN_IN, login=ada.handle, password="wrong password")
        await at(client, f"203.0.113.{number}").execute(SIGN_IN, login="nobody", password="wrong password")

    assert await count(SecurityNotice, SecurityNotice.kind == SecurityNoticeKind.LOCKED_OUT) == 1
    assert [mail.subject for mail in await deliver(ports)] == ["Too many wrong passwords"]
