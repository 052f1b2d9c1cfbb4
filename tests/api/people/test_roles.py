from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from auth.permissions import PERMISSIONS
from auth.viewer import Viewer, viewer_of_session
from models import AuditEntry, EventRole, OutboxEvent, Role, User
from realtime.streams import access_stream
from tests.api.people.signing import account, sign_in, with_token
from tests.clients import codes
from tests.factories import (
    make_category,
    make_club,
    make_event,
    make_host,
    make_membership,
    make_user,
    make_venue,
)

ASSIGN = """
mutation ($input: AssignRoleInput!) { assignRole(input: $input) { user { handle } errors { code path } } }
"""
PERMITTED = "{ viewer { role permissions } }"


async def role_of(ports, user: User) -> Role:
    async with ports.database.reading() as session:
        return (await session.scalars(select(User.role).where(User.id == user.id))).one()


@pytest.mark.parametrize(
    ("caller", "outcome"),
    [
        ("signed-out", "UNAUTHENTICATED"),
        ("stranger", "FORBIDDEN"),
        ("member", "FORBIDDEN"),
        ("organiser", "FORBIDDEN"),
        ("volunteer", "FORBIDDEN"),
        ("moderator", "FORBIDDEN"),
        ("admin", "done"),
    ],
)
async def test_only_administrators_assign_roles(client, save, count, ports, caller, outcome):
    target, category, venue, club = make_user(), make_category(), make_venue(), make_club()
    roles = {"volunteer": Role.VOLUNTEER, "moderator": Role.MODERATOR, "admin": Role.ADMIN}
    someone = make_user(role=roles.get(caller, Role.USER))
    await save(target, someone, category, venue, club)
    if caller == "member":
        await save(make_membership(club, target), make_membership(club, someone))
    if caller == "organiser":
        event = make_event(someone, category, venue)
        await save(event)
        await save(make_host(event, someone, EventRole.ORGANIZER))

    answer = await client(None if caller == "signed-out" else someone).execute(ASSIGN, userId=target, role="VOLUNTEER")

    if outcome == "done":
        assert answer.data["assignRole"] == {"user": {"handle": target.handle}, "errors": []}
        assert await role_of(ports, target) is Role.VOLUNTEER
    else:
        assert (answer.error_codes, answer.data) == ([outcome], {"assignRole": None})
        assert await role_of(ports, target) is Role.USER
        assert await count(AuditEntry) == await count(OutboxEvent) == 0


async def test_an_assignment_leaves_a_trail_and_one_event(client, save, ports):
    admin, target = make_user(role=Role.ADMIN), make_user()
    await save(admin, target)

    await client(admin).execute(ASSIGN, userId=target, role="MODERATOR")
    await client(admin).execute(ASSIGN, userId=target, role="MODERATOR")

    async with ports.database.reading() as session:
        entry = (await session.scalars(select(AuditEntry))).one()
        told = (await session.scalars(select(OutboxEvent).where(OutboxEvent.name == "access.changed"))).one()
        event = (await session.scalars(select(OutboxEvent).where(OutboxEvent.id != told.id))).one()
    assert (entry.actor_id, entry.action, entry.subject_id) == (admin.id, "user.role.assign", target.id)
    assert (entry.before, entry.after) == ({"role": "USER"}, {"role": "MODERATOR"})
    assert (event.name, event.event_metadata) == ("user.updated", {"changed": ["role"]})
    assert told.stream == access_stream(target.id)


@pytest.mark.parametrize("other", [None, {"is_active": False}, {"role": Role.MODERATOR}], ids=str)
async def test_the_last_administrator_keeps_the_role(client, save, ports, count, other):
    admin = make_user(role=Role.ADMIN)
    await save(admin)
    if other:
        await save(make_user(**{"role": Role.ADMIN} | other))

    answer = await client(admin).execute(ASSIGN, userId=admin, role="USER")

    assert answer.data["assignRole"] == {"user": None, "errors": [{"code": "LAST_ADMINISTRATOR", "path": ["role"]}]}
    assert await role_of(ports, admin) is Role.ADMIN
    assert await count(AuditEntry) == 0


async def test_one_of_two_administrators_may_go(client, save, ports):
    admin, other = make_user(role=Role.ADMIN), make_user(role=Role.ADMIN)
    await save(admin, other)

    answer = await client(admin).execute(ASSIGN, userId=admin, role="USER")

    assert codes(answer, "assignRole") == []
    assert await role_of(ports, admin) is Role.USER


@pytest.mark.parametrize("aim", ["themselves", "each other"])
async def test_two_administrators_cannot_both_lose_the_role_at_once(client, save, ports, count, aim):
    for _ in range(5):
        ada, bob = make_user(role=Role.ADMIN), make_user(role=Role.ADMIN)
        await save(ada, bob)
        targets = (ada, bob) if aim == "themselves" else (bob, ada)

        answers = await asyncio.gather(
            client(ada).execute(ASSIGN, userId=targets[0], role="USER"),
            client(bob).execute(ASSIGN, userId=targets[1], role="USER"),
        )

        refused = [code for answer in answers for code in codes(answer, "assignRole")]
        assert refused == (["LAST_ADMINISTRATOR"] if aim == "themselves" else ["FORBIDDEN"])
        assert await count(User, User.role == Role.ADMIN) == 1
        left = ada if await role_of(ports, ada) is Role.ADMIN else bob
        await save(made := make_user(role=Role.ADMIN))
        assert codes(await client(left).execute(ASSIGN, userId=left, role="USER"), "assignRole") == []
        async with ports.database.writing() as uow:
            (await uow.session.get_one(User, made.id)).role = Role.USER


@pytest.mark.parametrize(
    ("user", "role", "expected"),
    [("missing", "USER", "NOT_FOUND"), ("inactive", "USER", "NOT_FOUND"), ("active", "GUEST", "INVALID")],
)
async def test_what_cannot_be_assigned(client, save, user, role, expected):
    admin, target = make_user(role=Role.ADMIN), make_user(is_active=user == "active")
    await save(admin)
    if user != "missing":
        await save(target)

    answer = await client(admin).execute(ASSIGN, userId=target, role=role)

    assert codes(answer, "assignRole") == [expected]


@pytest.mark.parametrize("role", list(Role)[1:], ids=lambda role: role.value)
async def test_the_viewers_permissions_are_those_of_the_table(client, save, role):
    user = make_user(role=role)
    await save(user)

    answer = await client(user).run(PERMITTED)

    expected = [permission.name for permission in sorted(PERMISSIONS[role], key=lambda one: one.value)]
    assert answer.data["viewer"] == {"role": role.value, "permissions": expected}


async def test_an_open_stream_ends_when_the_role_allows_less(client, save, ports, schema):
    ada = await account(save, ports)
    viewer: Viewer = (await with_token(ports, schema, (await sign_in(client, ada))["accessToken"])).viewer
    admin = make_user(role=Role.ADMIN)
    await save(admin)

    before = await ports.stream_access.still_stands(viewer)
    await client(admin).execute(ASSIGN, userId=ada, role="VOLUNTEER")
    with_more = await ports.stream_access.still_stands(viewer)
    volunteer = await viewer_of_session(
        ports.database, session_id=viewer.session_id, user_id=viewer.id, expires_at=viewer.expires_at
    )
    await client(admin).execute(ASSIGN, userId=ada, role="USER")

    assert (before, with_more) == (True, True)
    assert not await ports.stream_access.still_stands(volunteer)
