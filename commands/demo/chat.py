"""Chats of the demo data, with messages."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from commands.demo.world import DemoWorld, Row

MESSAGES = [
    "Всем привет! Кто уже едет?",
    "Буду через двадцать минут.",
    "I'm bringing a friend, hope that's fine.",
    "Конечно, ждём!",
    "Где вход?",
    "The green door on the left.",
    "Спасибо всем за вечер.",
    "Когда следующая встреча?",
]


def open_chat(world: DemoWorld, kind: str, people: list[Row], messages: int, **owner: UUID) -> None:
    chat_id = world.id()
    began = world.now - timedelta(days=20)
    sent = [began + timedelta(hours=world.random.randint(1, 12) + 12 * number) for number in range(messages)]
    chat = {"event_id": None, "club_id": None} | owner
    last = sent[-1] if sent else began
    world.add("chats", id=chat_id, kind=kind, last_sequence=messages, last_message_at=last, **chat)
    for person in people:
        read = world.random.randint(0, messages)
        world.add("chat_members", chat_id=chat_id, user_id=person["id"], joined_at=began, read_sequence=read)
    for sequence, moment in enumerate(sent, 1):
        world.add(
            "messages",
            id=world.id(),
            chat_id=chat_id,
            sequence=sequence,
            author_id=world.random.choice(people)["id"],
            body=world.random.choice(MESSAGES),
            client_message_id=f"demo-{sequence}",
            sent_at=moment,
        )
