"""Numbers and audiences that triggers keep are right whoever writes at once."""

from __future__ import annotations

import asyncio
import random

from models import Attendance, ClubMembership, MembershipState, RatingCount, Role
from resolvers.core.invariants import find_violations
from tests.factories import (
    in_days,
    make_category,
    make_chat,
    make_club,
    make_event,
    make_host,
    make_membership,
    make_registration,
    make_user,
    make_venue,
)

JOIN = "mutation ($input: JoinClubInput!) { joinClub(input: $input) { errors { code } } }"
LEAVE = "mutation ($input: LeaveClubInput!) { leaveClub(input: $input) { errors { code } } }"
REGISTER = "mutation ($input: RegisterForEventInput!) { registerForEvent(input: $input) { errors { code } } }"
CANCEL = "mutation ($input: CancelRegistrationInput!) { cancelRegistration(input: $input) { errors { code } } }"
SHOW = "mutation ($input: UpdatePrivacySettingsInput!) { updatePrivacySettings(input: $input) { errors { code } } }"
RATE = "mutation ($input: CreateReviewInput!) { createReview(input: $input) { review { id } errors { code } } }"
RATE_ANEW = "mutation ($input: UpdateReviewInput!) { updateReview(input: $input) { errors { code } } }"
TAKE_BACK = "mutation ($input: DeleteReviewInput!) { deleteReview(input: $input) { errors { code } } }"


async def test_joining_registering_rating_and_hiding_at_once(client, save, ports, count):
    chance, people, host = random.Random(10), [make_user() for _ in range(10)], make_user(role=Role.ADMIN)
    category, venue, club = make_category(), make_venue(), make_club()
    await save(*people, host, category, venue, club)
    coming = make_event(host, category, venue, starts_at=in_days(7))
    past = make_event(host, category, venue, starts_at=in_days(-7))
    await save(coming, past, make_membership(club, host), make_chat(kind="CLUB", club_id=club.id))
    await save(*(make_host(event, host) for event in (coming, past)))
    await save(*(make_registration(past, person, attendance=Attendance.ATTENDED) for person in people))

    async def ask(user, document, **input):
        answer = await client(user).execute(document, **input)
        assert answer.errors == []
        [payload] = answer.data.values()
        return payload

    async def joins(person):
        for _ in range(3):
            await ask(person, JOIN, clubId=club)
            await ask(person, REGISTER, eventId=coming)
            if chance.random() < 0.6:
                await ask(person, LEAVE, clubId=club)
            await ask(person, CANCEL, eventId=coming)
        await ask(person, REGISTER, eventId=coming)
        await ask(person, JOIN, clubId=club)

    async def hides(person):
        for _ in range(5):
            audience = chance.choice(["EVERYONE", "MEMBERS", "NOBODY"])
            await ask(person, SHOW, registrations=audience, clubs=audience)

    async def rates(person):
        review = (await ask(person, RATE, eventId=past, rating=chance.randint(1, 5)))["review"]
        for _ in range(3):
            await ask(person, RATE_ANEW, reviewId=review["id"], rating=chance.randint(4, 5))
        if chance.random() < 0.5:
            await ask(person, TAKE_BACK, reviewId=review["id"])

    await asyncio.gather(*(act(person) for person in people for act in (joins, hides, rates)))

    async with ports.database.reading() as session:
        assert await find_violations(session) == []
    members = await count(ClubMembership, ClubMembership.state == MembershipState.ACTIVE)
    assert members == 1 + len(people)
    assert await count(RatingCount, RatingCount.number > 0) > 0
