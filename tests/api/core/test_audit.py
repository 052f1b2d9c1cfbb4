"""Whatever staff do to somebody else's things leaves one entry, with what was before and after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

import models
from models import (
    AuditEntry,
    ClubRole,
    EventStatus,
    MembershipState,
    ModerationItem,
    Role,
)
from tests.factories import (
    in_days,
    make_booking,
    make_category,
    make_club,
    make_event,
    make_host,
    make_interest,
    make_membership,
    make_registration,
    make_review,
    make_service,
    make_service_type,
    make_user,
    make_venue,
)


@dataclass
class Things:
    """Of Ada, who hosts events and owns a club, and of Bob, who takes part. The staff have a part in none of it."""

    rows: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        return self.rows[name]


async def things(save: Any) -> Things:
    ada, bob, cy, dan, eve = (make_user() for _ in range(5))
    staff = {role.name.lower(): make_user(role=role) for role in (Role.VOLUNTEER, Role.MODERATOR, Role.ADMIN)}
    category, venue, club, kind, jazz = make_category(), make_venue(), make_club(), make_service_type(), make_interest()
    await save(ada, bob, cy, dan, eve, *staff.values(), category, venue, club, kind, jazz)
    members = {
        "member": make_membership(club, bob),
        "asking": make_membership(club, cy, state=MembershipState.PENDING),
        "banned": make_membership(club, dan, state=MembershipState.BANNED),
    }
    made = {
        "event": make_event(ada, category, venue),
        "empty": make_event(ada, category, venue),
        "draft": make_event(ada, category, venue, status=EventStatus.DRAFT, published_at=None),
        "waiting": make_event(ada, category, venue, status=EventStatus.PENDING_REVIEW, published_at=None),
        "called_off": make_event(ada, category, venue, status=EventStatus.CANCELLED, cancelled_at=in_days(-1)),
        "held": make_event(ada, category, venue, status=EventStatus.ARCHIVED, starts_at=in_days(-3)),
        "offering": make_event(ada, category, venue),
    }
    await save(make_membership(club, ada, role=ClubRole.OWNER), *members.values(), *made.values())
    revision = models.EventRevision(id=models.uuid7(), event_id=made["empty"].id, title="Another")
    service, idle = make_service(made["offering"], kind), make_service(made["offering"], kind)
    item = ModerationItem(id=models.uuid7(), event_id=made["waiting"].id, submitted_by_id=ada.id)
    review = make_review(made["held"], bob)
    await save(revision, service, idle, item, review, *(make_host(event, ada) for event in made.values()))
    registration = make_registration(made["event"], bob)
    put_out = make_registration(made["event"], dan, admission=models.Admission.REJECTED)
    await save(registration, put_out, make_host(made["event"], cy, models.EventRole.CO_ORGANIZER))
    proposal = ModerationItem(
        id=models.uuid7(), event_id=made["empty"].id, revision_id=revision.id, submitted_by_id=ada.id
    )
    await save(proposal, *(make_registration(made[name], bob) for name in ("held", "offering")))
    booking = make_booking(service, bob)
    await save(booking)
    people = {"ada": ada, "bob": bob, "eve": eve, **staff}
    others = {
        "category": category, "venue": venue, "club": club, "kind": kind, "jazz": jazz, "revision": revision,
        "service": service, "idle": idle, "item": item, "proposal": proposal, "review": review, "booking": booking,
        "registration": registration, "put_out": put_out, "cohost": cy,
    }  # fmt: skip
    return Things(people | members | made | others)


@dataclass(frozen=True)
class Deed:
    """What a member of staff asks for, and the action that the entry names."""

    action: str
    input: Callable[[Things], dict[str, Any]]
    who: str = "moderator"
    subject: str | None = None


def dates(event: models.Event) -> dict[str, str]:
    return {"startsAt": event.starts_at.isoformat(), "endsAt": event.ends_at.isoformat()}


def new_event(of: Things) -> dict[str, Any]:
    given = {"title": "New", "categoryId": of.category, "venueId": of.venue, "clubId": of.club}
    return given | {"startsAt": in_days(5).isoformat(), "endsAt": in_days(6).isoformat()}


AUDITED: dict[str, Deed | list[Deed]] = {
    "addEventHost": [
        Deed("event.host.change", lambda of: {"eventId": of.event, "userId": of.eve, "role": "STAFF"}, subject="event"),
        Deed(
            "event.host.change",
            lambda of: {"eventId": of.event, "userId": of.moderator, "role": "ORGANIZER"},
            subject="event",
        ),
    ],
    "addService": Deed(
        "service.add", lambda of: {"eventId": of.offering, "serviceTypeId": of.kind, **dates(of.offering)}
    ),
    "approveClubMember": Deed("club.approve", lambda of: {"membershipId": of.asking}, subject="asking"),
    "archiveEvent": Deed("event.status.change", lambda of: {"eventId": of.empty}, subject="empty"),
    "assignRole": Deed("user.role.assign", lambda of: {"userId": of.bob, "role": "VOLUNTEER"}, "admin", "bob"),
    "bookServices": Deed(
        "booking.create", lambda of: {"serviceIds": [of.service, of.idle], "onBehalfOf": of.eve}, "volunteer", "eve"
    ),
    "cancelBooking": Deed("booking.cancel", lambda of: {"bookingId": of.booking}, "volunteer", "booking"),
    "cancelEvent": Deed("event.status.change", lambda of: {"eventId": of.event}, subject="event"),
    "cancelRegistration": [
        Deed("registration.cancel", lambda of: {"eventId": of.event, "userId": of.bob}),
        Deed("registration.cancel", lambda of: {"eventId": of.event, "userId": of.bob}, "volunteer"),
    ],
    "cancelService": Deed("service.cancel", lambda of: {"serviceId": of.service}, subject="service"),
    "changeEventHostRole": Deed(
        "event.host.change",
        lambda of: {"eventId": of.event, "userId": of.cohost, "role": "STAFF"},
        subject="event",
    ),
    "changeClubMemberRole": Deed(
        "club.change_role", lambda of: {"membershipId": of.member, "role": "MODERATOR"}, subject="member"
    ),
    "createEvent": Deed("event.create", new_event),
    "decideModerationItem": [
        Deed("moderation.decide", lambda of: {"itemId": of.item, "decision": "APPROVE"}, subject="waiting"),
        Deed(
            "moderation.decide",
            lambda of: {"itemId": of.item, "decision": "REJECT", "reason": "No"},
            subject="waiting",
        ),
        Deed("moderation.decide", lambda of: {"itemId": of.proposal, "decision": "APPROVE"}, subject="empty"),
    ],
    "deleteEvent": [
        Deed("event.delete", lambda of: {"eventId": of.empty}, subject="empty"),
        Deed("event.delete", lambda of: {"eventId": of.called_off}, subject="called_off"),
    ],
    "deleteReview": Deed("review.delete", lambda of: {"reviewId": of.review}, subject="review"),
    "deleteService": Deed("service.delete", lambda of: {"serviceId": of.idle}, subject="idle"),
    "inviteToClub": [
        Deed("club.invite", lambda of: {"clubId": of.club, "userId": of.eve}),
    ],
    "liftClubBan": Deed("club.lift_ban", lambda of: {"membershipId": of.banned}, subject="banned"),
    "publishEvent": [
        Deed("event.status.change", lambda of: {"eventId": of.draft}, subject="draft"),
        Deed("event.status.change", lambda of: {"eventId": of.waiting}, subject="waiting"),
    ],
    "reactivateEvent": [
        Deed("event.status.change", lambda of: {"eventId": of.called_off}, subject="called_off"),
        Deed("event.hold_again", lambda of: {"eventId": of.held, "startsAt": in_days(5).isoformat()}),
    ],
    "rejectClubMember": Deed("club.reject", lambda of: {"membershipId": of.asking}, subject="asking"),
    "removeClubMember": Deed("club.remove", lambda of: {"membershipId": of.member, "reason": "No"}, subject="member"),
    "liftRegistrationBan": Deed(
        "registration.lift_ban", lambda of: {"registrationId": of.put_out}, subject="put_out"
    ),
    "removeRegistration": Deed(
        "registration.remove", lambda of: {"registrationId": of.registration, "reason": "No"}, subject="registration"
    ),
    "removeEventHost": Deed(
        "event.host.change", lambda of: {"eventId": of.event, "userId": of.cohost}, subject="event"
    ),
    "setBookingStaffNote": Deed(
        "booking.staff_note.set", lambda of: {"bookingId": of.booking, "note": "Calm"}, "volunteer", "booking"
    ),
    "setRegistrationStaffNote": Deed(
        "registration.staff_note.set", lambda of: {"registrationId": of.registration, "note": "Calm"}, "volunteer"
    ),
    "setUserTrusted": Deed("user.trust", lambda of: {"userId": of.ada, "isTrusted": True}, subject="ada"),
    "updateClub": [
        Deed("club.update", lambda of: {"clubId": of.club, "expectedVersion": 1, "name": "New"}, subject="club"),
        Deed(
            "club.update",
            lambda of: {"clubId": of.club, "expectedVersion": 1, "interestIds": [of.jazz]},
            subject="club",
        ),
    ],
    "updateEvent": [
        Deed(
            "event.update",
            lambda of: {
                "eventId": of.event, "expectedVersion": 1, "title": "New", "capacity": 9, "visibility": "UNLISTED",
                "price": {"amount": "5.50"}, "newVenue": {"name": "Elsewhere"}, "interestIds": [of.jazz],
            },
            subject="event",
        ),
        Deed("event.update", lambda of: {"eventId": of.event, "expectedVersion": 1, "interestIds": [of.jazz]}),
    ],
    "updateProfile": Deed("user.edit", lambda of: {"userId": of.bob, "displayName": "Robert"}, "admin", "bob"),
    "updateService": Deed(
        "service.update",
        lambda of: {"serviceId": of.service, "expectedVersion": 1, "capacity": 5, "windowDays": 3},
        subject="service",
    ),
    "withdrawEventRevision": Deed(
        "event.revision.withdraw", lambda of: {"revisionId": of.revision}, subject="revision"
    ),
}  # fmt: skip
"""Mutations by which staff change what belongs to others."""

REFUSED: dict[str, Callable[[Things], dict[str, Any]]] = {
    "transferClubOwnership": lambda of: {"membershipId": of.member},
    "updateReview": lambda of: {"reviewId": of.review, "rating": 1},
}
"""Those whose input names a thing of somebody else, which staff may not change either."""

OWN = {
    "addChatMembers", "addInterests", "createChat", "createClub", "createReview", "createVenue", "joinClub",
    "leaveChat", "leaveClub", "markAllNotificationsRead", "markChatRead", "markNotificationsRead", "registerForEvent",
    "rejoinChat", "removeInterests", "sendMessage", "setInterests", "updateNotificationPreferences",
    "updatePrivacySettings",
}  # fmt: skip
"""What everyone does with their own, and in chats of which they are members: the role opens nothing more."""
ACCOUNT = {
    "cancelAccountDeletion", "changeEmail", "changePassword", "completeSignUp", "deleteAccount", "refreshSession",
    "requestDataExport", "requestPasswordReset", "resendVerification", "resetPassword", "revokeSession", "signIn",
    "signInWithProvider", "signOut", "signOutEverywhere", "signUp", "startProviderSignIn", "unlinkIdentity",
    "verifyEmail",
}  # fmt: skip
"""About signing in: staff have no way into the account of somebody else."""

DEEDS = [(name, deed) for name, deeds in AUDITED.items() for deed in (deeds if isinstance(deeds, list) else [deeds])]


def mutation(schema: Any, name: str) -> str:
    type_ = schema._schema.mutation_type.fields[name].args["input"].type
    return f"mutation ($input: {type_}) {{ {name}(input: $input) {{ errors {{ code path message }} }} }}"


def test_every_mutation_says_whether_it_is_audited(schema) -> None:
    known = [*AUDITED, *REFUSED, *OWN, *ACCOUNT]

    assert sorted(known) == sorted(schema._schema.mutation_type.fields)


@pytest.mark.parametrize(("name", "deed"), DEEDS, ids=[f"{name}-{deed.who}" for name, deed in DEEDS])
async def test_what_staff_do_to_others_leaves_one_entry(schema, client, save, ports, name, deed):
    world = await things(save)

    answer = await client(world.rows[deed.who]).execute(mutation(schema, name), **deed.input(world))

    assert (answer.errors, answer.data[name]["errors"]) == ([], [])
    async with ports.database.reading() as session:
        [entry] = (await session.scalars(select(AuditEntry))).all()
    assert (entry.action, entry.actor_id) == (deed.action, world.rows[deed.who].id)
    assert entry.before != entry.after
    if deed.subject is not None:
        assert entry.subject_id == world.rows[deed.subject].id


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("who", ["moderator", "admin"])
async def test_what_staff_may_not_do_leaves_none(schema, client, save, count, name, who):
    world = await things(save)

    answer = await client(world.rows[who]).execute(mutation(schema, name), **REFUSED[name](world))

    assert [error["code"] for error in answer.data[name]["errors"]] == ["FORBIDDEN"]
    assert await count(AuditEntry) == 0


@pytest.mark.parametrize(("name", "deed"), DEEDS, ids=[f"{name}-{deed.who}" for name, deed in DEEDS])
async def test_a_refused_deed_leaves_none(schema, client, save, ports, count, name, deed):
    """The entry belongs to the transaction: what was not done was not done by anyone."""
    world = await things(save)
    stranger = make_user()
    await save(stranger)

    answer = await client(stranger).execute(mutation(schema, name), **deed.input(world))

    assert answer.errors or answer.data[name]["errors"]
    assert await count(AuditEntry) == 0


async def test_all_that_changed_stands_in_the_entry(schema, client, save, ports):
    world = await things(save)

    await client(world.moderator).execute(
        mutation(schema, "updateEvent"), eventId=world.event, expectedVersion=1, title="New", capacity=9,
        price={"amount": "5.50"}, interestIds=[world.jazz],
    )  # fmt: skip

    async with ports.database.reading() as session:
        [entry] = (await session.scalars(select(AuditEntry))).all()
    assert entry.before == {
        "title": world.event.title, "capacity": 100, "interests": [], "price": {"amount": "0.00", "currency": "RUB"},
    }  # fmt: skip
    assert entry.after == {
        "title": "New", "capacity": 9, "interests": [str(world.jazz.id)],
        "price": {"amount": "5.50", "currency": "RUB"},
    }  # fmt: skip


async def test_a_host_on_the_staff_is_a_host(schema, client, save, ports, count):
    """What administrators do with their own is nobody else's, but for what is audited whoever does it."""
    world = await things(save)
    await save(make_host(world.event, world.admin))
    admin = client(world.admin)

    await admin.execute(mutation(schema, "updateEvent"), eventId=world.event, expectedVersion=1, title="New")
    quiet = await count(AuditEntry)
    await admin.execute(mutation(schema, "updateEvent"), eventId=world.event, expectedVersion=2, capacity=9)

    assert quiet == 0
    assert await count(AuditEntry, AuditEntry.action == "event.capacity.change") == 1
