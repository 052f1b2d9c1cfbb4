"""Chats of each kind and their messages."""

from __future__ import annotations

from typing import Any

from models import ChatKind
from resolvers.chat.members import direct_key
from tests.api.core.viewer_can_stage import DELETED, GUEST, Case, Looked, a_stage, with_id
from tests.factories import make_chat, make_member, make_message


async def world(save: Any) -> dict[str, Looked]:
    stage = a_stage()
    one, fellow, stranger = (stage.users[name] for name in ("member", "club owner", "stranger"))
    pairs = {"with a fellow": fellow, "with a stranger": stranger}
    found = {
        name: make_chat(kind=ChatKind.DIRECT, direct_key=direct_key(one.id, other.id)) for name, other in pairs.items()
    }
    found["group"] = make_chat(title="Some")
    found["of a club"] = make_chat(kind=ChatKind.CLUB, club=stage.club)
    for name, event in {"of an event": stage.event(), "of a deleted event": stage.event(**DELETED)}.items():
        found[name] = make_chat(kind=ChatKind.EVENT, event=event)
    messages = {}
    for name, chat in found.items():
        chat.last_sequence = 1
        stage.add(2, chat)
        stage.add(3, make_member(chat, one), make_member(chat, pairs.get(name, fellow), read_sequence=1))
        messages[name] = stage.add(3, make_message(chat, one, 1))
    await stage.done(save)
    given = {"sendMessage": {"body": "Hello", "clientMessageId": "new"}}
    given["addMembers"] = {"memberIds": [stage.users["club admin"]]}
    of_messages = [
        Case(name, message, with_id("messageId", message, markRead={"chatId": found[name]}))
        for name, message in messages.items()
    ]
    people = GUEST | {name: stage.users[name] for name in ("member", "club owner", "stranger", "platform admin")}
    return {
        "Chat": Looked(people, [Case(name, chat, with_id("chatId", chat, **given)) for name, chat in found.items()]),
        "Message": Looked(people, of_messages),
    }
