from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from models import (
    Chat,
    ChatKind,
    ChatMember,
    EventRole,
    MembershipState,
    Notification,
    NotificationType,
    OutboxEvent,
    Role,
)
from resolvers.chat.members import MOST_MEMBERS
from schema.core import ids
from tests.clients import codes, gid
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
    now,
)

CREATE = """
mutation ($input: CreateChatInput!) {
  createChat(input: $input) {
    chat { id kind title peer { handle } members { nodes { user { handle } } } }
    errors { code path }
  }
}
"""
ADD = """
mutation ($input: AddChatMembersInput!) {
  addChatMembers(input: $input) { chat { members { totalCount } } errors { code path } }
}
"""
LEAVE = """
mutation ($input: LeaveChatInput!) { leaveChat(input: $input) { chat { viewerMember { joinedAt } } errors { code } } }
"""
REJOIN = """
mutation ($input: RejoinChatInput!) {
  rejoinChat(input: $input) { chat { unreadCount messages { nodes { body } } } errors { code path } }
}
"""
MARK_READ = """
mutation ($input: MarkChatReadInput!) {
  markChatRead(input: $input) { chat { unreadCount viewerMember { readSequence } } errors { code path } }
}
"""
CHAT = "query ($id: ID!) { chat(id: $id) { kind unreadCount } }"
OWN_CHATS = """
query ($first: Int, $after: String) {
  viewer {
    chats(first: $first, after: $after) {
      nodes {
        id unreadCount lastMessage { body author { handle } } peer { handle } viewerMember { readSequence }
      }
      pageInfo { endCursor hasNextPage }
    }
  }
}
"""


async def fellows(save, number=2):
    """People who share a club."""
    club, users = make_club(), [make_user() for _ in range(number)]
    await save(club, *users)
    await save(*(make_membership(club, user) for user in users))
    return users


async def a_group(save, *users, **values):
    chat = make_chat(title="Friends", **values)
    await save(chat)
    await save(*(make_member(chat, user) for user in users))
    return chat


async def test_fellow_members_open_one_direct_chat(client, save, count):
    ada, bob = await fellows(save)

    first = await client(ada).execute(CREATE, kind="DIRECT", memberIds=[bob])
    second = await client(bob).execute(CREATE, kind="DIRECT", memberIds=[ada])

    chat = first.data["createChat"]["chat"]
    assert (chat["kind"], chat["title"], chat["peer"]) == ("DIRECT", None, {"handle": bob.handle})
    assert second.data["createChat"]["chat"]["id"] == chat["id"]
    assert second.data["createChat"]["chat"]["peer"] == {"handle": ada.handle}
    assert await count(Chat) == 1
    assert await count(ChatMember) == 2


async def test_a_direct_chat_that_both_open_at_once_is_one(client, save, count):
    ada, bob = await fellows(save)

    answers = await asyncio.gather(
        *(client(one).execute(CREATE, kind="DIRECT", memberIds=[other]) for one, other in [(ada, bob), (bob, ada)] * 5)
    )

    assert len({answer.data["createChat"]["chat"]["id"] for answer in answers}) == 1
    assert await count(Chat) == 1


async def test_who_comes_to_the_same_event_may_write(client, save):
    ada, bob, category, venue = make_user(), make_user(), make_category(), make_venue()
    event = make_event(ada, category, venue)
    await save(ada, bob, category, venue)
    await save(event)
    await save(make_host(event, ada, EventRole.STAFF), make_registration(event, bob))

    answer = await client(bob).execute(CREATE, kind="DIRECT", memberIds=[ada])
    back = await client(ada).execute(CREATE, kind="DIRECT", memberIds=[bob])

    assert codes(answer, "createChat") == codes(back, "createChat") == []


@pytest.mark.parametrize("state", [MembershipState.PENDING, MembershipState.LEFT, MembershipState.INVITED])
async def test_a_membership_that_is_not_active_opens_nothing(client, save, count, state):
    ada, bob, club = make_user(), make_user(), make_club()
    await save(ada, bob, club)
    await save(make_membership(club, ada), make_membership(club, bob, state=state))

    answer = await client(ada).execute(CREATE, kind="DIRECT", memberIds=[bob])

    assert codes(answer, "createChat") == ["CHAT_NOT_ALLOWED"]
    assert await count(Chat) == 0


async def test_strangers_and_people_who_do_not_exist_are_refused_alike(client, save):
    ada, stranger, nobody = make_user(), make_user(), make_user()
    gone = make_user(is_active=False)
    await save(ada, stranger, gone)

    answers = [await client(ada).execute(CREATE, kind="DIRECT", memberIds=[one]) for one in (stranger, nobody, gone)]

    assert [answer.data["createChat"]["errors"] for answer in answers] == [
        [{"code": "CHAT_NOT_ALLOWED", "path": ["memberIds", "0"]}]
    ] * 3


async def test_a_direct_chat_has_two_people_and_no_title(client, save):
    ada, bob, cleo = await fellows(save, 3)

    alone = await client(ada).execute(CREATE, kind="DIRECT", memberIds=[ada])
    crowd = await client(ada).execute(CREATE, kind="DIRECT", memberIds=[bob, cleo], title="We")

    assert codes(alone, "createChat") == ["INVALID"]
    assert [error["path"] for error in crowd.data["createChat"]["errors"]] == [["title"], ["memberIds"]]


async def test_a_group_has_a_title_and_its_maker(client, save):
    ada, bob, cleo = await fellows(save, 3)

    answer = await client(ada).execute(CREATE, kind="GROUP", memberIds=[bob, cleo], title="  Hikers ")
    untitled = await client(ada).execute(CREATE, kind="GROUP", memberIds=[bob])

    chat = answer.data["createChat"]["chat"]
    assert (chat["kind"], chat["title"], chat["peer"]) == ("GROUP", "Hikers", None)
    assert {one["user"]["handle"] for one in chat["members"]["nodes"]} == {ada.handle, bob.handle, cleo.handle}
    assert untitled.data["createChat"]["errors"] == [{"code": "REQUIRED", "path": ["title"]}]


async def test_a_group_names_whom_it_may_not_take(client, save, count):
    ada, bob = await fellows(save)
    stranger = make_user()
    await save(stranger)

    answer = await client(ada).execute(CREATE, kind="GROUP", memberIds=[bob, stranger], title="Hikers")

    assert answer.data["createChat"]["errors"] == [{"code": "CHAT_NOT_ALLOWED", "path": ["memberIds", "1"]}]
    assert await count(Chat) == 0


async def test_a_group_has_at_most_200_members(client, save, count):
    users = await fellows(save, 202)
    ada = users[0]

    too_many = await client(ada).execute(CREATE, kind="GROUP", memberIds=users[1:201], title="Crowd")
    full = await client(ada).execute(CREATE, kind="GROUP", memberIds=users[1:200], title="Crowd")
    one_more = await client(ada).execute(ADD, chatId=full.data["createChat"]["chat"]["id"], memberIds=[users[200]])

    assert codes(too_many, "createChat") == ["INVALID"]
    assert codes(full, "createChat") == []
    assert codes(one_more, "addChatMembers") == ["INVALID"]
    assert await count(ChatMember) == 200


async def test_a_member_invites_fellows_and_may_leave(client, save):
    ada, bob, cleo = await fellows(save, 3)
    chat = await a_group(save, ada, bob)

    added = await client(bob).execute(ADD, chatId=chat, memberIds=[cleo, ada])
    left = await client(bob).execute(LEAVE, chatId=chat)
    seen = await client(bob).run(CHAT, id=chat)

    assert added.data["addChatMembers"] == {"chat": {"members": {"totalCount": 3}}, "errors": []}
    assert left.data["leaveChat"] == {"chat": {"viewerMember": None}, "errors": []}
    assert seen.data == {"chat": None}


async def test_who_has_left_a_group_comes_back_by_themself_alone(client, save, count):
    ada, bob, cleo = await fellows(save, 3)
    chat = await a_group(save, ada, bob, last_sequence=1)
    await save(make_message(chat, ada, 1))
    await client(bob).execute(LEAVE, chatId=chat)

    added = await client(ada).execute(ADD, chatId=chat, memberIds=[cleo, bob])
    present = await count(ChatMember, ChatMember.left_at.is_(None))
    back = await client(bob).execute(REJOIN, chatId=chat)
    again = await client(bob).execute(REJOIN, chatId=chat)

    assert added.data["addChatMembers"]["errors"] == [{"code": "LEFT_CHAT", "path": ["memberIds", "1"]}]
    assert present == 1
    assert back.data["rejoinChat"] == {"chat": {"unreadCount": 0, "messages": {"nodes": []}}, "errors": []}
    assert again.data == back.data


@pytest.mark.parametrize("who", ["signed-out", "stranger", "club member who left", "no room"])
async def test_who_does_not_come_back_to_a_chat(client, save, count, who):
    ada, bob, club = make_user(), make_user(), make_club()
    others = [make_user() for _ in range(MOST_MEMBERS if who == "no room" else 1)]
    await save(ada, bob, club, *others)
    kind = {"kind": ChatKind.CLUB, "club": club} if who.startswith("club") else {}
    chat = make_chat(**kind)
    await save(chat)
    if who in ("club member who left", "no room"):
        await save(make_member(chat, ada, left_at=now(), left_sequence=0))
    await save(*(make_member(chat, other) for other in others))

    answer = await client(None if who == "signed-out" else ada).execute(REJOIN, chatId=chat)

    refusals = {"signed-out": "UNAUTHENTICATED", "no room": "INVALID"}
    assert (answer.error_codes or codes(answer, "rejoinChat")) == [refusals.get(who, "NOT_FOUND")]
    assert await count(ChatMember, ChatMember.left_at.is_(None)) == len(others)


@pytest.mark.parametrize("kind", [ChatKind.DIRECT, ChatKind.CLUB, ChatKind.EVENT])
async def test_members_of_other_chats_follow_their_owner(client, save, count, kind):
    ada, bob, club, category, venue = make_user(), make_user(), make_club(), make_category(), make_venue()
    event = make_event(ada, category, venue)
    await save(ada, bob, club, category, venue)
    await save(event, make_membership(club, ada), make_membership(club, bob))
    owner = {ChatKind.DIRECT: {"direct_key": "k"}, ChatKind.CLUB: {"club": club}, ChatKind.EVENT: {"event": event}}
    chat = make_chat(kind=kind, **owner[kind])
    await save(chat)
    await save(make_member(chat, ada))

    left = await client(ada).execute(LEAVE, chatId=chat)
    added = await client(ada).execute(ADD, chatId=chat, memberIds=[bob])

    assert codes(left, "leaveChat") == codes(added, "addChatMembers") == ["CHAT_NOT_ALLOWED"]
    assert await count(ChatMember, ChatMember.left_at.is_(None)) == 1


async def test_reading_moves_the_marker_forward_only(client, save):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob, last_sequence=3)
    messages = [make_message(chat, bob, sequence) for sequence in (1, 2, 3)]
    await save(*messages)

    forward = await client(ada).execute(MARK_READ, chatId=chat, messageId=messages[1])
    back = await client(ada).execute(MARK_READ, chatId=chat, messageId=messages[0])
    everything = await client(ada).execute(MARK_READ, chatId=chat)

    states = [answer.data["markChatRead"]["chat"] for answer in (forward, back, everything)]
    assert [(one["unreadCount"], one["viewerMember"]["readSequence"]) for one in states] == [(1, 2), (1, 2), (0, 3)]


async def test_reading_a_chat_settles_its_notice_alone_and_once(client, save, ports, count):
    ada, bob = await fellows(save)
    chat, other = await a_group(save, ada, bob, last_sequence=1), await a_group(save, ada, bob, last_sequence=1)
    await save(make_message(chat, bob, 1))
    await save(
        *(
            make_notification(ada, number, type=NotificationType.NEW_MESSAGE, subject_type="Chat", subject_id=one.id)
            for number, one in enumerate((chat, other), start=1)
        )
    )

    first = await client(ada).execute(MARK_READ, chatId=chat)
    again = await client(ada).execute(MARK_READ, chatId=chat)

    # The one that writes knows what the payload asks for.
    read_again = 0 if ports.settings.execution == "engine" else 2
    assert (len(first.statements), len(again.statements)) == (1 + read_again, 1 + read_again)
    assert await count(Notification, Notification.read_at.is_not(None), Notification.subject_id == chat.id) == 1
    assert await count(Notification, Notification.read_at.is_(None), Notification.subject_id == other.id) == 1
    assert await count(OutboxEvent, OutboxEvent.name == "notification.read") == 1
    assert await count(OutboxEvent, OutboxEvent.name == "inbox.read") == 1


async def test_a_marker_needs_a_message_that_one_may_see(client, save):
    ada, bob = await fellows(save)
    chat, elsewhere = await a_group(save, ada, bob, last_sequence=1), await a_group(save, bob, last_sequence=1)
    message = make_message(elsewhere, bob, 1)
    await save(message)

    answer = await client(ada).execute(MARK_READ, chatId=chat, messageId=message)

    assert answer.data["markChatRead"] == {"chat": None, "errors": [{"code": "NOT_FOUND", "path": ["messageId"]}]}


async def test_own_chats_come_by_their_last_message_page_by_page(client, save):
    ada, bob = await fellows(save)
    times = [now() - timedelta(minutes=minutes) for minutes in (3, 1, 2, 1)]
    chats = [await a_group(save, ada, bob, last_message_at=time) for time in times]
    await a_group(save, bob)

    found, after = [], None
    while True:
        page = (await client(ada).run(OWN_CHATS, first=1, after=after)).data["viewer"]["chats"]
        found += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break

    assert found == [gid(chats[index]) for index in (3, 1, 2, 0)]


MANY_CHATS = """
INSERT INTO chats (id, kind, title, last_sequence, last_message_at)
SELECT gen_random_uuid(), 'GROUP', n::text, 1, now() - random() * interval '1 day' FROM generate_series(1, 4200) AS n;
INSERT INTO chat_members (chat_id, user_id, joined_sequence, read_sequence)
SELECT id, '{member}', 0, title::int % 2 FROM chats WHERE title::int % 3 = 0;
UPDATE chats SET last_message_at = last_message_at - interval '9 days' WHERE title::int <= 900;
ANALYZE chats, chat_members
"""
ITEMS_READ = "SELECT sum(pg_stat_get_xact_tuples_returned(oid))::int FROM pg_class WHERE relname IN ({})"


async def test_who_is_in_very_many_chats_pages_through_them_alike(client, save, ports):
    """Where their chats are among those of lately, these are walked; at the end all of theirs are looked at."""
    ada = make_user()
    await save(ada)
    async with ports.database.engine.begin() as connection:
        for statement in MANY_CHATS.format(member=ada.id).split(";"):
            await connection.execute(text(statement))
        own = (
            "SELECT id, read_sequence FROM chats, chat_members WHERE chat_id = id ORDER BY last_message_at DESC, 1 DESC"
        )
        rows = (await connection.execute(text(own))).all()
    asked = """query ($first: Int, $after: String, $last: Int, $before: String, $unread: Boolean!) { viewer { chats(
        first: $first, after: $after, last: $last, before: $before, filter: {unreadOnly: $unread}
    ) { totalCount nodes { id } pageInfo { endCursor startCursor hasNextPage hasPreviousPage } } } }"""

    async def walked(unread, size, bound, more, cursor):
        found, going = [], {}
        while True:
            page = (await client(ada).run(asked, unread=unread, **{size: 100}, **going)).data["viewer"]["chats"]
            nodes = [node["id"] for node in page["nodes"]]
            found += nodes if size == "first" else nodes[::-1]
            going = {bound: page["pageInfo"][cursor]}
            if not page["pageInfo"][more]:
                return found, page["totalCount"]

    for unread in (False, True):
        expected = [ids.encode("Chat", row.id) for row in rows if not (unread and row.read_sequence)]
        forward = await walked(unread, "first", "after", "hasNextPage", "endCursor")
        backward = await walked(unread, "last", "before", "hasPreviousPage", "startCursor")
        assert forward == (expected, len(expected))
        assert backward == (expected[::-1], len(expected))

    async with ports.database.engine.begin() as connection:
        items = text(ITEMS_READ.format("'chats', 'ix_chats_last_message_at_id'"))
        before = await connection.scalar(items)
        await connection.execute(text("SELECT latest_chats(:own, NULL, false, NULL, NULL, false, 21)"), {"own": ada.id})
        assert await connection.scalar(items) - before < 300


async def test_the_list_of_chats_costs_the_same_for_10_and_for_100(client, save):
    ada, bob = await fellows(save)
    counts = []
    for number in (10, 90):
        for _ in range(number):
            chat = await a_group(save, ada, bob, last_sequence=2)
            await save(make_message(chat, bob, 1), make_message(chat, bob, 2, body="Newest"))
        answer = await client(ada).run(OWN_CHATS, first=100)
        nodes = answer.data["viewer"]["chats"]["nodes"]
        counts.append((len(nodes), len(answer.statements)))
        assert all(node["unreadCount"] == 2 and node["lastMessage"]["body"] == "Newest" for node in nodes)

    assert [rows for rows, _ in counts] == [10, 100]
    assert counts[0][1] == counts[1][1] <= 6


async def test_the_chat_of_an_event_or_club_is_shown_to_its_members_only(client, save):
    ada, bob, club, category, venue = make_user(), make_user(), make_club(), make_category(), make_venue()
    event = make_event(ada, category, venue, title="Walk")
    await save(ada, bob, club, category, venue)
    await save(event)
    of_event, of_club = make_chat(kind=ChatKind.EVENT, event=event), make_chat(kind=ChatKind.CLUB, club=club)
    await save(of_event, of_club)
    await save(make_member(of_event, ada), make_member(of_club, ada))
    document = """query ($event: ID!, $club: ID!) {
      event(id: $event) { chat { id event { title } } } club(id: $club) { chat { id club { name } } } }"""

    answers = [await client(user).run(document, event=event, club=club) for user in (ada, bob, None)]

    assert answers[0].data == {
        "event": {"chat": {"id": gid(of_event), "event": {"title": "Walk"}}},
        "club": {"chat": {"id": gid(of_club), "club": {"name": club.name}}},
    }
    assert [answer.data for answer in answers[1:]] == [{"event": {"chat": None}, "club": {"chat": None}}] * 2


async def test_looking_for_a_direct_chat_makes_none(client, save, count):
    ada, bob = await fellows(save)
    document = "query ($id: ID!) { directChat(userId: $id) { id } }"

    before = await client(ada).run(document, id=bob)
    made = await client(ada).execute(CREATE, kind="DIRECT", memberIds=[bob])
    after = await client(bob).run(document, id=ada)

    assert before.data == {"directChat": None}
    assert after.data == {"directChat": {"id": made.data["createChat"]["chat"]["id"]}}
    assert await count(Chat) == 1


CALLERS = ["guest", "stranger", "member", "left", "moderator", "admin"]


async def a_cast(save, chat):
    people = {
        "stranger": make_user(),
        "member": make_user(),
        "left": make_user(),
        "moderator": make_user(role=Role.MODERATOR),
        "admin": make_user(role=Role.ADMIN),
    }
    await save(*people.values())
    await save(make_member(chat, people["member"]), make_member(chat, people["left"], left_at=now(), left_sequence=0))
    return {"guest": None, **people}


@pytest.mark.parametrize("caller", CALLERS)
async def test_a_chat_is_for_its_members_alone(client, save, count, caller):
    chat = make_chat(title="Private", last_sequence=1)
    await save(chat)
    viewer = (await a_cast(save, chat))[caller]
    author = make_user()
    await save(author)
    await save(make_message(chat, author, 1), make_member(chat, author))
    members = await count(ChatMember, ChatMember.left_at.is_(None))

    seen = await client(viewer).run(CHAT, id=chat)
    node = await client(viewer).run("query ($id: ID!) { node(id: $id) { id } }", id=chat)
    added = await client(viewer).execute(ADD, chatId=chat, memberIds=[])
    marked = await client(viewer).execute(MARK_READ, chatId=chat)
    left = await client(viewer).execute(LEAVE, chatId=chat)

    assert node.data == {"node": {"id": gid(chat)} if caller == "member" else None}
    if caller == "guest":
        assert [answer.error_codes for answer in (seen, added, marked, left)] == [["UNAUTHENTICATED"]] * 4
    elif caller == "member":
        assert seen.data == {"chat": {"kind": "GROUP", "unreadCount": 1}}
        assert codes(added, "addChatMembers") == codes(marked, "markChatRead") == codes(left, "leaveChat") == []
    else:
        assert seen.data == {"chat": None}
        refused = [codes(added, "addChatMembers"), codes(marked, "markChatRead"), codes(left, "leaveChat")]
        assert refused == [["NOT_FOUND"]] * 3
    assert await count(ChatMember, ChatMember.left_at.is_(None)) == members - (caller == "member")
    assert await count(ChatMember, ChatMember.read_sequence > 0) == (caller == "member")


@pytest.mark.parametrize("caller", ["guest", "stranger", "fellow", "moderator", "admin"])
async def test_no_role_opens_a_chat_with_a_stranger(client, save, count, caller):
    ada, fellow = await fellows(save)
    people = {
        "guest": None,
        "stranger": make_user(),
        "fellow": fellow,
        "moderator": make_user(role=Role.MODERATOR),
        "admin": make_user(role=Role.ADMIN),
    }
    await save(*(people[name] for name in ("stranger", "moderator", "admin")))

    answer = await client(people[caller]).execute(CREATE, kind="DIRECT", memberIds=[ada])

    if caller == "guest":
        assert answer.error_codes == ["UNAUTHENTICATED"]
    else:
        assert codes(answer, "createChat") == ([] if caller == "fellow" else ["CHAT_NOT_ALLOWED"])
    assert await count(Chat) == (caller == "fellow")
