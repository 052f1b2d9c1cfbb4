"""What is read of a chat, a club, an event or a person does not grow with them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sqlalchemy import text

import models
from models import ChatKind, ClubRole, Role, User
from tests.factories import (
    in_days,
    make_category,
    make_chat,
    make_club,
    make_event,
    make_host,
    make_member,
    make_membership,
    make_registration,
    make_service,
    make_service_type,
    make_user,
    make_venue,
)
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
CLUB_MEMBERS = """
INSERT INTO club_memberships (id, club_id, user_id, role, state, created_at)
SELECT gen_random_uuid(), :club, id, 'MEMBER', 'ACTIVE', now() - random() * interval '1 day' FROM users
WHERE handle LIKE 'person%'
"""
REGISTRATIONS = """
INSERT INTO registrations (id, event_id, user_id, admission, attendance, recorded_by_id, created_at)
SELECT gen_random_uuid(), :event, id, 'CONFIRMED', 'EXPECTED', id, now() - random() * interval '1 day' FROM users
WHERE handle LIKE 'person%'
"""
BOOKINGS = """
INSERT INTO bookings (id, service_id, event_id, user_id, admission, attendance, recorded_by_id, created_at)
SELECT gen_random_uuid(), :service, :event, user_id, 'CONFIRMED', 'EXPECTED', user_id, created_at FROM registrations
WHERE event_id = :event
"""
REVIEWS = """
INSERT INTO reviews (id, event_id, author_id, rating, status, created_at)
SELECT gen_random_uuid(), :event, user_id, 1, 'PUBLISHED', created_at FROM registrations WHERE event_id = :event
"""
NOTIFICATIONS = """
INSERT INTO notifications (id, user_id, sequence, type)
SELECT gen_random_uuid(), :member, n, 'EVENT_CHANGED' FROM generate_series(1, :size) AS n
"""
FEW = """
UPDATE club_memberships SET state = 'PENDING' WHERE id IN (SELECT id FROM club_memberships ORDER BY id LIMIT 3);
UPDATE registrations SET admission = 'CANCELLED' WHERE id IN (SELECT id FROM registrations ORDER BY id LIMIT 3);
UPDATE registrations SET attendance = 'NO_SHOW' WHERE id IN (SELECT id FROM registrations ORDER BY id DESC LIMIT 3);
UPDATE reviews SET status = 'HIDDEN' WHERE id IN (SELECT id FROM reviews ORDER BY id LIMIT 3);
UPDATE reviews SET rating = 5 WHERE id IN (SELECT id FROM reviews ORDER BY id DESC LIMIT 3);
UPDATE notifications SET type = 'EVENT_CANCELLED' WHERE sequence <= 3
"""
"""So few that they are not found by walking."""
ANALYZED = """
ANALYZE users, chats, chat_members, messages, clubs, club_memberships, events, services, registrations, bookings,
    reviews, rating_counts, notifications
"""


@dataclass
class World:
    """Big objects by their kind, and people by what they are to them."""

    objects: dict[str, models.Base]
    people: dict[str, User | None]


@pytest.fixture
async def world(save, ports):
    member, host, stranger, staff = make_user(), make_user(), make_user(), make_user(role=Role.ADMIN)
    club, category, venue, kind = make_club(), make_category(), make_venue(), make_service_type()
    chat = make_chat(kind=ChatKind.CLUB, club_id=club.id, last_sequence=SIZE)
    await save(member, host, stranger, staff, club, category, venue, kind)
    await save(chat, make_member(chat, member, joined_sequence=2, read_sequence=2))
    event = make_event(host, category, venue, starts_at=in_days(-5), capacity=SIZE + 1)
    await save(event, make_membership(club, member), make_membership(club, host, role=ClubRole.OWNER))
    service = make_service(event, kind, capacity=SIZE + 1)
    await save(service, make_host(event, host), make_registration(event, member))
    values = {
        "size": SIZE, "chat": chat.id, "member": member.id, "club": club.id, "event": event.id, "service": service.id,
    }  # fmt: skip
    async with ports.database.writing() as uow:
        for rows in (PEOPLE, MESSAGES, CHAT_MEMBERS, CLUB_MEMBERS, REGISTRATIONS, BOOKINGS, REVIEWS, NOTIFICATIONS):
            await uow.session.execute(text(rows), values)
        for statement in (*FEW.split(";"), ANALYZED):
            await uow.session.execute(text(statement))
    people = {"member": member, "host": host, "stranger": stranger, "staff": staff, "guest": None}
    return World({"chat": chat, "club": club, "event": event}, people)


IDS = "{ nodes { id } pageInfo { hasNextPage } }"
LISTS = [
    # What is asked, of what, and by whom.
    ("lastMessage { body }", "chat", "member"),
    ("messages(first: 20) { totalCount nodes { body } }", "chat", "member"),
    ("members(first: 20) { nodes { joinedAt } }", "chat", "member"),
    ("memberCount owners { id } owner { id }", "club", "stranger guest"),
    (f"members(first: 20) {IDS}", "club", "member host stranger staff guest"),
    (f"members(first: 20, filter: {{states: [PENDING]}}) {IDS}", "club", "host stranger staff"),
    (f"members(first: 20, filter: {{states: null}}) {IDS}", "club", "member host stranger staff guest"),
    (f"members(first: 20, filter: {{roles: [ADMIN, OWNER]}}) {IDS}", "club", "member host stranger staff guest"),
    (f"participants(first: 20) {IDS}", "event", "member host stranger staff guest"),
    (f"registrations(first: 20) {IDS}", "event", "member host stranger staff guest"),
    (f"registrations(first: 20, filter: {{admissions: [CANCELLED]}}) {IDS}", "event", "member host staff"),
    (f"registrations(first: 20, filter: {{attendances: [NO_SHOW]}}) {IDS}", "event", "member host staff"),
    (f"services {{ bookings(first: 20) {IDS} }}", "event", "member host stranger staff guest"),
    (f"services {{ bookings(first: 20, filter: {{admissions: [CANCELLED]}}) {IDS} }}", "event", "host staff"),
    (f"reviews(first: 20) {IDS}", "event", "member host stranger staff guest"),
    ("reviews(first: 20) { totalCount }", "event", "stranger guest"),
    (f"reviews(first: 20, filter: {{ratings: [5]}}) {IDS}", "event", "member staff guest"),
    (f"reviews(first: 20, filter: {{statuses: [HIDDEN]}}) {IDS}", "event", "stranger staff"),
    ("ratingSummary { average count }", "event", "guest"),
    (f"notifications(first: 20, filter: {{types: [EVENT_CANCELLED]}}) {IDS}", "viewer", "member"),
]


async def test_little_is_read_of_a_big_object(client, ports, world):
    """One test: the world takes longer to make than all of the lists to read."""
    plans = {}
    for asked, kind, readers in LISTS:
        for reader in readers.split():
            document = f"{{ viewer {{ {asked} }} }}"
            given = {}
            if kind != "viewer":
                document, given = f"query ($id: ID!) {{ {kind}(id: $id) {{ {asked} }} }}", {"id": world.objects[kind]}
            async with reading_of(ports.database, ports.settings) as read:
                answer = await client(world.people[reader]).run(document, **given)
            assert answer.errors == [], asked
            assert answer.data[kind] is not None, asked
            if read.number > MOST:
                plans[f"{asked}, asked by a {reader}"] = f"{read.number:.0f} rows\n{read.plans}"
    assert not plans, "\n\n".join(f"{name}: {plan}" for name, plan in plans.items())
