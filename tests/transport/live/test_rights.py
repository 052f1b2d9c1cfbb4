"""What somebody may do is what they may do now: operations of a socket, and streams whose right is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import delete, update

import models
from models import Admission, ClubRole, ClubVisibility, EventStatus, EventVisibility, MembershipState, Role, StreamEvent
from realtime import cursors
from realtime.streams import availability_stream, chat_stream, inbox_stream
from realtime.tasks import end
from schema.core import ids
from tests.api.moderation.test_queue import DECIDE, a_submission
from tests.clients import NO_TLS, free_port, gid
from tests.factories import (
    make_category,
    make_chat,
    make_club,
    make_event,
    make_host,
    make_member,
    make_membership,
    make_message,
    make_notification,
    make_registration,
    make_user,
    make_venue,
)
from tests.sockets import Failed, Socket
from tests.transport.conftest import RunningServer, metric, serving, until
from tests.transport.live.test_sse import events

QUEUE = "{ moderationQueue { totalCount } }"
RENAME = 'mutation { updateProfile(input: { displayName: "Renamed" }) { user { displayName } errors { code } } }'
PATIENCE = 30.0
"""Seconds until a test gives up waiting. What it waits for takes a moment."""


@pytest.fixture(scope="module")
async def lonely_server(environment: dict[str, str]) -> AsyncIterator[RunningServer]:
    """A server that never finds its Redis."""
    # Its relay is no help to the other server's: what it takes it cannot deliver.
    apart = {"REDIS_URL": f"redis://127.0.0.1:{free_port()}", "RELAY_INTERVAL": "3600"}
    async with serving(environment | apart) as running:
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
        code = await socket.closed(PATIENCE)

    assert who == {"viewer": {"user": {"displayName": "Ada"}}}
    assert ended.value.errors[0]["extensions"] == {"code": "UNAUTHENTICATED", "reason": "TOKEN_REVOKED"}
    assert code == 4403
    assert (await row(models.User, ada.id)).display_name == "Ada"


async def test_many_who_begin_to_follow_at_once_wait_for_no_turns_to_be_looked_up(environment, sign_in, ports):
    few = {"RUNNING_OPERATIONS": "1", "WAITING_OPERATIONS": "1"}
    token = await sign_in()

    async with serving(environment | few) as server, AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(Socket.connect(server.ws_url, token)) for _ in range(5)]
        streams = [await socket.subscribe(UNREAD) for socket in sockets for _ in range(3)]
        found = [await stream.next(PATIENCE) for stream in streams]

    assert found == [{"notificationsRead": {"unreadCount": 0}}] * 15


# Streams whose right is lost


@dataclass(frozen=True, kw_only=True)
class Grown(StreamEvent):
    """An entry of whatever stream."""

    name: ClassVar[str] = "test.grown"
    subject_type: ClassVar[str] = "Test"


@dataclass(frozen=True)
class Case:
    """A stream with one entry that its reader has read, and a statement that changes what the reader may see."""

    document: str
    owner: UUID
    reader: models.User | None
    change: Any
    expected: str
    channel: str
    grow: Any
    """What makes the stream's next entry, after the change; null where it has none any more."""

    @property
    def variables(self) -> dict[str, str]:
        return {"after": cursors.encode(self.owner, 0)} | ({"id": self.id} if "$id" in self.document else {})

    @property
    def id(self) -> str:
        return ids.encode("Event" if self.document is PLACES else "Chat", self.owner)


PLACES = """
subscription ($id: ID!, $after: String) {
  availabilityChanged(eventId: $id, after: $after) { ... on AvailabilityChange { taken } }
}
"""
SENT = """
subscription ($id: ID!, $after: String) {
  messageSent(chatId: $id, after: $after) { ... on MessageSent { message { sequence } } }
}
"""
NOTICES = """
subscription ($after: String) { notificationReceived(after: $after) { ... on Notification { id } } }
"""
UNREAD = "subscription { notificationsRead { unreadCount } }"
ENDS, IS_OVER, GOES_ON = "FORBIDDEN", "TOKEN_REVOKED", "goes on"


class Cases:
    """One world with a stream for each case, so that one run of the server serves them all."""

    def __init__(self) -> None:
        self.rows: list[Any] = []
        self.later: list[Any] = []
        """Rows that refer to the others."""
        self.found: dict[str, Case] = {}
        self.author, self.category, self.venue = make_user(), make_category(), make_venue()
        self.rows += [self.author, self.category, self.venue]

    def user(self, **values: Any) -> models.User:
        self.rows.append(user := make_user(**values))
        return user

    def club(self) -> models.Club:
        self.rows.append(club := make_club())
        return club

    def event(self, club: models.Club | None = None, **values: Any) -> models.Event:
        own = {"availability_sequence": 1, "club_id": club and club.id}
        event = make_event(self.author, self.category, self.venue, **(own | values))
        self.later += [event, models.AvailabilityChange(event_id=event.id, sequence=1, taken=1, services=[])]
        return event

    def at_event(
        self, name: str, event: models.Event, reader: Any, change: Any, expected: str = ENDS, *, grows: bool = True
    ) -> None:
        async def grow(uow: Any) -> None:
            uow.session.add(models.AvailabilityChange(event_id=event.id, sequence=2, taken=2, services=[]))

        channel = availability_stream(event.id)
        self.found[name] = Case(PLACES, event.id, reader, change, expected, channel, grow if grows else None)

    def in_chat(self, name: str, change: Any, expected: str = ENDS, *, grows: bool = True) -> None:
        chat, reader = make_chat(last_sequence=1), self.user()
        self.rows.append(chat)
        self.later += [make_member(chat, reader), make_member(chat, self.author), make_message(chat, self.author, 1)]

        async def grow(uow: Any) -> None:
            uow.session.add(make_message(chat, self.author, 2))

        channel = chat_stream(chat.id)
        self.found[name] = Case(SENT, chat.id, reader, change(chat, reader), expected, channel, grow if grows else None)

    def in_inbox(self, name: str, document: str, change: Any) -> None:
        reader = self.user()
        self.later += [models.Inbox(user_id=reader.id, last_sequence=1), make_notification(reader, 1)]

        async def grow(uow: Any) -> None:
            uow.session.add(make_notification(reader, 2))

        channel = inbox_stream(reader.id)
        self.found[name] = Case(document, reader.id, reader, change(reader), IS_OVER, channel, grow)


def changed(row: Any, **values: Any) -> Any:
    return update(type(row)).where(type(row).id == row.id).values(**values)


def signed_out(user: models.User) -> Any:
    return update(models.Session).where(models.Session.user_id == user.id).values(ended_at=models.utcnow())


def deactivated(user: models.User) -> Any:
    return changed(user, is_active=False)


def all_cases() -> Cases:
    cases = Cases()
    for who, reader in (("a stranger", cases.user()), ("a guest", None)):
        event = cases.event(cases.club())
        cases.at_event(f"an event for members, {who}", event, reader, changed(event, visibility=EventVisibility.CLUB))
        event = cases.event(club := cases.club())
        cases.at_event(f"a private club, {who}", event, reader, changed(club, visibility=ClubVisibility.PRIVATE))
    event, draft = cases.event(), {"status": EventStatus.DRAFT, "published_at": None}
    cases.at_event("an event that was taken back", event, cases.user(), changed(event, **draft))
    event = cases.event()
    cases.at_event(
        "a deleted event", event, cases.user(), changed(event, status=EventStatus.ARCHIVED, deleted_at=models.utcnow())
    )
    event = cases.event()
    gone = delete(models.Event).where(models.Event.id == event.id)
    cases.at_event("an event that is gone", event, cases.user(), gone, grows=False)

    event, reader = cases.event(club := cases.club(), visibility=EventVisibility.CLUB), cases.user()
    cases.later.append(membership := make_membership(club, reader))
    cases.at_event("put out of the club", event, reader, changed(membership, state=MembershipState.BANNED))
    event, reader = cases.event(club := cases.club(), **draft), cases.user()
    cases.later.append(membership := make_membership(club, reader, role=ClubRole.ADMIN))
    cases.at_event("a lesser role in the club", event, reader, changed(membership, role=ClubRole.MEMBER))
    event, reader = cases.event(cases.club(), visibility=EventVisibility.CLUB), cases.user()
    cases.later.append(registration := make_registration(event, reader))
    cases.at_event("put out of the event", event, reader, changed(registration, admission=Admission.REJECTED))
    event, reader = cases.event(**draft), cases.user()
    cases.later.append(make_host(event, reader))
    is_host = (models.EventHost.event_id == event.id, models.EventHost.user_id == reader.id)
    cases.at_event("a host no more", event, reader, delete(models.EventHost).where(*is_host))
    event, reader = cases.event(**draft), cases.user(role=Role.MODERATOR)
    cases.at_event("a moderator no more", event, reader, changed(reader, role=Role.USER))

    def left(chat: models.Chat, reader: models.User) -> Any:
        of_reader = (models.ChatMember.chat_id == chat.id, models.ChatMember.user_id == reader.id)
        return update(models.ChatMember).where(*of_reader).values(left_at=models.utcnow(), left_sequence=1)

    cases.in_chat("put out of the chat", left)
    gone_chat = lambda chat, _: delete(models.Chat).where(models.Chat.id == chat.id)  # noqa: E731  # a line of a table
    cases.in_chat("a chat that is gone", gone_chat, grows=False)

    for how, change in (("signed out", signed_out), ("deactivated", deactivated)):
        reader = cases.user()
        cases.at_event(f"{how}, places", cases.event(), reader, change(reader), IS_OVER)
        cases.in_chat(f"{how}, messages", lambda _, reader, change=change: change(reader), IS_OVER)
        cases.in_inbox(f"{how}, notices", NOTICES, change)
        cases.in_inbox(f"{how}, unread", UNREAD, change)

    reader = cases.user()
    cases.at_event("a better role", cases.event(), reader, changed(reader, role=Role.MODERATOR), GOES_ON)
    for name, value in (("visibility", EventVisibility.UNLISTED), ("status", EventStatus.CANCELLED)):
        event = cases.event()
        cases.at_event(f"{value.name} by a link", event, cases.user(), changed(event, **{name: value}), GOES_ON)
    return cases


async def over_socket(server, case, token, begun) -> str:
    async with Socket.connect(server.ws_url, token) as socket:
        stream = await socket.subscribe(case.document, case.variables)
        begun.append(await stream.next(PATIENCE))
        message = await stream.message(PATIENCE)
    return GOES_ON if message["type"] == "next" else told(message["payload"])


async def over_events(server, case, token, begun) -> str:
    headers = {"Accept": "text/event-stream"} | ({"Authorization": f"Bearer {token}"} if token else {})
    request = {"query": case.document, "variables": case.variables}
    async with (
        asyncio.timeout(2 * PATIENCE),
        httpx2.AsyncClient(base_url=server.url, timeout=PATIENCE, verify=NO_TLS) as http,
        http.stream("POST", "/graphql/stream", json=request, headers=headers) as response,
    ):
        found = events(response)
        begun.append(await anext(found))
        _, result = await anext(found)
    return told(result["errors"]) if "errors" in result else GOES_ON


def told(errors) -> str:
    return errors[0]["extensions"].get("reason") or errors[0]["extensions"]["code"]


async def change_all(ports, cases, *, has_redis) -> None:
    """Take the rights away, each in a transaction of its own, and let the stream grow after that.

    The end of a session and an entry of an open stream may come in any order to who has only just begun to listen.
    """
    for case in cases:
        async with ports.database.writing() as uow:
            await uow.session.execute(case.change)
        if case.grow is not None and (case.expected != IS_OVER or not has_redis):
            async with ports.database.writing() as uow:
                await case.grow(uow)
                uow.record(Grown(subject_id=case.owner, stream=case.channel, sequence=2))


@pytest.mark.parametrize("follow", [over_socket, over_events])
async def test_a_stream_ends_with_the_right_to_it(any_server, follow, save, sign_in, ports):
    """Whatever takes the right away; and nothing that comes afterwards is shown. What goes on goes on."""
    cases = all_cases()
    await save(*cases.rows)
    await save(*cases.later)
    has_redis = any_server.settings.redis_url == ports.settings.redis_url
    # Without Redis nothing comes any more, so nobody can be seen to go on.
    chosen = {name: case for name, case in cases.found.items() if has_redis or case.expected != GOES_ON}
    begun: list[Any] = []
    following = {}

    async def all_have_begun() -> bool:
        return len(begun) == len(following) or any(task.done() for task in following.values())

    # One after the other: one address may not open so many sockets at once.
    for name, case in chosen.items():
        token = case.reader and await sign_in(case.reader, saved=True)
        following[name] = asyncio.create_task(follow(any_server, case, token, begun))
        await until(all_have_begun, PATIENCE)

    try:
        await change_all(ports, list(chosen.values()), has_redis=has_redis)
        found = dict(zip(following, await asyncio.gather(*following.values()), strict=True))
    finally:
        await end(following.values())

    async def nobody_is_counted() -> bool:
        name = {over_socket: "websocket", over_events: "sse"}[follow]
        async with httpx2.AsyncClient(base_url=any_server.url, timeout=PATIENCE, verify=NO_TLS) as http:
            return await metric(http, f'wingding_subscriptions{{transport="{name}"}}') == 0

    assert found == {name: case.expected for name, case in chosen.items()}
    assert await until(nobody_is_counted)
