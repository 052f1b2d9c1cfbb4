"""What somebody may do is what they may do now: operations of a socket, and streams whose right is lost."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import update

import models
from models import Role
from tests.api.test_moderation import DECIDE, a_submission
from tests.clients import free_port, gid
from tests.factories import make_user
from tests.sockets import Failed, Socket
from tests.transport.conftest import RunningServer, serving

QUEUE = "{ moderationQueue { totalCount } }"
RENAME = 'mutation { updateProfile(input: { displayName: "Renamed" }) { user { displayName } errors { code } } }'
NO_TIME = 30.0
"""Seconds until a test gives up waiting. What it waits for takes a moment."""


@pytest.fixture(scope="module")
async def lonely_server(environment: dict[str, str]) -> AsyncIterator[RunningServer]:
    """A server that never finds its Redis."""
    async with serving(environment | {"REDIS_URL": f"redis://127.0.0.1:{free_port()}"}) as running:
        yield running


@pytest.fixture(params=["redis", "no redis"])
def any_server(request):
    return request.getfixturevalue("direct_server" if request.param == "redis" else "lonely_server")


async def set_role(ports, user, role):
    async with ports.database.writing() as uow:
        await uow.session.execute(update(models.User).where(models.User.id == user.id).values(role=role))


async def test_a_demoted_moderator_decides_no_more_by_an_open_socket(any_server, client, save, sign_in, ports, row):
    world, item = await a_submission(client, save, ports)
    moderator = world.user("moderator")

    async with Socket.connect(any_server.ws_url, await sign_in(moderator, saved=True)) as socket:
        before = await socket.run(QUEUE)
        await set_role(ports, moderator, Role.USER)
        with pytest.raises(Failed) as refused:
            await socket.run(DECIDE, {"input": {"itemId": gid(item), "decision": "APPROVE"}})

    assert before == {"moderationQueue": {"totalCount": 1}}
    assert refused.value.codes == ["FORBIDDEN"]
    assert (await row(models.ModerationItem, item.id)).state is models.ModerationState.PENDING


async def test_who_has_a_new_role_uses_it_at_once_on_an_open_socket(any_server, client, save, sign_in, ports):
    world, item = await a_submission(client, save, ports)
    member = world.user("member")

    async with Socket.connect(any_server.ws_url, await sign_in(member, saved=True)) as socket:
        with pytest.raises(Failed) as refused:
            await socket.run(QUEUE)
        await set_role(ports, member, Role.MODERATOR)
        decided = await socket.run(DECIDE, {"input": {"itemId": gid(item), "decision": "APPROVE"}})

    assert refused.value.codes == ["FORBIDDEN"]
    assert decided["decideModerationItem"]["item"]["state"] == "APPROVED"


@pytest.mark.parametrize("way", ["signed out", "deactivated"])
async def test_whose_session_has_ended_writes_no_more_by_an_open_socket(any_server, sign_in, ports, row, way):
    ada = make_user(display_name="Ada")
    token = await sign_in(ada)

    async with Socket.connect(any_server.ws_url, token) as socket:
        who = await socket.run("{ viewer { user { displayName } } }")
        async with ports.database.writing() as uow:
            if way == "signed out":
                await uow.session.execute(update(models.Session).values(ended_at=models.utcnow()))
            else:
                await uow.session.execute(update(models.User).values(is_active=False))
        with pytest.raises(Failed) as ended:
            await socket.run(RENAME)
        code = await socket.closed(NO_TIME)

    assert who == {"viewer": {"user": {"displayName": "Ada"}}}
    assert ended.value.errors[0]["extensions"] == {"code": "UNAUTHENTICATED", "reason": "TOKEN_REVOKED"}
    assert code == 4403
    assert (await row(models.User, ada.id)).display_name == "Ada"
