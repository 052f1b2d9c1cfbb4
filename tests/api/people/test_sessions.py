from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import delete, select, text, update

from auth.sealing import Sealer
from auth.tokens import TokenRefused
from models import AttemptCount, OutboxEvent, Password, RefreshToken, Role, Session, User, utcnow
from realtime.streams import access_stream
from resolvers.people import sessions as rules
from resolvers.people.known_devices import Device
from tests.api.people.signing import PASSWORD, REFRESH, SIGN_IN, account, sign_in, with_token
from tests.clients import codes
from tests.factories import make_user

SIGN_OUT = "mutation ($input: SignOutInput!) { signOut(input: $input) { isSignedOut errors { code } } }"
EVERYWHERE = (
    "mutation ($input: SignOutEverywhereInput!) { signOutEverywhere(input: $input) { endedCount errors { code } } }"
)
REVOKE = (
    "mutation ($input: RevokeSessionInput!) "
    "{ revokeSession(input: $input) { session { id endedAt } errors { code path } } }"
)
SESSIONS = "query ($first: Int) { viewer { sessions(first: $first) { nodes { id isCurrent userAgent address } } } }"
VIEWER = """
{ viewer { user { handle } profile { handle } email isEmailVerified role permissions locale timeZone } }
"""


async def test_signing_in_by_handle_or_address_opens_a_session(client, save, ports, schema, count):
    ada = await account(save, ports, handle="Ada", email="ada@example.org")

    for login in ("ada", "ADA@EXAMPLE.ORG", " Ada "):
        answer = await client().execute(SIGN_IN, login=login, password=PASSWORD)

        assert answer.data["signIn"]["user"] == {"handle": "Ada"}
        caller = await with_token(ports, schema, answer.data["signIn"]["accessToken"])
        assert caller.viewer.id == ada.id
    assert await count(Session, Session.user_agent == "tests", Session.address == "127.0.0.1") == 3
    assert await count(OutboxEvent, OutboxEvent.name == "user.signed_in") == 3


async def test_unknown_login_and_wrong_password_are_alike_in_text_and_work(client, save, ports, monkeypatch):
    ada = await account(save, ports)
    gone = await account(save, ports, is_active=False)
    hashes = []
    matches = ports.passwords._matches
    monkeypatch.setattr(ports.passwords, "_matches", lambda known, given: hashes.append(known) or matches(known, given))

    answers = [
        await client().execute(SIGN_IN, login=login, password=password)
        for login, password in (
            (ada.handle, "wrong password"),
            ("nobody", "wrong password"),
            ("nobody@example.org", PASSWORD),
            (gone.handle, PASSWORD),
        )
    ]

    [error] = answers[0].data["signIn"]["errors"]
    assert (error["code"], error["path"], error["details"]) == ("INVALID_CREDENTIALS", None, None)
    assert error["message"].startswith("Wrong login or password.")
    assert [answer.data for answer in answers] == [answers[0].data] * 4
    assert [len(answer.statements) for answer in answers] == [len(answers[0].statements)] * 4
    assert len(hashes) == 4
    assert len({known.split("$")[3] for known in hashes}) == 1, "the same costs"


async def test_a_hash_of_older_costs_is_renewed_at_sign_in(client, save, ports):
    ada = await account(save, ports)
    weaker = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
    async with ports.database.writing() as uow:
        await uow.session.execute(update(Password).values(hash=weaker))

    await sign_in(client, ada)

    async with ports.database.reading() as session:
        kept = await session.scalar(select(Password.hash))
    assert kept != weaker
    assert not ports.passwords.needs_rehash(kept)
    await sign_in(client, ada)


async def test_attempts_on_one_account_are_limited_and_the_limit_survives(client, save, ports):
    ada = await account(save, ports)
    most = ports.settings.sign_in_attempts

    wrong = [await client().execute(SIGN_IN, login=ada.handle, password="wrong password") for _ in range(most + 1)]
    right = await client().execute(SIGN_IN, login=ada.handle.upper(), password=PASSWORD)

    assert [codes(answer, "signIn") for answer in wrong] == [["INVALID_CREDENTIALS"]] * most + [["RATE_LIMITED"]]
    assert codes(right, "signIn") == ["RATE_LIMITED"]
    assert 890 <= right.data["signIn"]["errors"][0]["details"]["retryAfter"] <= 900


async def test_an_unknown_login_is_limited_alike(client, ports):
    most = ports.settings.sign_in_attempts

    answers = [await client().execute(SIGN_IN, login="nobody", password="wrong password") for _ in range(most + 1)]

    assert [codes(answer, "signIn") for answer in answers][-2:] == [["INVALID_CREDENTIALS"], ["RATE_LIMITED"]]


async def test_many_attempts_at_once_do_not_slip_through(client, save, ports):
    ada = await account(save, ports)
    most = ports.settings.sign_in_attempts

    answers = await asyncio.gather(
        *(client().execute(SIGN_IN, login=ada.handle, password="wrong password") for _ in range(most + 5))
    )

    found = sorted(codes(answer, "signIn")[0] for answer in answers)
    assert found == ["INVALID_CREDENTIALS"] * most + ["RATE_LIMITED"] * 5


async def test_the_window_of_a_limit_ends(client, save, ports):
    ada = await account(save, ports)
    for _ in range(ports.settings.sign_in_attempts + 1):
        await client().execute(SIGN_IN, login=ada.handle, password="wrong password")
    async with ports.database.writing() as uow:
        await uow.session.execute(update(AttemptCount).values(window_ends_at=utcnow() - timedelta(seconds=1)))

    answer = await client().execute(SIGN_IN, login=ada.handle, password=PASSWORD)

    assert codes(answer, "signIn") == []


async def test_success_frees_the_account_and_not_the_address(client, save, ports):
    ada = await account(save, ports)
    for _ in range(3):
        await client().execute(SIGN_IN, login=ada.handle, password="wrong password")

    await sign_in(client, ada)

    async with ports.database.reading() as session:
        counts = dict((await session.execute(select(AttemptCount.key, AttemptCount.count))).all())
    assert {key.split(":")[0]: number for key, number in counts.items()} == {"sign-in-from": 3}


async def test_attempts_from_one_address_are_limited(client, ports, monkeypatch):
    monkeypatch.setitem(ports.settings.__dict__, "sign_in_attempts_per_address", 3)

    answers = [
        await client().execute(SIGN_IN, login=f"nobody{number}", password="wrong password") for number in range(4)
    ]

    assert [codes(answer, "signIn") for answer in answers] == [["INVALID_CREDENTIALS"]] * 3 + [["RATE_LIMITED"]]


async def refresh(client, token: str) -> dict[str, Any]:
    """New tokens for this one."""
    answer = (await client().execute(REFRESH, refreshToken=token)).data["refreshSession"]
    assert answer["errors"] == []
    return dict(answer)


async def test_a_refresh_token_is_traded_for_new_tokens(client, save, ports, schema):
    ada = await account(save, ports)
    first = await sign_in(client, ada)

    second = await refresh(client, first["refreshToken"])
    third = await refresh(client, second["refreshToken"])

    assert len({first["refreshToken"], second["refreshToken"], third["refreshToken"]}) == 3
    sessions = {
        (await with_token(ports, schema, one["accessToken"])).viewer.session_id for one in (first, second, third)
    }
    assert len(sessions) == 1


async def aged(ports, seconds: float) -> None:
    """As if all tokens that were traded so far had been traded so many seconds earlier."""
    earlier = RefreshToken.used_at - timedelta(seconds=seconds)
    async with ports.database.writing() as uow:
        await uow.session.execute(update(RefreshToken).values(used_at=earlier).where(RefreshToken.used_at.is_not(None)))


@pytest.mark.parametrize("reuse", ["after the grace", "once the successor was traded", "of an older one"])
async def test_using_an_old_refresh_token_ends_the_session_for_both(client, save, ports, schema, count, reuse):
    ada = await account(save, ports)
    first = await sign_in(client, ada)
    other = await sign_in(client, ada)
    newest = await refresh(client, first["refreshToken"])
    if reuse == "after the grace":
        await aged(ports, ports.settings.refresh_grace + 1)
    else:
        newest = await refresh(client, newest["refreshToken"])
    if reuse == "of an older one":
        newest = await refresh(client, newest["refreshToken"])

    reused = await client().execute(REFRESH, refreshToken=first["refreshToken"])
    after = await client().execute(REFRESH, refreshToken=newest["refreshToken"])

    assert reused.data["refreshSession"] == {
        "user": None, "accessToken": None, "refreshToken": None,
        "errors": [{"code": "SESSION_ENDED", "path": ["refreshToken"]}],
    }  # fmt: skip
    assert codes(after, "refreshSession") == ["SESSION_ENDED"]
    with pytest.raises(TokenRefused, match="TOKEN_REVOKED"):
        await with_token(ports, schema, newest["accessToken"])
    assert (await with_token(ports, schema, other["accessToken"])).viewer.id == ada.id
    assert await told_to_end(count, ada) == 1


async def test_a_lost_answer_is_given_again_for_a_while(client, save, ports, schema, count):
    ada = await account(save, ports)
    first = await sign_in(client, ada)
    lost = await refresh(client, first["refreshToken"])
    await aged(ports, ports.settings.refresh_grace - 5)

    again = await refresh(client, first["refreshToken"])

    assert again["refreshToken"] == lost["refreshToken"]
    assert (await with_token(ports, schema, again["accessToken"])).viewer.id == ada.id
    assert await count(RefreshToken) == 2
    assert (await refresh(client, again["refreshToken"]))["refreshToken"] != again["refreshToken"]


async def test_without_a_grace_a_token_is_good_once(client, save, ports, monkeypatch):
    monkeypatch.setitem(ports.settings.__dict__, "refresh_grace", 0.0)
    token = (await sign_in(client, await account(save, ports)))["refreshToken"]
    await refresh(client, token)

    again = await client().execute(REFRESH, refreshToken=token)

    assert codes(again, "refreshSession") == ["SESSION_ENDED"]


async def test_a_successor_cannot_be_made_of_what_is_stored_or_sent(client, save, ports):
    first = await sign_in(client, await account(save, ports))
    second = await refresh(client, first["refreshToken"])

    async with ports.database.reading() as session:
        kept = (await session.execute(text("SELECT string_agg(t::text, ' ') FROM refresh_tokens t"))).scalar_one()
    assert second["refreshToken"] not in kept
    assert bytes.fromhex(second["refreshToken"]).hex() not in kept
    assert Sealer("another secret").marks("refresh tokens", first["refreshToken"].encode()) != [second["refreshToken"]]
    assert ports.sealer.marks("marked inputs", first["refreshToken"].encode()) != [second["refreshToken"]]


async def test_parallel_refreshes_of_one_token_get_the_same_successor(client, save, ports, schema, count):
    ada = await account(save, ports)
    first = await sign_in(client, ada)

    async with ports.database.writing() as uow:
        await uow.session.execute(select(Session).with_for_update())
        racing = [
            asyncio.ensure_future(client().execute(REFRESH, refreshToken=first["refreshToken"])) for _ in range(5)
        ]
        await until_waiting(ports, 5)
    answers = [(await racer).data["refreshSession"] for racer in racing]

    assert [answer["errors"] for answer in answers] == [[]] * 5
    [successor] = {answer["refreshToken"] for answer in answers}
    assert await count(RefreshToken) == 2
    for answer in answers:
        assert (await with_token(ports, schema, answer["accessToken"])).viewer.id == ada.id
    assert (await refresh(client, successor))["errors"] == []


@pytest.mark.parametrize("gap", [0, 0.005, 0.02])
async def test_two_tabs_keep_their_session(client, save, ports, count, gap):
    """Five rounds, in each of which both bring the token that they share, a moment apart."""
    token = (await sign_in(client, await account(save, ports)))["refreshToken"]

    async def tab(wait: float) -> str:
        await asyncio.sleep(wait)
        return str((await refresh(client, token))["refreshToken"])

    for _ in range(5):
        one, other = await asyncio.gather(tab(0), tab(gap))
        assert one == other
        token = one
    assert await count(Session, Session.ended_at.is_(None)) == 1
    assert await count(RefreshToken) == 6


async def test_of_a_thief_and_an_owner_who_race_with_a_used_token_nobody_keeps_the_session(client, save, ports, count):
    """The successor is traded and its predecessor brought again at once: whatever comes first, the session ends."""
    first = (await sign_in(client, await account(save, ports)))["refreshToken"]
    second = (await refresh(client, first))["refreshToken"]
    third = (await refresh(client, second))["refreshToken"]

    await asyncio.gather(*(client().execute(REFRESH, refreshToken=one) for one in (third, first, third)))

    assert await count(Session, Session.ended_at.is_(None)) == 0


async def test_a_session_ends_however_much_it_is_used(client, save, ports, schema, monkeypatch):
    ada = await account(save, ports)
    signed_in = await sign_in(client, ada)
    almost = timedelta(seconds=ports.settings.session_longest - 60)
    async with ports.database.writing() as uow:
        await uow.session.execute(update(Session).values(created_at=utcnow() - almost))

    refreshed = await refresh(client, signed_in["refreshToken"])
    claims = ports.tokens.read(refreshed["accessToken"])
    async with ports.database.reading() as session:
        ends = (await session.scalars(select(Session.expires_at))).one()
    monkeypatch.setitem(ports.settings.__dict__, "session_longest", almost.total_seconds() - 60)
    late = await client().execute(REFRESH, refreshToken=refreshed["refreshToken"])

    assert 0 < (ends - utcnow()).total_seconds() <= 60
    assert claims.expires_at <= ends
    assert codes(late, "refreshSession") == ["SESSION_ENDED"]


async def test_a_repeat_with_its_key_gets_the_same_tokens(client, save, ports, count):
    ada = await account(save, ports)
    first = await client().execute(SIGN_IN, login=ada.handle, password=PASSWORD, idempotencyKey="sign-in-once")
    second = await client().execute(SIGN_IN, login=ada.handle, password=PASSWORD, idempotencyKey="sign-in-once")
    token = first.data["signIn"]["refreshToken"]
    third = await client().execute(REFRESH, refreshToken=token, idempotencyKey="refresh-once")
    fourth = await client().execute(REFRESH, refreshToken=token, idempotencyKey="refresh-once")

    assert first.data == second.data
    assert third.data == fourth.data
    assert codes(third, "refreshSession") == []
    assert await count(Session, Session.ended_at.is_(None)) == 1


async def test_reuse_under_an_idempotency_key_still_ends_the_session(client, save, ports, count):
    ada = await account(save, ports)
    token = (await sign_in(client, ada))["refreshToken"]
    await refresh(client, token)
    await aged(ports, ports.settings.refresh_grace + 1)

    reused = await client().execute(REFRESH, refreshToken=token, idempotencyKey="another-key")

    assert codes(reused, "refreshSession") == ["SESSION_ENDED"]
    assert await count(Session, Session.ended_at.is_(None)) == 0


async def test_a_password_changed_meanwhile_opens_no_session(save, ports, count):
    """Else whoever knew the old one could slip in beside the reset that was to shut them out."""
    ada = await account(save, ports)
    proof = await rules.prove(
        ports.database,
        ports.passwords,
        login=ada.handle,
        password=PASSWORD,
        device=Device(),
        most=9,
        most_per_address=9,
    )
    async with ports.database.writing() as uow:
        await uow.session.execute(update(Password).values(hash=await ports.passwords.hash("another quiet place")))

    with pytest.raises(rules.InvalidCredentials):
        async with ports.database.writing() as uow:
            await rules.sign_in(uow, ports.signing, proof, Device())

    assert await count(Session) == 0


@pytest.mark.parametrize("state", ["unknown", "expired", "ended", "inactive"])
async def test_useless_refresh_tokens_are_refused_alike(client, save, ports, state):
    ada = await account(save, ports)
    token = (await sign_in(client, ada))["refreshToken"]
    async with ports.database.writing() as uow:
        if state == "expired":
            await uow.session.execute(update(Session).values(expires_at=utcnow() - timedelta(seconds=1)))
        elif state == "ended":
            await uow.session.execute(update(Session).values(ended_at=utcnow()))
        elif state == "inactive":
            await uow.session.execute(update(User).values(is_active=False))

    answer = await client().execute(REFRESH, refreshToken="unknown" if state == "unknown" else token)

    assert codes(answer, "refreshSession") == ["SESSION_ENDED"]


async def test_signing_out_makes_both_tokens_useless_at_once(client, save, ports, schema, count):
    ada = await account(save, ports)
    mine, other = await sign_in(client, ada), await sign_in(client, ada)
    caller = await with_token(ports, schema, mine["accessToken"])

    answer = await caller.execute(SIGN_OUT)

    assert answer.data["signOut"] == {"isSignedOut": True, "errors": []}
    with pytest.raises(TokenRefused, match="TOKEN_REVOKED"):
        await with_token(ports, schema, mine["accessToken"])
    refreshed = await client().execute(REFRESH, refreshToken=mine["refreshToken"])
    assert codes(refreshed, "refreshSession") == ["SESSION_ENDED"]
    assert (await with_token(ports, schema, other["accessToken"])).viewer.id == ada.id
    assert await told_to_end(count, ada) == 1


async def test_signing_out_everywhere_ends_all_of_ones_sessions_and_no_others(client, save, ports, schema, count):
    ada, bob = await account(save, ports), await account(save, ports)
    caller = await with_token(ports, schema, (await sign_in(client, ada))["accessToken"])
    await sign_in(client, ada)
    bobs = await sign_in(client, bob)

    answer = await caller.execute(EVERYWHERE)

    assert answer.data["signOutEverywhere"] == {"endedCount": 2, "errors": []}
    assert (await with_token(ports, schema, bobs["accessToken"])).viewer.id == bob.id
    assert await count(Session, Session.ended_at.is_(None)) == 1
    assert await told_to_end(count, ada) == 2


async def test_sessions_are_listed_and_one_can_be_ended(client, save, ports, schema):
    ada = await account(save, ports)
    first = await with_token(ports, schema, (await sign_in(client, ada))["accessToken"])
    second = await with_token(ports, schema, (await sign_in(client, ada))["accessToken"])

    listed = (await second.run(SESSIONS)).data["viewer"]["sessions"]["nodes"]
    await second.execute(REVOKE, sessionId=listed[1]["id"])
    left = (await second.run(SESSIONS)).data["viewer"]["sessions"]["nodes"]

    assert [one["isCurrent"] for one in listed] == [True, False]
    assert listed[0] | {"id": ""} == {"id": "", "isCurrent": True, "userAgent": "tests", "address": "127.0.0.1"}
    assert left == listed[:1]
    with pytest.raises(TokenRefused, match="TOKEN_REVOKED"):
        await with_token(ports, schema, ports.tokens.issue(ada.id, first.viewer.session_id)[0])


@pytest.mark.parametrize("role", [None, *list(Role)[1:]], ids=str)
async def test_nobody_ends_or_sees_the_session_of_another(client, save, ports, count, role):
    ada = await account(save, ports)
    await sign_in(client, ada)
    async with ports.database.reading() as session:
        of_ada = (await session.scalars(select(Session))).one()
    caller = make_user(role=role) if role else None
    if caller:
        await save(caller)

    answer = await client(caller).execute(REVOKE, sessionId=of_ada)
    node = await client(caller).run("query ($id: ID!) { node(id: $id) { id } }", id=of_ada)

    if caller is None:
        assert answer.error_codes == ["UNAUTHENTICATED"]
    else:
        assert answer.data["revokeSession"]["errors"] == [{"code": "NOT_FOUND", "path": ["sessionId"]}]
    assert node.data == {"node": None}
    assert await count(Session, Session.ended_at.is_(None)) == 1


@pytest.mark.parametrize("mutation", [SIGN_OUT, EVERYWHERE], ids=["signOut", "signOutEverywhere"])
async def test_a_guest_has_nothing_to_sign_out_of(client, save, ports, count, mutation):
    await sign_in(client, await account(save, ports))

    answer = await client().execute(mutation)

    assert answer.error_codes == ["UNAUTHENTICATED"]
    assert await count(Session, Session.ended_at.is_(None)) == 1


async def test_a_hundred_sessions_cost_as_many_statements_as_ten(client, save):
    ada = make_user()
    await save(ada)
    await save(*(Session(user_id=ada.id, expires_at=utcnow() + timedelta(days=1)) for _ in range(100)))

    ten = await client(ada).run(SESSIONS, first=10)
    hundred = await client(ada).run(SESSIONS, first=100)

    assert len(hundred.data["viewer"]["sessions"]["nodes"]) == 100
    assert len(ten.statements) == len(hundred.statements) == 1


async def test_the_viewer_costs_nothing_beyond_knowing_who_calls(client, save):
    ada = make_user(handle="ada", email="ada@example.org")
    await save(ada)

    answer = await client(ada).run(VIEWER)

    assert answer.data["viewer"] == {
        "user": {"handle": "ada"},
        "profile": {"handle": "ada"},
        "email": "ada@example.org",
        "isEmailVerified": True,
        "role": "USER",
        "permissions": [
            "CHAT_USE", "CLUB_CREATE", "CLUB_JOIN", "EVENT_CREATE", "REGISTER", "REVIEW_WRITE", "VENUE_CREATE",
        ],
        "locale": "en",
        "timeZone": "Europe/Moscow",
    }  # fmt: skip
    assert answer.statements == []


async def test_the_viewer_of_a_guest_is_null(client):
    assert (await client().run(VIEWER)).data == {"viewer": None}


async def test_tokens_that_are_expired_foreign_or_ended_are_told_apart(client, save, ports, settings):
    ada = await account(save, ports)
    token = (await sign_in(client, ada))["accessToken"]
    claims = ports.tokens.read(token)
    short = type(ports.tokens)(ports.tokens._keys, issuer=ports.tokens._issuer, lifetime=-1)
    foreign = type(ports.tokens)(ports.tokens._keys, issuer="https://elsewhere.example", lifetime=900)

    with pytest.raises(TokenRefused, match="TOKEN_EXPIRED"):
        ports.tokens.read(short.issue(claims.user_id, claims.session_id)[0])
    with pytest.raises(TokenRefused, match="TOKEN_INVALID"):
        ports.tokens.read(foreign.issue(claims.user_id, claims.session_id)[0])
    assert settings.access_token_lifetime == 900.0
    assert 895 <= (claims.expires_at - utcnow()).total_seconds() <= 900


async def test_both_logins_are_found_by_an_index(save, ports):
    await save(*(make_user() for _ in range(50)))
    async with ports.database.writing() as uow:
        await uow.session.execute(text("SET LOCAL enable_seqscan = off"))
        for column, index in (("handle", "uq_users_handle"), ("email", "uq_users_email")):
            plan = await uow.session.scalars(text(f"EXPLAIN SELECT id FROM users WHERE lower({column}) = 'ada'"))
            assert index in " ".join(plan)


async def told_to_end(count, user) -> int:
    """Events on the access stream of a user that open streams and sockets listen to.

    Not those that are still owed: an application that other tests have started may have delivered them.
    """
    return await count(OutboxEvent, OutboxEvent.name == "access.changed", OutboxEvent.stream == access_stream(user.id))


async def until_waiting(ports, number: int) -> None:
    """Until as many transactions of this database wait for a lock."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with asyncio.timeout(10):
        while True:
            async with ports.database.reading() as session:
                if await session.scalar(waiting) == number:
                    return
            await asyncio.sleep(0.01)


async def test_a_key_may_try_again_after_it_came_too_often(client, save, ports):
    ada = await account(save, ports)
    for _ in range(ports.settings.sign_in_attempts):
        await client().execute(SIGN_IN, login=ada.handle, password="wrong password")
    early = await client().execute(SIGN_IN, login=ada.handle, password=PASSWORD, idempotencyKey="sign-in-once-more")
    async with ports.database.writing() as uow:
        await uow.session.execute(delete(AttemptCount))

    late = await client().execute(SIGN_IN, login=ada.handle, password=PASSWORD, idempotencyKey="sign-in-once-more")

    assert codes(early, "signIn") == ["RATE_LIMITED"]
    assert codes(late, "signIn") == []
