"""What is read of a chat, a club, an event or a person does not grow with them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sqlalchemy import text

import models
from models import ChatKind, Role, User
from tests.factories import make_chat, make_club, make_member, make_user
from tests.plans import reading_of

SIZE = 1_500
"""People in each. With fewer PostgreSQL reads a whole table, which is as quick then."""
MOST = 150
"""Rows that a page of 20 may read, with all that it asks of the object and of the reader."""

PEOPLE = """
INSERT INTO users (id, handle, role, is_active, is_trusted, locale, time_zone, display_name)
SELECT gen_random_uuid(), 'person' || n, 'USER', true, false, 'en', 'UTC', 'Person ' || n
FROM generate_series(1, :size) AS n
"""
CHAT_MEMBERS = """
INSERT INTO chat_members (chat_id, user_id, joined_at, joined_sequence, read_sequence)
SELECT :chat, id, now() - random() * interval '1 day', 2, 2 FROM users WHERE handle LIKE 'person%'
"""
MESSAGES = """
INSERT INTO messages (id, chat_id, sequence, author_id, body, client_message_id)
SELECT gen_random_uuid(), :chat, n, :member, 'Hello', n::text FROM generate_series(1, :size) AS n
"""
ANALYZED = "ANALYZE users, chats, chat_members, messages, clubs, club_memberships"


@dataclass
class World:
    """Big objects by their kind, and people by what they are to them."""

    objects: dict[str, models.Base]
    people: dict[str, User | None]


@pytest.fixture
async def world(save, ports):
    member, host, stranger, staff = make_user(), make_user(), make_user(), make_user(role=Role.ADMIN)
    club = make_club()
    chat = make_chat(kind=ChatKind.CLUB, club_id=club.id, last_sequence=SIZE)
    await save(member, host, stranger, staff, club)
    await save(chat, make_member(chat, member, joined_sequence=2, read_sequence=2))
    values = {"size": SIZE, "chat": chat.id, "member": member.id}
    async with ports.database.writing() as uow:
        for statement in (PEOPLE, MESSAGES, CHAT_MEMBERS, ANALYZED):
            await uow.session.execute(text(statement), values)
    return World({"chat": chat}, {"member": member, "host": host, "stranger": stranger, "staff": staff, "guest": None})


LISTS = {
    # What is asked, of what, and by whom.
    "lastMessage { body }": ("chat", "member"),
    "messages(first: 20) { totalCount nodes { body } }": ("chat", "member"),
}


async def test_little_is_read_of_a_big_object(client, ports, world):
    """One test: the world takes longer to make than all of the lists to read."""
    plans = {}
    for asked, (kind, *readers) in LISTS.items():
        for reader in readers:
            document = f"query ($id: ID!) {{ {kind}(id: $id) {{ {asked} }} }}"
            async with reading_of(ports.database, ports.settings) as read:
                answer = await client(world.people[reader]).run(document, id=world.objects[kind])
            assert answer.errors == [], asked
            assert answer.data[kind] is not None, asked
            if read.number > MOST:
                plans[f"{asked}, asked by a {reader}"] = f"{read.number:.0f} rows\n{read.plans}"
    assert not plans, "\n\n".join(f"{name}: {plan}" for name, plan in plans.items())
