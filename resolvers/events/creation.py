"""Events: making them, with services and venue in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import select

from auth.permissions import Permission
from auth.viewer import Viewer
from auth.visibility.clubs import clubs_of, clubs_visible_to
from database import UnitOfWork, on_conflict
from errors import ErrorCode, Forbidden, NotFound, Required, UserError, _, check_text, refuse
from models import (
    Club,
    ClubMembership,
    DomainEvent,
    Event,
    EventHost,
    EventInterest,
    EventRole,
    EventVisibility,
    Service,
    Venue,
)
from resolvers.booking.bookability import CapacityBelowTaken, CapacityExceedsEvent, CapacityNeeded
from resolvers.chat import members
from resolvers.clubs.clubs import LockedClub, membership, share
from resolvers.core import audit
from resolvers.core.moments import in_utc
from resolvers.core.money import Price, check_price
from resolvers.events import venues
from resolvers.events.validation import (
    EventFrame,
    NewService,
    build_services,
    check_category,
    check_places,
    check_times,
)
from resolvers.people import interests

check_title = partial(check_text, maximum=500, required=True)
check_description = partial(check_text, maximum=20_000, multiline=True)


class GiveOneVenue(UserError):
    code = ErrorCode.INVALID
    message = _("Give either the id of a venue or a new venue, not both.")


@dataclass(frozen=True, kw_only=True)
class EventCreated(DomainEvent):
    name: ClassVar[str] = "event.created"
    subject_type: ClassVar[str] = "Event"


@dataclass(frozen=True, kw_only=True)
class NewEvent:
    title: str
    description: str | None = None
    category_id: UUID
    interest_ids: Sequence[UUID] = ()
    club_id: UUID | None = None
    visibility: EventVisibility = EventVisibility.PUBLIC
    starts_at: datetime
    ends_at: datetime
    capacity: int | None = None
    price: Price = field(default_factory=lambda: Price(amount=Decimal(0), currency="RUB"))
    venue_id: UUID | None = None
    new_venue: venues.NewVenue | None = None
    services: Sequence[NewService] = ()


async def create(uow: UnitOfWork, viewer: Viewer, *, wanted: NewEvent) -> Event:
    """Write a draft with its services, its author as organiser, and its chat. Raises every problem of the input at
    once.
    """
    author_id = viewer.require_user()
    problems: list[UserError] = []
    venue = await choose_venue(uow, viewer, problems, venue_id=wanted.venue_id, new_venue=wanted.new_venue)
    event = _build(problems, wanted, author_id)
    await check_category(uow, problems, wanted.category_id)
    interest_ids = await interests.check_known(uow, problems, wanted.interest_ids, "interestIds")
    await _check_club(uow, viewer, problems, wanted)
    services = await _check_services(uow, viewer, problems, wanted, zone=venue.time_zone if venue else None)
    refuse(problems)
    if venue is None:
        raise Required(path=("venueId",))
    if wanted.new_venue is not None:
        await venues.add(uow, venue, "newVenue")
    event.venue_id, event.time_zone = venue.id, venue.time_zone
    event.starts_at, event.ends_at = in_utc(event.starts_at), in_utc(event.ends_at)
    for service in services:
        service.starts_at, service.ends_at = in_utc(service.starts_at), in_utc(service.ends_at)
    await _write(uow, event, services, interest_ids, author_id)
    venues.touch(venue)
    if wanted.club_id is not None and viewer.is_staff and not await _is_member(uow, author_id, wanted.club_id):
        audit.note(
            uow, viewer, "event.create", subject_type="Event", subject_id=event.id,
            after={"club_id": event.club_id, "title": event.title},
        )  # fmt: skip
    return event


async def _is_member(uow: UnitOfWork, user_id: UUID, club_id: UUID) -> bool:
    found = await uow.session.scalar(select(clubs_of(user_id).where(ClubMembership.club_id == club_id).exists()))
    return bool(found)


def check_words(problems: list[UserError], title: str, description: str | None) -> tuple[str, str | None]:
    """Title and description without outer spaces."""
    return check_title(problems, title, "title") or "", check_description(problems, description, "description")


def check_one_venue(problems: list[UserError], venue_id: Any, new_venue: Any) -> bool:
    """Whether there is exactly one: a known venue, or a new one."""
    if venue_id is None and new_venue is None:
        problems.append(Required(path=("venueId",)))
    elif venue_id is not None and new_venue is not None:
        problems.append(GiveOneVenue(path=("venueId",)))
    return (venue_id is None) != (new_venue is None)


async def choose_venue(
    uow: UnitOfWork,
    viewer: Viewer,
    problems: list[UserError],
    *,
    venue_id: UUID | None,
    new_venue: venues.NewVenue | None,
) -> Venue | None:
    """Return the one venue that was given: a known one, or a new one that is not written yet."""
    if not check_one_venue(problems, venue_id, new_venue):
        return None
    if new_venue is not None:
        if not viewer.can(Permission.VENUE_CREATE):
            problems.append(Forbidden(path=("newVenue",)))
        return venues.build(problems, viewer, new_venue, "newVenue")
    found = await uow.session.get(Venue, venue_id)
    if found is None:
        problems.append(NotFound(path=("venueId",)))
    return found


def _build(problems: list[UserError], wanted: NewEvent, author_id: UUID) -> Event:
    title, description = check_words(problems, wanted.title, wanted.description)
    check_times(problems, wanted.starts_at, wanted.ends_at)
    check_places(problems, wanted.capacity, "capacity")
    check_price(problems, wanted.price, "price")
    return Event(
        title=title,
        description=description,
        category_id=wanted.category_id,
        club_id=wanted.club_id,
        visibility=wanted.visibility,
        starts_at=wanted.starts_at,
        ends_at=wanted.ends_at,
        capacity=wanted.capacity,
        price_amount=wanted.price.amount,
        price_currency=wanted.price.currency,
        created_by_id=author_id,
    )


async def _check_club(uow: UnitOfWork, viewer: Viewer, problems: list[UserError], wanted: NewEvent) -> None:
    if wanted.club_id is None:
        if wanted.visibility is EventVisibility.CLUB:
            problems.append(Required(path=("clubId",)))
        return
    await share(uow, wanted.club_id)
    club = await uow.session.scalar(clubs_visible_to(viewer).where(Club.id == wanted.club_id))
    if club is None:
        problems.append(NotFound(path=("clubId",)))
        return
    own = await membership(uow, wanted.club_id, viewer.require_user())
    if not LockedClub(club, own, viewer.is_staff).may_add_events:
        problems.append(Forbidden(path=("clubId",)))


async def _check_services(
    uow: UnitOfWork, viewer: Viewer, problems: list[UserError], wanted: NewEvent, *, zone: str | None
) -> list[Service]:
    if not wanted.services:
        return []
    if not viewer.can(Permission.EVENT_OFFER_SERVICES):
        problems.append(Forbidden(path=("services",)))
    if wanted.capacity is None:
        problems.append(CapacityNeeded(path=("capacity",)))
    times_are_sound = check_times([], wanted.starts_at, wanted.ends_at)
    frame = EventFrame(wanted.starts_at, wanted.ends_at, wanted.capacity, zone) if times_are_sound else None
    return await build_services(uow, viewer, problems, wanted.services, "services", frame=frame)


async def _write(
    uow: UnitOfWork, event: Event, services: Sequence[Service], interest_ids: Sequence[UUID], author_id: UUID
) -> None:
    uow.session.add(event)
    await uow.session.flush()
    uow.session.add(EventHost(event_id=event.id, user_id=author_id, role=EventRole.ORGANIZER))
    async with on_conflict(uow.session, **capacity_refusals(event)):
        for service in services:
            service.event_id = event.id
            uow.session.add(service)
    await interests.replace(uow, EventInterest, "event_id", event.id, interest_ids)
    uow.record(EventCreated(subject_id=event.id))
    await members.create_for_event(uow, event, [author_id])


def capacity_refusals(event: Event, *path: str) -> dict[str, UserError]:
    """Return the refusal that each check of capacity in the database means to a client."""
    return {
        "ck_events_taken_within_capacity": CapacityBelowTaken(path=path, taken=event.taken),
        "ck_services_event_has_capacity": CapacityNeeded(path=path),
        "ck_services_capacity_within_event": CapacityExceedsEvent(path=path, capacity=event.capacity),
    }
