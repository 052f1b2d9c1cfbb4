from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from database.rows import row_class
from models import (
    ChatKind,
    ChatMember,
    MembershipState,
    Message,
    Notification,
    NotificationType,
    OutboxEvent,
    Role,
    User,
)
from tests.api.chat.test_chats import CREATE, LEAVE, MARK_READ, a_group, fellows
from tests.clients import codes, gid
from tests.factories import (
    make_chat,
    make_member,
    make_message,
    make_user,
    now,
)

SEND = """
mutation ($input: SendMessageInput!) {
  sendMessage(input: $input) {
    message { id sequence body isOwn clientMessageId author { handle } chat { unreadCount } }
    errors { code path }
  }
}
"""
PAGE = """
query ($id: ID!, $first: Int, $after: String, $last: Int, $before: String) {
  chat(id: $id) {
    messages(first: $first, after: $after, last: $last, before: $before) {
      nodes { sequence author { handle } }
      pageInfo { startCursor endCursor hasNextPage hasPreviousPage }
      totalCount
    }
  }
}
"""


async def test_a_message_gets_the_next_number(client, save, count):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob)
    await client(bob).execute(SEND, chatId=chat, body="Hello", clientMessageId="b1")

    answer = await client(ada).execute(SEND, chatId=chat, body=" Hi ", clientMessageId="a1")

    message = answer.data["sendMessage"]["message"]
    assert answer.data["sendMessage"]["errors"] == []
    assert (message["sequence"], message["body"], message["isOwn"]) == (2, "Hi", True)
    assert (message["author"], message["clientMessageId"]) == ({"handle": ada.handle}, "a1")
    assert message["chat"] == {"unreadCount": 0}
    assert await count(OutboxEvent, OutboxEvent.name == "chat.message.sent", OutboxEvent.sequence == 2) == 1


async def test_one_client_message_id_gives_one_message_however_often_it_comes(client, save, count):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob)

    answers = await asyncio.gather(
        *(client(ada).execute(SEND, chatId=chat, body="Hello", clientMessageId="same") for _ in range(10))
    )
    other = await client(bob).execute(SEND, chatId=chat, body="Hello", clientMessageId="same")

    assert all(answer.data == answers[0].data for answer in answers)
    assert answers[0].data["sendMessage"]["message"]["sequence"] == 1
    assert other.data["sendMessage"]["message"]["sequence"] == 2
    assert await count(Message) == 2


async def test_numbers_have_no_holes_when_many_write_at_once(client, save, ports):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob)

    answers = await asyncio.gather(
        *(
            client(user).execute(SEND, chatId=chat, body="Hello", clientMessageId=str(number))
            for number in range(20)
            for user in (ada, bob)
        )
    )

    assert sorted(answer.data["sendMessage"]["message"]["sequence"] for answer in answers) == list(range(1, 41))


@pytest.mark.parametrize(
    ("body", "client_id", "expected"),
    [
        ("", "1", [("REQUIRED", ["body"])]),
        (" \n ", "1", [("REQUIRED", ["body"])]),
        ("x" * 10_001, "1", [("TOO_LONG", ["body"])]),
        ("x", "", [("TOO_SHORT", ["clientMessageId"])]),
        ("", "i" * 101, [("REQUIRED", ["body"]), ("TOO_LONG", ["clientMessageId"])]),
    ],
)
async def test_what_cannot_be_sent_is_named(client, save, count, body, client_id, expected):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob)

    answer = await client(ada).execute(SEND, chatId=chat, body=body, clientMessageId=client_id)

    assert [(error["code"], error["path"]) for error in answer.data["sendMessage"]["errors"]] == expected
    assert await count(Message) == 0


async def test_the_longest_message_is_kept_whole(client, save):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob)

    answer = await client(ada).execute(SEND, chatId=chat, body="ы" * 10_000, clientMessageId="1")

    assert answer.data["sendMessage"]["message"]["body"] == "ы" * 10_000


async def test_a_direct_chat_is_read_only_once_nothing_is_shared(client, save, ports, count):
    ada, bob = await fellows(save)
    made = await client(ada).execute(CREATE, kind="DIRECT", memberIds=[bob])
    chat_id = made.data["createChat"]["chat"]["id"]
    await client(ada).execute(SEND, chatId=chat_id, body="Hello", clientMessageId="1")
    await leave_clubs(ports, bob)

    refused = await client(ada).execute(SEND, chatId=chat_id, body="Still there?", clientMessageId="2")
    repeated = await client(ada).execute(SEND, chatId=chat_id, body="Hello", clientMessageId="1")
    read = await client(bob).run(PAGE, id=chat_id)

    assert refused.data["sendMessage"] == {"message": None, "errors": [{"code": "CHAT_READ_ONLY", "path": ["chatId"]}]}
    assert repeated.data["sendMessage"]["message"]["sequence"] == 1
    assert [node["sequence"] for node in read.data["chat"]["messages"]["nodes"]] == [1]
    assert await count(Message) == 1


async def leave_clubs(ports, user):
    from_everywhere = "UPDATE club_memberships SET state = :state WHERE user_id = :user"
    async with ports.database.writing() as uow:
        await uow.session.execute(text(from_everywhere), {"state": MembershipState.LEFT.value, "user": user.id})


async def test_pages_go_both_ways_and_stay_while_messages_arrive(client, save):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob, last_sequence=5)
    await save(*(make_message(chat, bob, sequence) for sequence in range(1, 6)))

    newest = (await client(ada).run(PAGE, id=chat, first=2)).data["chat"]["messages"]
    await client(bob).execute(SEND, chatId=chat, body="In between", clientMessageId="new")
    older = (await client(ada).run(PAGE, id=chat, first=2, after=newest["pageInfo"]["endCursor"])).data["chat"][
        "messages"
    ]
    newer = (await client(ada).run(PAGE, id=chat, last=9, before=newest["pageInfo"]["startCursor"])).data["chat"][
        "messages"
    ]
    oldest = (await client(ada).run(PAGE, id=chat, last=2)).data["chat"]["messages"]

    def numbers(page):
        return [node["sequence"] for node in page["nodes"]]

    assert [numbers(page) for page in (newest, older, newer, oldest)] == [[5, 4], [3, 2], [6], [2, 1]]
    assert (newest["pageInfo"]["hasNextPage"], older["totalCount"]) == (True, 6)


async def test_a_page_of_messages_costs_the_same_for_10_and_for_100(client, save):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob, last_sequence=100)
    await save(*(make_message(chat, bob, sequence) for sequence in range(1, 101)))

    answers = [await client(ada).run(PAGE, id=chat, first=first) for first in (10, 100)]

    assert [len(answer.data["chat"]["messages"]["nodes"]) for answer in answers] == [10, 100]
    assert len(answers[0].statements) == len(answers[1].statements) <= 4


async def test_a_member_sees_what_was_sent_since_joining(client, save):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, last_sequence=2)
    messages = [make_message(chat, ada, sequence) for sequence in (1, 2)]
    await save(*messages, make_member(chat, bob, joined_sequence=1, read_sequence=1))

    page = await client(bob).run(PAGE, id=chat)
    nodes = await client(bob).run("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=messages)

    assert [node["sequence"] for node in page.data["chat"]["messages"]["nodes"]] == [2]
    assert page.data["chat"]["messages"]["totalCount"] == 1
    assert nodes.data == {"nodes": [None, {"id": gid(messages[1])}]}


async def test_who_leaves_and_comes_back_starts_anew(client, save):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob)
    rejoin = "mutation ($input: RejoinChatInput!) { rejoinChat(input: $input) { errors { code } } }"
    await client(ada).execute(SEND, chatId=chat, body="1", clientMessageId="1")
    await client(bob).execute(LEAVE, chatId=chat)
    await client(ada).execute(SEND, chatId=chat, body="2", clientMessageId="2")
    await client(bob).execute(rejoin, chatId=chat)
    await client(ada).execute(SEND, chatId=chat, body="3", clientMessageId="3")

    page = await client(bob).run(PAGE, id=chat)

    assert [node["sequence"] for node in page.data["chat"]["messages"]["nodes"]] == [3]


async def test_reading_shows_in_a_direct_chat(client, save):
    ada, bob = await fellows(save)
    made = await client(ada).execute(CREATE, kind="DIRECT", memberIds=[bob])
    chat_id = made.data["createChat"]["chat"]["id"]
    document = "query ($id: ID!) { chat(id: $id) { messages { nodes { readByOther } } } }"
    first = await client(ada).execute(SEND, chatId=chat_id, body="1", clientMessageId="1")
    await client(ada).execute(SEND, chatId=chat_id, body="2", clientMessageId="2")

    await client(bob).execute(MARK_READ, chatId=chat_id, messageId=first.data["sendMessage"]["message"]["id"])
    seen = await client(ada).run(document, id=chat_id)

    assert [node["readByOther"] for node in seen.data["chat"]["messages"]["nodes"]] == [False, True]


async def test_a_client_id_is_shown_to_its_author_alone(client, save):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob, last_sequence=1)
    message = make_message(chat, ada, 1)
    await save(message)
    document = "query ($id: ID!) { node(id: $id) { ... on Message { clientMessageId isOwn } } }"

    answers = [await client(user).run(document, id=message) for user in (ada, bob)]

    assert [answer.data["node"] for answer in answers] == [
        {"clientMessageId": "message-1", "isOwn": True},
        {"clientMessageId": None, "isOwn": False},
    ]


async def test_who_is_away_is_told_once_until_they_look(client, save, count):
    ada, away, there, told = await fellows(save, 4)
    chat = await a_group(save, ada, away, told)
    await save(make_member(chat, there, watching_until=now() + timedelta(seconds=30)))
    of_away = (Notification.user_id == away.id, Notification.type == NotificationType.NEW_MESSAGE)

    for number in (1, 2):
        await client(ada).execute(SEND, chatId=chat, body="Hello", clientMessageId=str(number))
    before = await count(Notification, *of_away)
    await client(away).execute(MARK_READ, chatId=chat)
    await client(ada).execute(SEND, chatId=chat, body="Hello again", clientMessageId="3")

    assert before == 1
    assert await count(Notification, *of_away) == 2
    assert await count(Notification, *of_away, Notification.read_at.is_(None)) == 1
    assert await count(Notification, Notification.user_id == told.id) == 1
    assert await count(Notification, Notification.user_id.in_([ada.id, there.id])) == 0


async def test_a_watch_that_ran_out_counts_as_away(client, save, count):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada)
    await save(make_member(chat, bob, watching_until=now() - timedelta(seconds=1)))

    await client(ada).execute(SEND, chatId=chat, body="Hello", clientMessageId="1")

    assert await count(Notification, Notification.user_id == bob.id) == 1


COST_OF_SENDING = 1


async def test_sending_costs_the_same_for_10_members_and_for_100(client, save):
    counts = []
    for number in (10, 100):
        users = await fellows(save, number)
        chat = await a_group(save, *users)
        answer = await client(users[0]).execute(
            "mutation ($input: SendMessageInput!) { sendMessage(input: $input) { errors { code } } }",
            chatId=chat, body="Hello", clientMessageId="1",
        )  # fmt: skip
        assert codes(answer, "sendMessage") == []
        counts.append(len(answer.statements))

    assert counts == [COST_OF_SENDING, COST_OF_SENDING]


async def test_the_caller_is_known_as_they_were_read_for_this_request(client, save, ports):
    """So the author of one's message is not read again, unless the same operation has changed them."""
    [ada] = await fellows(save, 1)
    chat = await a_group(save, ada)
    [row] = await ports.database.fetch("SELECT * FROM users WHERE id = $1", [ada.id], row_class(User))
    send = """sendMessage(input: {chatId: "%s", body: "Hi", clientMessageId: "%s"}) {
      message { author { id displayName } }
    }"""
    rename = 'updateProfile(input: {displayName: "Countess"}) { errors { code } }'

    known = await client(row).run(f"mutation {{ a: {send % (gid(chat), 1)} }}")
    renamed = await client(row).run(f"mutation {{ {rename} b: {send % (gid(chat), 2)} }}")

    assert known.data["a"]["message"]["author"] == {"id": gid(ada), "displayName": ada.display_name}
    assert len(known.statements) == COST_OF_SENDING + (ports.settings.execution == "reference")
    assert renamed.data["b"]["message"]["author"]["displayName"] == "Countess"


@pytest.mark.parametrize("caller", ["guest", "stranger", "member", "left", "moderator", "admin"])
async def test_only_members_send(client, save, count, caller):
    chat = make_chat(kind=ChatKind.GROUP, title="Private")
    people = {
        "stranger": make_user(),
        "member": make_user(),
        "left": make_user(),
        "moderator": make_user(role=Role.MODERATOR),
        "admin": make_user(role=Role.ADMIN),
    }
    await save(chat, *people.values())
    await save(make_member(chat, people["member"]), make_member(chat, people["left"], left_at=now(), left_sequence=0))

    answer = await client(people.get(caller)).execute(SEND, chatId=chat, body="Hello", clientMessageId="1")

    if caller == "guest":
        assert answer.error_codes == ["UNAUTHENTICATED"]
    else:
        assert codes(answer, "sendMessage") == ([] if caller == "member" else ["NOT_FOUND"])
    assert await count(Message) == (caller == "member")
    assert await count(ChatMember, ChatMember.read_sequence == 1) == (caller == "member")


async def test_a_page_of_a_long_chat_stays_in_the_index(client, save, ports):
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob, last_sequence=20_000)
    fill = """INSERT INTO messages (id, chat_id, sequence, author_id, body, client_message_id)
      SELECT gen_random_uuid(), :chat, n, :author, 'x', n::text FROM generate_series(1, 20000) AS n"""
    async with ports.database.writing() as uow:
        await uow.session.execute(text(fill), {"chat": chat.id, "author": bob.id})
        await uow.session.execute(text("ANALYZE messages"))

    answer = await client(ada).run(PAGE.replace("totalCount", ""), id=chat, first=50)
    statement = next(one for one in answer.statements if "FROM messages" in one)
    for mark, value in {
        r"\$\d::UUID\[\]": f"ARRAY['{chat.id}']::uuid[]", r"\$\d::UUID": f"'{ada.id}'::uuid", r"\$\d::INTEGER": "51"
    }.items():  # fmt: skip
        statement = re.sub(mark, value, statement)
    async with ports.database.engine.connect() as connection:
        plan = "\n".join(row[0] for row in await connection.execute(text(f"EXPLAIN {statement}")))

    assert len(answer.data["chat"]["messages"]["nodes"]) == 50
    assert "uq_messages_chat_id_sequence" in plan
    assert "Seq Scan on messages" not in plan
