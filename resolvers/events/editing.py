"""Changing an event that exists, under optimistic versions, and telling those who take part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, cast
from uuid import UUID

from sqlalchemy import select

from auth.rights import acts_as_staff, is_trusted_with
from auth.viewer import Viewer
from database import UnitOfWork
from errors import ErrorCode, UserError, VersionConflict, _, refuse
from models import (
    DomainEvent,
    Event,
    EventInterest,
    EventRevision,
    EventStatus,
    EventVisibility,
    NotificationType,
    Service,
    Venue,
)
from resolvers.booking import admission, bookability, service_news
from resolvers.booking.changes import EventCapacity
from resolvers.booking.locks import editable
from resolvers.booking.registrations import participant_ids
from resolvers.booking.service_news import Times
from resolvers.core import audit
from resolvers.core.moments import in_utc
from resolvers.core.money import Price, check_price
from resolvers.events import revisions, service_times, states, venues
from resolvers.events.creation import check_words, choose_venue
from resolvers.events.lifecycle import submit, withdraw_from_review
from resolvers.events.revisions import REVIEWED
from resolvers.events.service_times import Move
from resolvers.events.states import EventAction
from resolvers.events.validation import (
    EventChanges,
    check_category,
    check_places,
    check_times,
)
from resolvers.notifications.notifications import Notice, notify_all, topic_of
from resolvers.notifications.words import changes_between
from resolvers.people import interests

NEWSWORTHY = ("title", "startsAt", "endsAt", "venue", "price")
"""Changes that participants are told about."""


class EventHasNoClub(UserError):
    code = ErrorCode.INVALID
    message = _("Only an event of a club can be restricted to its members.")


@dataclass(frozen=True, kw_only=True)
class EventUpdated(DomainEvent):
    name: ClassVar[str] = "event.updated"
    subject_type: ClassVar[str] = "Event"
    changes: list[str]


@dataclass(frozen=True)
class EditResult:
    """The outcome of an edit."""

    event: Event
    revision: EventRevision | None
    """The revision that waits for a moderator now, made of this edit and those before it."""
    changed: list[str]
    """Names of the fields that changed at once, as clients know them."""


async def update(
    uow: UnitOfWork,
    viewer: Viewer,
    *,
    event_id: UUID,
    expected_version: int,
    changes: EventChanges,
    move_services: bool = False,
) -> EditResult:
    """Change an event. Of one that is out, what a moderator has approved waits for review unless the viewer is trusted
    with it (`event_revisions`); everything else changes at once.

    With `move_services`, its services move along (`service_times`). Nothing that differs, nothing happens:
    the version stays, and nobody is told.
    """
    event = await editable(uow, viewer, event_id)
    if event.version != expected_version:
        raise VersionConflict(path=("expectedVersion",), expected_version=event.version)
    states.require(event, EventAction.UPDATE, "eventId")
    touches_reviewed = event.status is not EventStatus.DRAFT and bool(REVIEWED.keys() & changes.keys())
    needs_review = touches_reviewed and not await is_trusted_with(uow.session, viewer, event)
    before, former_zone, revision = await _audited(uow, event), event.time_zone, None
    if needs_review and event.status is EventStatus.PUBLISHED:
        revision, done = await _propose(uow, viewer, event, changes, move_services=move_services)
    else:
        plan = await _check(uow, viewer, event, changes, move_services=move_services)
        done = await _carry_out(uow, viewer, event, changes, plan)
        if needs_review and set(REVIEWED.values()) & set(done.changed):
            # A moderator decides on what they have looked at, so it is submitted anew.
            await withdraw_from_review(uow, event)
            submit(uow, viewer, event)
    await _leave_trail(uow, viewer, event, before, done.changed)
    news = await _news(uow, event, before, done, actor_id=viewer.id, former_zone=former_zone)
    is_changed_after_all = bool(set(REVIEWED.values()) & set(done.changed))
    ends = [topic_of(NotificationType.EVENT_CHANGE_REJECTED, event.id)] if is_changed_after_all else ()
    await notify_all(uow, news, ends=ends)
    return EditResult(event, revision, done.changed)


async def _leave_trail(
    uow: UnitOfWork, viewer: Viewer, event: Event, before: Mapping[str, Any], changed: Sequence[str]
) -> None:
    """Write audit entries of all changes by staff, and of a capacity changed by anyone (`docs/domain.md`)."""
    after = await _audited(uow, event)
    if changed and await acts_as_staff(uow.session, viewer, event):
        audit.note(uow, viewer, "event.update", subject_type="Event", subject_id=event.id, before=before, after=after)
    elif "capacity" in changed:
        audit.note(
            uow, viewer, "event.capacity.change", subject_type="Event", subject_id=event.id,
            before={"capacity": before["capacity"]}, after={"capacity": event.capacity},
        )  # fmt: skip


async def _propose(
    uow: UnitOfWork, viewer: Viewer, event: Event, changes: EventChanges, *, move_services: bool
) -> tuple[EventRevision | None, EditChanges]:
    """Change at once what needs no review, and put the rest before a moderator, together with what waits already."""
    before = await revisions.pending(uow, event)
    wanted = changes
    if before is not None:
        wanted = _together(_still_possible(event, revisions.changes_of(before)), changes)
        move_services = move_services or (before.moves_services and not {"starts_at", "ends_at"} & changes.keys())
    plan = await _check(uow, viewer, event, wanted, move_services=move_services)
    proposed = {name: value for name, value in wanted.items() if name in REVIEWED}
    if plan.venue is not None:
        if "new_venue" in changes:
            await venues.add(uow, plan.venue, "newVenue")
        proposed["venue_id"] = plan.venue.id
    revision = await revisions.propose(uow, viewer, event, cast(EventChanges, proposed), moves_services=move_services)
    if revision is not before:
        event.version += 1
    at_once = {name: value for name, value in changes.items() if name not in REVIEWED}
    return revision, await _carry_out(uow, viewer, event, cast(EventChanges, at_once), plan.without_reviewed(event))


def _still_possible(event: Event, proposed: EventChanges) -> EventChanges:
    """Return the proposed changes, without time and place if the event took place in the meantime."""
    kept = {"title", "description"} if states.took_place(event) else proposed.keys()
    return cast(EventChanges, {name: value for name, value in proposed.items() if name in kept})


def _together(earlier: EventChanges, later: EventChanges) -> EventChanges:
    """Two edits as one. Of a venue that is known and one that is new the later one counts."""
    venue = {"venue_id", "new_venue"}
    kept = {name: value for name, value in earlier.items() if name not in venue or not venue & later.keys()}
    return cast(EventChanges, kept | later)


async def approve(
    uow: UnitOfWork, viewer: Viewer, event: Event, revision: EventRevision, *, author_id: UUID
) -> list[Notice]:
    """Carry out what was proposed, if it still can be. Participants hear of it as of an edit by its author."""
    states.require(event, EventAction.UPDATE)
    before, former_zone = _snapshot(event), event.time_zone
    changes = revisions.changes_of(revision)
    plan = await _check(uow, viewer, event, changes, move_services=revision.moves_services)
    done = await _carry_out(uow, viewer, event, changes, plan)
    return await _news(uow, event, before, done, actor_id=author_id, former_zone=former_zone)


@dataclass(frozen=True)
class EditChanges:
    """The differences that an edit made."""

    changed: list[str]
    """Names that clients know."""
    former: Mapping[UUID, Times]
    """Times of services before they moved along."""


async def _carry_out(
    uow: UnitOfWork, viewer: Viewer, event: Event, changes: EventChanges, plan: EditPlan
) -> EditChanges:
    """Write what was checked."""
    done = await _apply(uow, event, changes, plan)
    if done.changed:
        event.version += 1
        uow.record(EventUpdated(subject_id=event.id, changes=done.changed))
    if "capacity" in done.changed:
        wanted = EventCapacity(event_id=event.id, capacity=plan.capacity, path=("capacity",))
        await admission.change_under_lock(uow, viewer, [wanted], actor_id=viewer.require_user())
    return done


def _snapshot(event: Event) -> dict[str, Any]:
    """Values by the names that clients know."""
    return {
        "title": event.title,
        "description": event.description,
        "category": event.category_id,
        "visibility": event.visibility,
        "startsAt": event.starts_at,
        "endsAt": event.ends_at,
        "capacity": event.capacity,
        "price": Price.of(event),
        "venue": event.venue_id,
    }


async def _audited(uow: UnitOfWork, event: Event) -> dict[str, Any]:
    """As `_snapshot`, with the interests."""
    found = await uow.session.scalars(select(EventInterest.interest_id).where(EventInterest.event_id == event.id))
    return _snapshot(event) | {"interests": sorted(found)}


@dataclass(frozen=True)
class EditPlan:
    """Checked values of everything that may change."""

    title: str
    description: str | None
    visibility: EventVisibility
    starts_at: datetime
    ends_at: datetime
    capacity: int | None
    moved: Mapping[UUID, Times]
    """New times of the services that move along."""
    venue: Venue | None
    """Null if the venue stays."""
    interest_ids: list[UUID] | None
    """Null if the interests stay."""

    def without_reviewed(self, event: Event) -> EditPlan:
        """Everything that a moderator looks at as it is."""
        return replace(
            self,
            title=event.title,
            description=event.description,
            starts_at=event.starts_at,
            ends_at=event.ends_at,
            moved={},
            venue=None,
        )


async def _check(
    uow: UnitOfWork, viewer: Viewer, event: Event, changes: EventChanges, *, move_services: bool
) -> EditPlan:
    """Everything that is wrong, raised at once."""
    problems: list[UserError] = []
    starts_at, ends_at = changes.get("starts_at", event.starts_at), changes.get("ends_at", event.ends_at)
    same_times = (starts_at, ends_at) == (event.starts_at, event.ends_at)
    is_history = states.took_place(event)
    times_are_sound = not is_history and check_times(problems, starts_at, ends_at, unchanged=same_times)
    venue = None
    if "venue_id" in changes or "new_venue" in changes:
        known, new = changes.get("venue_id"), changes.get("new_venue")
        venue = await choose_venue(uow, viewer, problems, venue_id=known, new_venue=new)
    if is_history:
        problems += _moves(event, changes, starts_at, ends_at, venue)
    moved: Mapping[UUID, Times] = {}
    if times_are_sound and not any(one.path[-1:] == ("timeZone",) for one in problems):
        zone = venue.time_zone if venue is not None else event.time_zone
        move = Move.of(event, starts_at=starts_at, time_zone=zone) if move_services else None
        if move or not same_times:
            moved = await service_times.check(uow, problems, event, starts_at, ends_at, move=move)
    title, description = check_words(
        problems, changes.get("title", event.title), changes.get("description", event.description)
    )
    visibility = changes.get("visibility", event.visibility)
    if visibility is EventVisibility.CLUB and event.club_id is None:
        problems.append(EventHasNoClub(path=("visibility",)))
    if "category_id" in changes:
        await check_category(uow, problems, changes["category_id"])
    if "price" in changes:
        check_price(problems, changes["price"], "price")
    places = changes.get("capacity", event.capacity)
    await _check_capacity(uow, problems, event, places)
    interest_ids = None
    if "interest_ids" in changes:
        interest_ids = await interests.check_known(uow, problems, changes["interest_ids"], "interestIds")
    refuse(problems)
    return EditPlan(title, description, visibility, starts_at, ends_at, places, moved, venue, interest_ids)


def _moves(
    event: Event, changes: EventChanges, starts_at: datetime, ends_at: datetime, venue: Venue | None
) -> list[UserError]:
    """Return a refusal for each part of an edit that would move an event which took place."""
    moved = {
        "startsAt": starts_at != event.starts_at,
        "endsAt": ends_at != event.ends_at,
        "newVenue": "new_venue" in changes,
        "venueId": venue is not None and "new_venue" not in changes and venue.id != event.venue_id,
    }
    return [states.EventTookPlace(path=(name,)) for name, is_moved in moved.items() if is_moved]


async def _apply(uow: UnitOfWork, event: Event, changes: EventChanges, plan: EditPlan) -> EditChanges:
    """Write values."""
    before = _snapshot(event)
    if plan.venue is not None:
        if "new_venue" in changes:
            await venues.add(uow, plan.venue, "newVenue")
        event.venue_id, event.time_zone = plan.venue.id, plan.venue.time_zone
    event.title, event.description, event.visibility = plan.title, plan.description, plan.visibility
    event.category_id = changes.get("category_id", event.category_id)
    event.starts_at, event.ends_at = in_utc(plan.starts_at), in_utc(plan.ends_at)
    if "price" in changes:
        event.price_amount, event.price_currency = changes["price"].amount, changes["price"].currency
    former = await service_times.write(uow, plan.moved)
    after = _snapshot(event) | {"capacity": plan.capacity}
    changed = [name for name, value in after.items() if value != before[name]]
    if plan.venue is not None and "venue" in changed:
        venues.touch(plan.venue)
    if plan.interest_ids is not None and any(
        await interests.replace(uow, EventInterest, "event_id", event.id, plan.interest_ids)
    ):
        changed.append("interests")
    return EditChanges(changed, former)


async def _check_capacity(uow: UnitOfWork, problems: list[UserError], event: Event, wanted: int | None) -> None:
    """Not below what is taken, not below what a service offers, and never none where there are services."""
    if wanted == event.capacity:
        return
    if not check_places(problems, wanted, "capacity"):
        return
    offered = await uow.session.scalars(
        select(Service.capacity).where(Service.event_id == event.id, Service.cancelled_at.is_(None))
    )
    problems += bookability.refusals_of_capacity(event, wanted, offered.all(), "capacity")


async def _news(
    uow: UnitOfWork,
    event: Event,
    before: Mapping[str, Any],
    done: EditChanges,
    *,
    actor_id: UUID | None,
    former_zone: str,
) -> list[Notice]:
    """Return the notices of an edit: participants hear of the event, people with bookings of services that moved."""
    if event.status is not EventStatus.PUBLISHED:
        return []
    after = _snapshot(event)
    services = await service_news.moved(uow, event, done.former, actor_id=actor_id, former_zone=former_zone)
    if all(before[name] == after[name] for name in NEWSWORTHY):
        return services
    if before["venue"] != after["venue"]:
        venues_before_and_after = select(Venue.id, Venue.name).where(Venue.id.in_([before["venue"], after["venue"]]))
        names = {row.id: row.name for row in await uow.session.execute(venues_before_and_after)}
        before, after = ({**one, "venue": names[one["venue"]]} for one in (before, after))
    return [
        Notice(
            recipients=participant_ids(event.id),
            object_id=event.id,
            type=NotificationType.EVENT_CHANGED,
            subject=event,
            actor_id=actor_id,
            params={"changes": changes_between(before, after, *NEWSWORTHY), "former_time_zone": former_zone},
            topic=topic_of(NotificationType.EVENT_CHANGED, event.id),
        ),
        *services,
    ]
