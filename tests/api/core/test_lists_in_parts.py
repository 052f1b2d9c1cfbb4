"""Lists that are read in parts show what their visibility says: every row once, in order, whoever looks."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

import dataloaders.booking.bookings
import dataloaders.booking.registrations
import dataloaders.clubs.membership
import dataloaders.notifications.notifications
import dataloaders.reviews.reviews
from auth.viewer import GUEST, Viewer
from models import (
    Admission,
    Attendance,
    Booking,
    ClubMembership,
    ClubRole,
    ClubVisibility,
    EventStatus,
    MembershipState,
    Notification,
    NotificationType,
    Registration,
    Review,
    ReviewStatus,
    Role,
    User,
)
from tests.factories import (
    in_days,
    make_booking,
    make_category,
    make_club,
    make_event,
    make_host,
    make_membership,
    make_notification,
    make_registration,
    make_review,
    make_service,
    make_service_type,
    make_user,
    make_venue,
)

PLACES = [
    SimpleNamespace(admissions=None, attendances=None),
    SimpleNamespace(admissions=[Admission.CONFIRMED, Admission.REJECTED], attendances=None),
    SimpleNamespace(admissions=[Admission.CANCELLED], attendances=[Attendance.ATTENDED, Attendance.EXPECTED]),
]
FILTERS: dict[Any, list[Any]] = {
    dataloaders.booking.registrations.by_event_id: [None, *PLACES],
    dataloaders.booking.registrations.participants_by_event_id: [None],
    dataloaders.booking.bookings.by_service_id: [None, *PLACES],
    dataloaders.clubs.membership.members_by_club_id: [
        SimpleNamespace(states=states, roles=roles)
        for states in (None, [MembershipState.ACTIVE], [MembershipState.PENDING, MembershipState.BANNED])
        for roles in (None, [ClubRole.MEMBER], [ClubRole.ADMIN, ClubRole.OWNER])
    ],
    dataloaders.reviews.reviews.by_event_id: [
        SimpleNamespace(statuses=statuses, ratings=ratings)
        for statuses in (None, [ReviewStatus.HIDDEN], [ReviewStatus.PUBLISHED], [*ReviewStatus])
        for ratings in (None, [1, 2])
    ],
    dataloaders.notifications.notifications.by_user_id: [
        SimpleNamespace(types=types, unread_only=unread)
        for types in (None, [NotificationType.EVENT_CHANGED], [*NotificationType])
        for unread in (False, True)
    ],
}


@pytest.fixture
async def world(save):
    """An event, a service and a club with a person in each state, by role and privacy; and who looks at them."""
    lookers = {role: make_user(role=role) for role in Role if role is not Role.GUEST} | {"host": make_user()}
    category, venue, kind = make_category(), make_venue(), make_service_type()
    clubs = [make_club(visibility=visibility) for visibility in (ClubVisibility.PUBLIC, ClubVisibility.PRIVATE)]
    people = [
        make_user(privacy=privacy, is_active=is_active)
        for privacy in ({}, *({"registrations": one, "clubs": one} for one in ("EVERYONE", "MEMBERS", "NOBODY")))
        for is_active in (True, True, False)
    ]
    await save(*lookers.values(), *people, category, venue, kind, *clubs)
    host = lookers["host"]
    open_to_all = make_event(host, category, venue, starts_at=in_days(-5))
    of_club = make_event(host, category, venue, starts_at=in_days(-5), visibility="CLUB", club=clubs[1])
    gone = make_event(host, category, venue, starts_at=in_days(-5), status=EventStatus.CANCELLED, deleted_at=in_days(0))
    events = [open_to_all, of_club, gone]
    await save(*events)
    services = [make_service(event, kind) for event in events]
    await save(*services, *(make_host(event, host) for event in events))
    parts: list[Any] = []
    admissions, attendances = [*Admission], [*Attendance]
    states, roles = [*MembershipState], [*ClubRole]
    for at, person in enumerate([*people, *people[:3], lookers[Role.USER], lookers[Role.MODERATOR]]):
        if at >= len(people) and person in people:
            continue
        for event, service in zip(events, services, strict=True):
            taken = {
                "admission": admissions[at % len(admissions)], "attendance": attendances[at % len(attendances)],
            }  # fmt: skip
            parts += [make_registration(event, person, **taken), make_booking(service, person, **taken)]
            status = ReviewStatus.HIDDEN if at % 2 else ReviewStatus.PUBLISHED
            parts.append(make_review(event, person, status=status, rating=1 + at % 5))
    for at, person in enumerate(people):
        for club in clubs:
            state = states[at % len(states)]
            role = roles[at % len(roles)] if state is MembershipState.ACTIVE else ClubRole.MEMBER
            parts.append(make_membership(club, person, state=state, role=role))
    parts += [make_membership(club, host, role=ClubRole.MODERATOR) for club in clubs]
    parts += [make_membership(club, lookers[Role.USER], state=MembershipState.BANNED) for club in clubs]
    parts += [
        make_notification(host, at, type=kind, read_at=in_days(0) if at % 3 else None)
        for at, kind in enumerate(NotificationType, 1)
    ]
    await save(*parts)
    looking = [GUEST, *(Viewer(one) for one in (*lookers.values(), people[0], people[10]))]
    owners = {
        Registration: events, User: events, Review: events, Booking: services, ClubMembership: clubs,
        Notification: [host],
    }  # fmt: skip
    return SimpleNamespace(looking=looking, owners=owners)


async def test_parts_are_the_rows_of_the_list_each_once(ports, world):
    shown: Counter[Any] = Counter()
    async with ports.database.reading() as session:
        for declaration, filters in FILTERS.items():
            for viewer in world.looking:
                for filter in filters:
                    for owner in world.owners[declaration.entity]:
                        whole = declaration.select(viewer)
                        if filter is not None and declaration.filter is not None:
                            whole = declaration.filter(whole, viewer, filter)
                        found = [
                            sorted(await ids(session, declaration, owner, parts))
                            for parts in ([whole], declaration.parts(viewer, owner.id, filter))
                        ]
                        assert found[0] == found[1], (declaration.entity, viewer.role, filter, owner)
                        shown[declaration] += len(found[0])
    assert all(shown[declaration] > 20 for declaration in FILTERS), shown


async def ids(session: Any, declaration: Any, owner: Any, parts: Any) -> list[Any]:
    found: list[Any] = []
    for part in parts:
        wanted = part.where(declaration.key == owner.id).with_only_columns(
            declaration.entity.id, maintain_column_froms=True
        )
        found += await session.scalars(select(wanted.subquery()))
    return found
