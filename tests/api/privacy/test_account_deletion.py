"""Deleting one's account: asked for, taken back, carried out once, and what is left of it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

import models
from auth.viewer import Viewer
from database.rows import attributes
from jobs.privacy.account_erasure import delete_due
from models import (
    Admission,
    AuditEntry,
    ClubMembership,
    ClubRole,
    Event,
    EventHost,
    EventRole,
    EventStatus,
    Identity,
    MembershipState,
    Message,
    Notification,
    NotificationType,
    Registration,
    Review,
    Role,
    Session,
    User,
    UserInterest,
    utcnow,
)
from resolvers.booking.registrations import coming
from resolvers.core.invariants import find_violations
from resolvers.people.known_devices import Device
from resolvers.privacy import account_deletion, account_erasure
from tests.api.booking.test_registrations import REGISTER
from tests.api.people.signing import PASSWORD, account, deliver, new_account, sign_in, with_token
from tests.api.people.test_sessions import told_to_end, until_waiting
from tests.clients import codes, gid
from tests.factories import (
    in_days,
    make_booking,
    make_category,
    make_chat,
    make_club,
    make_event,
    make_host,
    make_interest,
    make_member,
    make_membership,
    make_message,
    make_notification,
    make_registration,
    make_review,
    make_service,
    make_service_type,
    make_user,
    make_venue,
)

DELETE = """
mutation ($input: DeleteAccountInput!) {
  deleteAccount(input: $input) {
    deletionAt errors { code message path details { count conflictsWith } }
  }
}
"""
KEEP = """
mutation ($input: CancelAccountDeletionInput!) { cancelAccountDeletion(input: $input) { deletionAt errors { code } } }
"""
VIEWER = "{ viewer { deletionAt } }"
REVIEWS = "query ($id: ID!) { event(id: $id) { reviews { nodes { text author { handle } } } } }"


async def due(save: Any, ports: Any, **values: Any) -> User:
    """A person whose account is to be deleted now."""
    return await account(save, ports, **{"deletion_at": in_days(-1)} | values)


async def all_of(ports: Any, entity: Any, *where: Any) -> list[Any]:
    async with ports.database.reading() as session:
        return list(await session.scalars(select(entity).where(*where)))


def pointing_to_people() -> set[str]:
    return {
        f"{table.name}.{column.name}"
        for table in models.Base.metadata.sorted_tables
        for column in table.columns
        if any(key.column.table.name == "users" for key in column.foreign_keys)
    }


async def violations(ports: Any) -> list[str]:
    async with ports.database.reading() as session:
        return [str(one) for one in await find_violations(session)]


async def test_it_is_asked_for_told_and_taken_back(client, save, ports, schema, count, settings):
    ada = await account(save, ports, email="ada@example.org", locale="ru")
    here, there = [await with_token(ports, schema, (await sign_in(client, ada))["accessToken"]) for _ in range(2)]

    asked = await here.execute(DELETE, currentPassword=PASSWORD)
    again = await here.execute(DELETE, currentPassword=PASSWORD)
    shown = await client((await all_of(ports, User, User.id == ada.id))[0]).run(VIEWER)
    ends_at = (await all_of(ports, User.deletion_at, User.id == ada.id))[0]
    open_ones = [one.id for one in await all_of(ports, Session, Session.ended_at.is_(None))]
    [told] = await deliver(ports)
    await sign_in(client, ada)
    kept = await here.execute(KEEP)

    assert asked.data["deleteAccount"]["errors"] == again.data["deleteAccount"]["errors"] == []
    grace = timedelta(seconds=settings.account_deletion_grace)
    assert timedelta(0) <= utcnow() + grace - ends_at < timedelta(minutes=1)
    assert asked.data["deleteAccount"] == again.data["deleteAccount"]
    assert shown.data["viewer"]["deletionAt"] == asked.data["deleteAccount"]["deletionAt"]
    assert open_ones == [here.viewer.session_id] != [there.viewer.session_id]
    assert (told.to, told.subject) == ("ada@example.org", "Ваша учётная запись будет удалена")
    assert str(ends_at.year) in told.text and "сохранить её" in told.text and "без вашего имени" in told.text
    assert kept.data["cancelAccountDeletion"] == {"deletionAt": None, "errors": []}
    assert await all_of(ports, User.deletion_at, User.id == ada.id) == [None]
    # Delivered as if nothing had gone out in between: that it will be deleted is no longer so.
    assert [one.subject for one in await deliver(ports)] == ["Удаление вашей учётной записи отменено"]
    assert await count(AuditEntry, AuditEntry.action == "user.deletion.ask") == 1
    assert await count(AuditEntry, AuditEntry.action == "user.deletion.cancel") == 1
    assert await delete_due(ports.database, settings) == 0


@pytest.mark.parametrize(
    ("has_password", "given", "session_age", "expected"),
    [
        (True, "wrong password", 0, ["INVALID_CREDENTIALS"]),
        (True, None, 0, ["REQUIRED"]),
        (False, PASSWORD, 0, ["INVALID_CREDENTIALS"]),
        (False, None, 11, ["SIGN_IN_AGAIN"]),
        (False, None, 9, []),
    ],
)
async def test_only_the_owner_can_ask(client, save, ports, schema, row, has_password, given, session_age, expected):
    ada = await account(save, ports)
    here = await with_token(ports, schema, (await sign_in(client, ada))["accessToken"])
    async with ports.database.writing() as uow:
        since = utcnow() - timedelta(minutes=session_age)
        await uow.session.execute(update(Session).values(created_at=since))
        if not has_password:
            await uow.session.execute(text("DELETE FROM passwords"))

    answer = await here.execute(DELETE, **({"currentPassword": given} if given else {}))

    assert codes(answer, "deleteAccount") == expected
    assert ((await row(User, ada.id)).deletion_at is None) is bool(expected)


async def test_who_would_leave_others_alone_is_refused_and_told_where(client, save, ports, schema, row):
    ada, bob, cy = await account(save, ports, role=Role.ADMIN), make_user(), make_user(deletion_at=in_days(3))
    category, venue = make_category(), make_venue()
    alone, shared, leaving, empty = (make_club() for _ in range(4))
    await save(bob, cy, category, venue, alone, shared, leaving, empty)
    events = [
        make_event(ada, category, venue),
        make_event(ada, category, venue),
        make_event(ada, category, venue),
        make_event(ada, category, venue, status=EventStatus.CANCELLED, cancelled_at=in_days(-1)),
        make_event(ada, category, venue, starts_at=in_days(-3)),
    ]
    await save(*events, *(make_membership(club, ada, role=ClubRole.OWNER) for club in (alone, shared, leaving, empty)))
    await save(
        make_membership(alone, bob, role=ClubRole.ADMIN),
        make_membership(shared, bob, role=ClubRole.OWNER),
        make_membership(leaving, cy, role=ClubRole.OWNER),
        *(make_host(event, ada) for event in events),
        make_host(events[0], cy),
        make_host(events[1], bob),
        *(make_registration(event, bob) for event in (*events[:2], *events[3:])),
    )
    here = await with_token(ports, schema, (await sign_in(client, ada))["accessToken"])

    answer = await here.execute(DELETE, currentPassword=PASSWORD)

    found = {one["code"]: one["details"] for one in answer.data["deleteAccount"]["errors"]}
    assert found.keys() == {"LAST_OWNER", "LAST_ORGANIZER", "LAST_ADMINISTRATOR"}
    assert found["LAST_OWNER"]["count"] == 2
    assert set(found["LAST_OWNER"]["conflictsWith"]) == {gid(alone), gid(leaving)}
    assert found["LAST_ORGANIZER"] == {"count": 1, "conflictsWith": [gid(events[0])]}
    assert (await row(User, ada.id)).deletion_at is None


@pytest.mark.parametrize("what", ["club", "event"])
async def test_of_two_who_ask_at_once_the_second_stays(client, save, ports, schema, row, what):
    both = [await account(save, ports) for _ in range(2)]
    member, club, category, venue = make_user(), make_club(), make_category(), make_venue()
    await save(member, club, category, venue)
    event = make_event(member, category, venue)
    await save(event)
    if what == "club":
        await save(make_membership(club, member), *(make_membership(club, one, role=ClubRole.OWNER) for one in both))
    else:
        await save(make_registration(event, member), *(make_host(event, one) for one in both))
    heres = [await with_token(ports, schema, (await sign_in(client, one))["accessToken"]) for one in both]
    async with ports.database.writing() as uow:
        await uow.session.execute(text("DELETE FROM passwords"))

    async with ports.database.writing() as uow:
        await account_deletion.ask(uow, heres[0].viewer, None, grace=timedelta(days=14), device=Device())
        asking = asyncio.create_task(heres[1].execute(DELETE))
        await until_waiting(ports, 1)
    refused = await asking

    assert codes(refused, "deleteAccount") == ["LAST_OWNER" if what == "club" else "LAST_ORGANIZER"]
    assert [(await row(User, one.id)).deletion_at is None for one in both] == [False, True]


KEPT = {
    "registrations.user_id", "bookings.user_id", "club_memberships.user_id", "chat_members.user_id",  # ended where open
    "messages.author_id", "reviews.author_id", "events.created_by_id", "venues.created_by_id", "chats.created_by_id",
    "moderation_items.submitted_by_id", "services.staff_person_id", "notifications.actor_id",
    "audit_entries.actor_id", "bookings.recorded_by_id", "registrations.recorded_by_id",
    "club_memberships.decided_by_id", "moderation_items.decided_by_id",
}  # fmt: skip
"""Columns that still point to the empty row of a deleted account."""


def test_every_column_that_points_to_a_person_is_erased_or_kept_on_purpose() -> None:
    erased = {entity.__tablename__ for entity in (*account_erasure.ERASED, Session, EventHost)}

    assert pointing_to_people() == {f"{name}.user_id" for name in erased} | KEPT


async def full_life(save: Any, ports: Any) -> tuple[User, dict[str, Any]]:
    """Someone who is to be deleted, with a part in everything."""
    ada = await due(
        save, ports, handle="ada", email="ada@example.org", bio="Climbs", first_name="Ada", last_name="Lovelace",
        phone="+79161234567", birth_date=in_days(-9000).date(), location="Moscow", comment="Kind", role=Role.ADMIN,
    )  # fmt: skip
    bob, cy, dan = make_user(), make_user(), make_user()
    category, venue, jazz, kind = make_category(), make_venue(), make_interest(), make_service_type()
    club, empty, asked = make_club(), make_club(), make_club()
    await save(bob, cy, dan, category, venue, jazz, kind, club, empty, asked)
    events = {
        name: make_event(bob, category, venue, **values)
        for name, values in {
            "visited": {}, "serving": {}, "past": {"starts_at": in_days(-3)}, "handed_on": {}, "alone": {},
            "draft": {"status": EventStatus.DRAFT, "published_at": None},
        }.items()
    }  # fmt: skip
    await save(*events.values())
    serving = make_service(events["serving"], kind)
    chat = make_chat(event_id=events["visited"].id, kind=models.ChatKind.EVENT, last_sequence=1)
    group = make_chat(kind=models.ChatKind.GROUP, title="Hike")
    await save(serving, chat, group)
    told = make_notification(
        bob, 1, type=NotificationType.PARTICIPANT_JOINED, actor_id=ada.id, subject_type="Event",
        subject_id=events["visited"].id, params={"name": "Tea", "person": "Ada Lovelace", "user_id": str(ada.id)},
        topic=coming(events["visited"].id, ada.id),
    )  # fmt: skip
    await save(
        make_membership(club, ada, role=ClubRole.OWNER), make_membership(empty, ada, role=ClubRole.OWNER),
        make_membership(asked, ada, state=MembershipState.PENDING, joined_at=None),
        make_membership(club, cy), make_membership(club, dan, role=ClubRole.MODERATOR),
        *(make_host(events[name], bob) for name in ("visited", "serving")),
        *(make_host(events[name], ada) for name in ("past", "handed_on", "alone", "draft")),
        make_host(events["handed_on"], cy, EventRole.CO_ORGANIZER),
        make_host(events["handed_on"], dan, EventRole.STAFF),
        *(make_registration(events[name], ada, note="No nuts", staff_note="Late") for name in
          ("visited", "serving", "past")),
        *(make_registration(events[name], dan) for name in ("handed_on", "alone")),
        make_review(events["past"], ada, text="Good tea"), UserInterest(user_id=ada.id, interest_id=jazz.id),
        Identity(user_id=ada.id, issuer="https://one.example", subject="1"),
        make_member(chat, ada), make_member(chat, bob), make_member(group, ada), make_message(chat, ada, 1, body="Hi"),
        models.Inbox(user_id=ada.id, last_sequence=1), make_notification(ada, 1),
        models.Inbox(user_id=bob.id, last_sequence=1), told,
    )  # fmt: skip
    await save(make_booking(serving, ada, note="No nuts"))
    await save(AuditEntry(action="user.edit", subject_type="User", subject_id=ada.id, before={"phone": "1"}, after={}))
    return ada, {"bob": bob, "cy": cy, "dan": dan, "club": club, "serving_service": serving, "told": told, **events}


async def test_nothing_about_the_person_is_left_and_others_keep_what_they_have(
    client, save, ports, row, count, settings, happened
):
    ada, of = await full_life(save, ports)
    await sign_in(client, ada)

    assert await violations(ports) == []
    assert await delete_due(ports.database, settings) == 1
    assert await delete_due(ports.database, settings) == 0

    gone = await row(User, ada.id)
    values = {name: getattr(gone, name) for name in attributes(User)}
    assert {name for name, value in values.items() if value not in (None, "", False, {})} == {
        "id", "handle", "role", "locale", "time_zone", "created_at", "updated_at", "deleted_at",
    }  # fmt: skip
    assert (gone.handle, gone.role) == (f"~{ada.id.hex}", Role.USER)
    for entity in (*account_erasure.ERASED, Session, EventHost):
        assert await count(entity, entity.user_id == ada.id) == 0, entity
    assert await told_to_end(count, ada) > 0
    # Places are free again, past ones stay without notes.
    admissions = {one.event_id: one for one in await all_of(ports, Registration, Registration.user_id == ada.id)}
    assert {name: admissions[of[name].id].admission for name in ("visited", "serving", "past")} == {
        "visited": Admission.CANCELLED, "serving": Admission.CANCELLED, "past": Admission.CONFIRMED,
    }  # fmt: skip
    assert {(one.note, one.staff_note) for one in admissions.values()} == {(None, None)}
    assert (
        (await row(Event, of["visited"].id)).taken == (await row(models.Service, of["serving_service"].id)).taken == 0
    )
    assert {one["taken"] for one in await happened("event.availability.changed")} == {0, 1}
    # Clubs and events go to who is next.
    members = {one.user_id: one for one in await all_of(ports, ClubMembership, ClubMembership.club_id == of["club"].id)}
    assert (members[ada.id].state, members[ada.id].role) == (MembershipState.LEFT, ClubRole.MEMBER)
    assert (members[of["dan"].id].role, members[of["cy"].id].role) == (ClubRole.OWNER, ClubRole.MEMBER)
    [heir] = await all_of(ports, EventHost, EventHost.event_id == of["handed_on"].id, EventHost.role == "ORGANIZER")
    assert heir.user_id == of["cy"].id
    assert {name: (await row(Event, of[name].id)).status for name in ("handed_on", "alone", "draft", "past")} == {
        "handed_on": EventStatus.PUBLISHED, "alone": EventStatus.CANCELLED, "draft": EventStatus.CANCELLED,
        "past": EventStatus.PUBLISHED,
    }  # fmt: skip
    news = await all_of(ports, Notification, Notification.user_id.in_([of["cy"].id, of["dan"].id]))
    assert {(one.user_id, one.type) for one in news} == {
        (of["cy"].id, NotificationType.EVENT_ROLE_GIVEN), (of["dan"].id, NotificationType.EVENT_CANCELLED),
    }  # fmt: skip
    # What others read.
    told = await row(Notification, of["told"].id)
    assert "person" not in told.params and told.params["withdrawn"] is True
    assert "Lovelace" not in str([one.params for one in await all_of(ports, Notification)])
    assert [one.body for one in await all_of(ports, Message)] == ["Hi"]
    shown = await client().run(REVIEWS, id=of["past"])
    assert shown.data["event"]["reviews"]["nodes"] == [{"text": "Good tea", "author": None}]
    assert await count(Review, Review.author_id == ada.id) == 1
    entries = await all_of(ports, AuditEntry, AuditEntry.subject_id == ada.id)
    assert {(one.action, str(one.before), str(one.after)) for one in entries} == {
        ("user.edit", "{}", "{}"), ("user.delete", "{'isActive': True}", "{'isActive': False}"),
    }  # fmt: skip
    assert await violations(ports) == []
    # The address and the handle begin anew.
    new = await new_account(client, ports, handle="ada", email="ada@example.org", displayName="Another")
    assert (new["errors"], new["user"]) == ([], {"handle": "ada", "displayName": "Another"})


async def test_a_run_that_dies_leaves_nothing_half_done_and_keeps_nobody_waiting(
    save, ports, row, settings, monkeypatch
):
    first, second = await due(save, ports), await due(save, ports, email="second@example.org")
    real = account_erasure._erase

    async def dies(uow, user, topics):
        await real(uow, user, topics)
        if user.id == first.id:
            raise RuntimeError("killed")

    monkeypatch.setattr(account_erasure, "_erase", dies)
    assert await delete_due(ports.database, settings) == 1
    assert (await row(User, first.id)).email is not None
    assert (await row(User, second.id)).email is None

    monkeypatch.setattr(account_erasure, "_erase", real)
    assert await delete_due(ports.database, settings) == 1
    assert (await row(User, first.id)).email is None


async def test_nothing_gives_a_deleted_account_a_part_again(save, ports, count, settings):
    ada, bob = await due(save, ports), make_user()
    category, venue, club, chat = make_category(), make_venue(), make_club(), make_chat(kind=models.ChatKind.GROUP)
    await save(bob, category, venue, club, chat)
    event = make_event(bob, category, venue)
    await save(event)
    await save(make_registration(event, ada), make_membership(club, ada), make_member(chat, ada))
    assert await delete_due(ports.database, settings) == 1

    for statement in (
        "UPDATE registrations SET admission = 'CONFIRMED', cancelled_at = NULL",
        "UPDATE club_memberships SET state = 'ACTIVE'",
        "UPDATE chat_members SET left_at = NULL, left_sequence = NULL",
        f"INSERT INTO event_hosts (event_id, user_id, role) VALUES ('{event.id}', '{ada.id}', 'STAFF')",
        "UPDATE users SET bio = 'Back'",
    ):
        with pytest.raises(DBAPIError, match=r"was deleted|ck_users_deleted_is_erased"):
            async with ports.database.writing() as uow:
                await uow.session.execute(text(statement))
    async with ports.database.writing() as uow:
        await uow.session.execute(update(Registration).values(attendance=models.Attendance.NO_SHOW))
    assert await violations(ports) == []


async def test_an_event_that_is_held_after_all_is_so_without_who_is_gone(client, save, ports, row, settings):
    ada, bob = await due(save, ports), make_user(role=Role.MODERATOR)
    category, venue = make_category(), make_venue()
    await save(bob, category, venue)
    event = make_event(
        bob, category, venue, starts_at=in_days(-1), status=EventStatus.CANCELLED, cancelled_at=in_days(-2)
    )
    await save(event)
    await save(make_registration(event, ada), make_host(event, bob))
    await delete_due(ports.database, settings)
    assert (await row(Event, event.id)).taken == 1

    answer = await client(bob).execute(
        "mutation ($input: ReactivateEventInput!) { reactivateEvent(input: $input) { errors { code } } }",
        eventId=event,
        startsAt=timedelta(days=2),
    )

    assert codes(answer, "reactivateEvent") == []
    assert (await row(Event, event.id)).taken == 0
    assert await violations(ports) == []


async def test_of_a_registration_and_the_deletion_at_once_the_first_one_counts(client, save, ports, row, settings):
    category, venue, bob = make_category(), make_venue(), make_user()
    await save(category, venue, bob)
    event = make_event(bob, category, venue)
    await save(event)
    early, late = await due(save, ports), await due(save, ports, deletion_at=in_days(1))

    async with ports.database.writing() as uow:
        uow.session.add(make_registration(event, early))
        await uow.session.flush()
        deleting = asyncio.create_task(delete_due(ports.database, settings))
        await until_waiting(ports, 1)
    # It had begun before there was a registration to end: the next run sees it.
    assert await deleting == 0
    assert await delete_due(ports.database, settings) == 1
    async with ports.database.writing() as uow:
        await uow.session.execute(update(User).where(User.id == late.id).values(deletion_at=in_days(-1)))
    async with ports.database.writing() as uow:
        assert await account_erasure.carry_out(uow, late.id)
        registering = asyncio.create_task(client(late).execute(REGISTER, eventId=event))
        await until_waiting(ports, 1)
    refused = await registering

    assert [one["extensions"]["code"] for one in refused.errors] == ["UNAVAILABLE"]
    assert (await row(Event, event.id)).taken == 0
    assert await violations(ports) == []


async def test_of_keeping_and_deleting_at_once_the_first_one_counts(client, save, ports, row, settings):
    kept, gone = await due(save, ports), await due(save, ports, deletion_at=in_days(1))

    async with ports.database.writing() as uow:
        await account_deletion.cancel(uow, Viewer(kept), device=Device())
        await uow.session.flush()
        deleting = asyncio.create_task(delete_due(ports.database, settings))
        await until_waiting(ports, 1)
    assert await deleting == 0
    async with ports.database.writing() as uow:
        await uow.session.execute(update(User).where(User.id == gone.id).values(deletion_at=in_days(-1)))
    async with ports.database.writing() as uow:
        assert await account_erasure.carry_out(uow, gone.id)
        keeping = asyncio.create_task(client(gone).execute(KEEP))
        await until_waiting(ports, 1)
    refused = await keeping

    assert (await row(User, kept.id)).email is not None
    assert [one["extensions"]["code"] for one in refused.errors] == ["UNAUTHENTICATED"]
    assert (await row(User, gone.id)).email is None


async def test_who_registers_everywhere_while_they_are_deleted_holds_no_place(client, save, ports, settings):
    category, venue, bob = make_category(), make_venue(), make_user()
    await save(category, venue, bob)
    events = [make_event(bob, category, venue) for _ in range(4)]
    await save(*events)

    for _round in range(3):
        ada = await due(save, ports)
        await asyncio.gather(
            *(client(ada).execute(REGISTER, eventId=event) for event in events),
            *(delete_due(ports.database, settings) for _ in range(2)),
        )
        while await all_of(ports, User, User.deletion_at.is_not(None)):
            await delete_due(ports.database, settings)
    assert await violations(ports) == []
