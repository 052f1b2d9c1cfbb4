"""Chats of the kinds that the demo data lacks."""

from __future__ import annotations

from models import ChatKind
from resolvers.chat.members import direct_key
from tests.factories import in_days, make_chat, make_member, make_message, now
from tests.fuzz.extras.given import Given, Rows


def rows(given: Given) -> Rows:
    """A DIRECT chat in which one has read less than the other, and a GROUP that someone left."""
    people = given.people
    anna, boris = people["anna"], people["boris"]
    direct = make_chat(kind=ChatKind.DIRECT, direct_key=direct_key(anna.id, boris.id), last_sequence=4)
    group = make_chat(title="Поход", last_sequence=6, last_message_at=in_days(-1), created_by_id=anna.id)
    empty = make_chat(title="Empty")
    pair = [make_message(direct, (anna, boris)[number % 2], number + 1) for number in range(4)]
    talk = [make_message(group, people[("anna", "shy", "gone")[number % 3]], number + 1) for number in range(6)]
    return [
        direct,
        group,
        empty,
        make_member(direct, anna, read_sequence=4),
        make_member(direct, boris, read_sequence=2),
        make_member(group, anna, read_sequence=1),
        make_member(group, boris, joined_sequence=3, read_sequence=3),
        make_member(group, people["gone"]),
        make_member(group, people["vera"], left_at=now(), left_sequence=2),
        make_member(empty, anna, joined_at=in_days(-2)),
        *pair,
        *talk,
    ]
