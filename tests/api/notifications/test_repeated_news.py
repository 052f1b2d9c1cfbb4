"""Joining and leaving again and again is one notification, which says how things stand. The stream stays exact."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from models import Channel, ClubRole, Inbox, JoinPolicy, Notification, NotificationPreference, NotificationType
from tests.clients import codes
from tests.factories import make_category, make_club, make_event, make_host, make_membership, make_user, make_venue, now
from tests.live import relaying

REGISTER = "mutation ($input: RegisterForEventInput!) { registerForEvent(input: $input) { errors { code } } }"
CANCEL = "mutation ($input: CancelRegistrationInput!) { cancelRegistration(input: $input) { errors { code } } }"
JOIN = "mutation ($input: JoinClubInput!) { joinClub(input: $input) { errors { code } } }"
LEAVE = "mutation ($input: LeaveClubInput!) { leaveClub(input: $input) { errors { code } } }"
INVITE = "mutation ($input: InviteToClubInput!) { inviteToClub(input: $input) { membership { id } errors { code } } }"
REMOVE = "mutation ($input: RemoveClubMemberInput!) { removeClubMember(input: $input) { errors { code } } }"
NEWS = "{ viewer { notifications { nodes { id type title body isWithdrawn updatedAt cursor } } } }"
WATCH = """
subscription ($after: String) {
  notificationReceived(after: $after) { ... on Notification { id title cursor } }
}
"""


async def an_event(save: Any) -> Any:
    host, category, venue = make_user(display_name="Hanna"), make_category(), make_venue()
    await save(host, category, venue)
    event = make_event(host, category, venue, title="Walk")
    await save(event)
    await save(make_host(event, host))
    return host, event


async def toggle(client: Any, user: Any, event: Any, times: int) -> None:
    """Register and cancel, ending with a registration."""
    for _ in range(times):
        assert codes(await client(user).execute(REGISTER, eventId=event), "registerForEvent") == []
        assert codes(await client(user).execute(CANCEL, eventId=event), "cancelRegistration") == []
    assert codes(await client(user).execute(REGISTER, eventId=event), "registerForEvent") == []


async def news_of(client: Any, user: Any) -> list[dict[str, Any]]:
    answer = await client(user, language="en").run(NEWS)
    return list(answer.data["viewer"]["notifications"]["nodes"])


async def exact(ports: Any) -> bool:
    """Whether every inbox is numbered from 1 to its last number."""
    async with ports.database.reading() as session:
        last = {row.user_id: row.last_sequence for row in await session.scalars(select(Inbox))}
        rows = (await session.scalars(select(Notification).order_by(Notification.sequence))).all()
    found = {user_id: [row.sequence for row in rows if row.user_id == user_id] for user_id in last}
    return found == {user_id: list(range(1, number + 1)) for user_id, number in last.items()}


async def test_joining_ten_times_is_one_notification_for_the_organiser_and_two_for_oneself(client, save, ports):
    host, event = await an_event(save)
    vera = make_user(display_name="Vera")
    await save(vera)

    await toggle(client, vera, event, 10)

    [told] = await news_of(client, host)
    assert (told["title"], told["body"]) == ("New participant: Walk", "Vera is coming to your event.")
    assert (told["isWithdrawn"], told["updatedAt"] is not None) == (False, True)
    own = {one["type"]: one for one in await news_of(client, vera)}
    assert {type: one["isWithdrawn"] for type, one in own.items()} == {
        "REGISTRATION_CONFIRMED": False,
        "REGISTRATION_CANCELLED": True,
    }
    assert own["REGISTRATION_CANCELLED"]["body"] == "You have a place again."
    assert await exact(ports)


async def test_who_left_is_not_announced_as_coming(client, save):
    host, event = await an_event(save)
    vera = make_user(display_name="Vera")
    await save(vera)
    await toggle(client, vera, event, 1)

    await client(vera).execute(CANCEL, eventId=event)

    [told] = await news_of(client, host)
    assert (told["title"], told["isWithdrawn"]) == ("No longer coming: Walk", True)
    assert told["body"] == "Vera is no longer coming to your event."
    assert [(one["type"], one["isWithdrawn"]) for one in await news_of(client, vera)] == [
        ("REGISTRATION_CANCELLED", False),
        ("REGISTRATION_CONFIRMED", True),
    ]


async def test_each_person_is_a_notification_of_their_own(client, save):
    host, event = await an_event(save)
    people = [make_user() for _ in range(3)]
    await save(*people)

    for person in people:
        await toggle(client, person, event, 2)

    assert [one["title"] for one in await news_of(client, host)] == ["New participant: Walk"] * 3


async def test_after_a_day_a_repeat_is_news(client, save, ports):
    host, event = await an_event(save)
    vera = make_user()
    await save(vera)
    await toggle(client, vera, event, 1)
    async with ports.database.writing() as uow:
        await uow.session.execute(update(Notification).values(created_at=Notification.created_at - timedelta(days=1)))

    await client(vera).execute(CANCEL, eventId=event)
    await client(vera).execute(REGISTER, eventId=event)

    assert len(await news_of(client, host)) == 2
    assert await exact(ports)


async def test_the_live_stream_has_no_gap_and_no_repeat(client, save, ports):
    host, event = await an_event(save)
    vera, bob = make_user(), make_user()
    await save(vera, bob)
    async with relaying(ports):
        stream = await client(host).subscribe(WATCH)
        coming = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0.2)

        await toggle(client, vera, event, 3)
        first = (await asyncio.wait_for(coming, 5)).data["notificationReceived"]
        await toggle(client, bob, event, 2)
        second = (await asyncio.wait_for(anext(stream), 5)).data["notificationReceived"]
        await stream.aclose()

    listed = await news_of(client, host)
    assert [second["id"], first["id"]] == [one["id"] for one in listed]
    assert [second["cursor"], first["cursor"]] == [one["cursor"] for one in listed]
    resumed = await client(host).subscribe(WATCH, after=first["cursor"])
    replayed = (await asyncio.wait_for(anext(resumed), 5)).data["notificationReceived"]
    await resumed.aclose()
    assert replayed == second
    assert await exact(ports)


@pytest.mark.parametrize("is_last_open", [True, False])
async def test_asking_to_join_again_and_again_is_one_request(client, save, is_last_open):
    host, vera = make_user(), make_user(display_name="Vera")
    club = make_club(name="Runners", join_policy=JoinPolicy.APPROVAL)
    await save(host, vera, club)
    await save(make_membership(club, host, role=ClubRole.OWNER))

    for _ in range(4):
        await client(vera).execute(JOIN, clubId=club)
        await client(vera).execute(LEAVE, clubId=club)
    if is_last_open:
        await client(vera).execute(JOIN, clubId=club)

    [told] = await news_of(client, host)
    title = "Request to join: Runners" if is_last_open else "Request no longer open: Runners"
    assert (told["title"], told["isWithdrawn"]) == (title, not is_last_open)


async def test_inviting_and_taking_back_is_one_invitation_and_no_mail_of_what_is_over(client, save, run_jobs):
    host, vera = make_user(), make_user(email="vera@example.org", email_verified_at=now())
    club = make_club(name="Runners")
    await save(host, vera, club)
    await save(make_membership(club, host, role=ClubRole.OWNER))

    for _ in range(4):
        invited = await client(host).execute(INVITE, clubId=club, userId=vera)
        membership = invited.data["inviteToClub"]["membership"]["id"]
        await client(host).execute(REMOVE, membershipId=membership)

    [told] = await news_of(client, vera)
    assert (told["title"], told["isWithdrawn"]) == ("Invitation no longer open: Runners", True)
    assert await run_jobs() == []


async def test_a_repeated_invitation_is_mailed_once(client, save, run_jobs):
    host, vera = make_user(), make_user(email="vera@example.org", email_verified_at=now())
    club = make_club(name="Runners")
    await save(host, vera, club)
    await save(make_membership(club, host, role=ClubRole.OWNER))
    mails = []

    for _ in range(3):
        invited = await client(host).execute(INVITE, clubId=club, userId=vera)
        mails += await run_jobs()
        membership = invited.data["inviteToClub"]["membership"]["id"]
        await client(host).execute(REMOVE, membershipId=membership)

    assert [mail.to for mail in mails] == ["vera@example.org"]


async def test_who_turned_the_news_off_hears_nothing(client, save, count):
    host, event = await an_event(save)
    vera = make_user()
    await save(vera)
    await save(
        NotificationPreference(
            user_id=host.id, type=NotificationType.PARTICIPANT_JOINED, channel=Channel.IN_APP, is_enabled=False
        )
    )

    await toggle(client, vera, event, 2)

    assert await count(Notification, Notification.user_id == host.id) == 0


async def test_the_same_place_from_many_devices_at_once_is_one_notification(client, save, ports):
    host, event = await an_event(save)
    vera = make_user()
    await save(vera)

    for _ in range(3):
        await asyncio.gather(*(client(vera).execute(REGISTER, eventId=event) for _ in range(4)))
        await asyncio.gather(*(client(vera).execute(CANCEL, eventId=event) for _ in range(4)))

    assert len(await news_of(client, host)) == 1
    assert len(await news_of(client, vera)) == 2
    assert await exact(ports)
