from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry

import models
from auth.permissions import Permission
from database import UnitOfWork
from errors import (
    Forbidden,
    InvalidId,
    InvalidStatus,
    NotFound,
    OutOfRange,
    Required,
    TooLong,
    TooMany,
    UserError,
    UserErrors,
    VersionConflict,
)
from resolvers.booking import time_conflicts
from resolvers.booking.time_conflicts import TimeConflict
from resolvers.core.moments import TimeNeedsOffset
from resolvers.core.money import InvalidCurrency, InvalidPrice, NotWhole, TooManyDigits
from resolvers.events import editing, events, lifecycle, reactivation
from resolvers.events.validation import (
    CapacityBelowTaken,
    CapacityExceedsEvent,
    CapacityNeeded,
    EndsBeforeStart,
    EventInPast,
    OutsideEvent,
    ServicesWouldLieOutside,
    check_times,
)
from schema.core import ids
from schema.core.context import Info
from schema.core.input_checks import checked
from schema.core.quotas import EVENTS, SERVICES
from schema.core.roots import MutationInput, Payload, PayloadWithWarnings, mutation
from schema.core.user_errors import user_errors
from schema.events.events import Event
from schema.events.inputs import CreateEventInput, UpdateEventInput, event_changes, new_event
from schema.events.revisions import EventRevision
from schema.events.venues import VENUE_PROBLEMS

ACCESS_PROBLEMS = [NotFound, Forbidden, InvalidId]
CONTENT_PROBLEMS = [
    *VENUE_PROBLEMS,
    events.GiveOneVenue,
    TooMany,
    EndsBeforeStart,
    EventInPast,
    TimeNeedsOffset,
    InvalidPrice,
    InvalidCurrency,
    NotWhole,
    TooManyDigits,
    CapacityExceedsEvent,
    CapacityNeeded,
    TimeConflict,
]


@strawberry.type(description="What a change of an event answers.")
class EventPayload(PayloadWithWarnings):
    event: models.Event | None = strawberry.field(default=None, graphql_type=Event | None, description="The event.")


@strawberry.type(description="What an edit of an event answers.")
class UpdateEventPayload(PayloadWithWarnings):
    event: models.Event | None = strawberry.field(default=None, graphql_type=Event | None, description="The event.")
    revision: models.EventRevision | None = strawberry.field(
        default=None,
        graphql_type=EventRevision | None,
        description="What waits for a moderator, by this edit and those before it; null where it all went out.",
    )
    changed_fields: list[str] = strawberry.field(
        default_factory=list, description="Fields of the event that are different now."
    )


@strawberry.type(description="What bringing an event back answers.")
class ReactivateEventPayload(PayloadWithWarnings):
    event: models.Event | None = strawberry.field(
        default=None, graphql_type=Event | None, description="The event; another one where it is held again."
    )
    revision: models.EventRevision | None = strawberry.field(
        default=None,
        graphql_type=EventRevision | None,
        description="What waits for a moderator; null where nothing does. Until then the event stays as it is.",
    )


@strawberry.type(description="What the removal of an event answers.")
class DeleteEventPayload(Payload):
    deleted_event_id: strawberry.ID | None = strawberry.field(default=None, description="The id it had.")


@strawberry.input(description="An event for `publishEvent`.")
class PublishEventInput(MutationInput):
    event_id: strawberry.ID = strawberry.field(description="The event.")


@strawberry.input(description="An event for `cancelEvent`.")
class CancelEventInput(MutationInput):
    event_id: strawberry.ID = strawberry.field(description="The event.")
    reason: str | None = strawberry.field(
        default=None,
        description="For the participants, at most 1,000 characters.",
        metadata=checked(lifecycle.check_reason),
    )


@strawberry.input(description="An event for `archiveEvent`.")
class ArchiveEventInput(MutationInput):
    event_id: strawberry.ID = strawberry.field(description="The event.")


@strawberry.input(description="An event for `reactivateEvent`, with its new date where that has passed.")
class ReactivateEventInput(MutationInput):
    event_id: strawberry.ID = strawberry.field(description="The event, cancelled or archived.")
    starts_at: datetime | None = strawberry.field(
        default=None, description="With offset. The start stays unless given; one is needed where the event is over."
    )
    ends_at: datetime | None = strawberry.field(
        default=None, description="With offset. Unless given, the event lasts as long as before."
    )

    @staticmethod
    def check_together(problems: list[UserError], given: Mapping[str, Any], *path: str) -> None:
        check_times(problems, given.get("starts_at"), given.get("ends_at"))


@strawberry.input(description="An event for `deleteEvent`.")
class DeleteEventInput(MutationInput):
    event_id: strawberry.ID = strawberry.field(description="The event.")


@strawberry.type
class EventMutations:
    @mutation(
        description="Make a draft with its services, its venue and its chat: all of it or, with every problem named "
        "at once, nothing. Services need the permission `EVENT_OFFER_SERVICES`. Recorded as `event.created`.",
        access=Permission.EVENT_CREATE,
        gathers=True,
        raises=[*ACCESS_PROBLEMS, *CONTENT_PROBLEMS, Required, TooLong, OutOfRange, OutsideEvent],
        quotas=[EVENTS, SERVICES.each("services")],
    )
    async def create_event(self, info: Info, input: CreateEventInput) -> EventPayload:
        wanted = new_event(input)
        async with info.context.writing() as uow:
            event = await events.create(uow, info.context.viewer, wanted=wanted)
            warnings = await _conflicts(info, uow, event, "startsAt")
        return EventPayload(event=event, warnings=user_errors(UserErrors(warnings), info.context.reader))

    @mutation(
        description="Change an event that one hosts, of a club that one runs, or as staff. Of an event that is out, "
        "another title, description, place or time waits for a moderator unless the caller is trusted with it, as by "
        "`publishEvent`; the event stays out as it is until then, and everything else changes at once. What waits "
        "already is put together with it. Participants are told of another title, time, place or price. Recorded as "
        "`event.updated`, and as `event.revision.submitted` what waits.",
        access=Permission.EVENT_CREATE,
        gathers=True,
        raises=[
            *ACCESS_PROBLEMS, *CONTENT_PROBLEMS, VersionConflict, InvalidStatus, ServicesWouldLieOutside,
            CapacityBelowTaken, editing.EventHasNoClub,
        ],
    )  # fmt: skip
    async def update_event(self, info: Info, input: UpdateEventInput) -> UpdateEventPayload:
        event_id, changes = ids.decode(input.event_id, "Event"), event_changes(input)
        async with info.context.writing() as uow:
            edited = await editing.update(
                uow,
                info.context.viewer,
                event_id=event_id,
                expected_version=input.expected_version,
                changes=changes,
                move_services=input.move_services,
            )
            is_moved = not {"startsAt", "endsAt", "venue"}.isdisjoint(edited.changed)
            warnings = await _conflicts(info, uow, edited.event, "startsAt") if is_moved else []
        return UpdateEventPayload(
            event=edited.event,
            revision=edited.revision,
            changed_fields=edited.changed,
            warnings=user_errors(UserErrors(warnings), info.context.reader),
        )

    @mutation(
        description="Put a draft out. At once for staff, trusted authors and hosts of its club; anyone else's waits "
        "for a moderator as PENDING_REVIEW. Recorded as `event.published` or `event.submitted`.",
        access=Permission.EVENT_CREATE,
        raises=[*ACCESS_PROBLEMS, InvalidStatus, EventInPast, TimeConflict],
    )
    async def publish_event(self, info: Info, input: PublishEventInput) -> EventPayload:
        event_id = ids.decode(input.event_id, "Event")
        async with info.context.writing() as uow:
            event = await lifecycle.publish(uow, info.context.viewer, event_id=event_id)
            warnings = await _conflicts(info, uow, event, "eventId")
        return EventPayload(event=event, warnings=user_errors(UserErrors(warnings), info.context.reader))

    @mutation(
        description="Call an event off and tell its participants. Recorded as `event.cancelled`.",
        access=Permission.EVENT_CREATE,
        raises=[*ACCESS_PROBLEMS, InvalidStatus, EventInPast, TooLong],
    )
    async def cancel_event(self, info: Info, input: CancelEventInput) -> EventPayload:
        event_id = ids.decode(input.event_id, "Event")
        async with info.context.writing() as uow:
            event = await lifecycle.cancel(uow, info.context.viewer, event_id=event_id, reason=input.reason)
        return EventPayload(event=event)

    @mutation(
        description="Put an event away. One that people still wait for has to be cancelled first. Recorded as "
        "`event.archived`.",
        access=Permission.EVENT_CREATE,
        raises=[*ACCESS_PROBLEMS, InvalidStatus, lifecycle.HasParticipants],
    )
    async def archive_event(self, info: Info, input: ArchiveEventInput) -> EventPayload:
        event_id = ids.decode(input.event_id, "Event")
        async with info.context.writing() as uow:
            event = await lifecycle.archive(uow, info.context.viewer, event_id=event_id)
        return EventPayload(event=event)

    @mutation(
        description="Bring a cancelled or archived event back: published if it was out, else as a draft. What is over "
        "needs a new date; services move along. Another date, and what staff had put away, waits for a moderator by "
        "the rule of `publishEvent`; the event stays as it is until then. Who holds a place keeps it and is told. An "
        "event that people took part in stays in the archive: then the answer is a new event like it, whose "
        "`previousEvent` it is. Recorded as `event.reactivated`, `event.revision.submitted` or `event.created`.",
        access=Permission.EVENT_CREATE,
        raises=[
            *ACCESS_PROBLEMS, InvalidStatus, EventInPast, EndsBeforeStart, TimeNeedsOffset, OutOfRange,
            ServicesWouldLieOutside, TimeConflict,
        ],
        quotas=[EVENTS],
    )  # fmt: skip
    async def reactivate_event(self, info: Info, input: ReactivateEventInput) -> ReactivateEventPayload:
        event_id = ids.decode(input.event_id, "Event")
        async with info.context.writing() as uow:
            found = await reactivation.reactivate(
                uow, info.context.viewer, event_id=event_id, starts_at=input.starts_at, ends_at=input.ends_at
            )
            warnings = await _conflicts(info, uow, found.event, "eventId")
        return ReactivateEventPayload(
            event=found.event, revision=found.revision, warnings=user_errors(UserErrors(warnings), info.context.reader)
        )

    @mutation(
        description="Remove an event with all that belongs to it. Refused while people have places at it, unless it "
        "was cancelled, so that they were told; and where people took part. Recorded as `event.deleted`.",
        access=Permission.EVENT_CREATE,
        raises=[*ACCESS_PROBLEMS, lifecycle.HasParticipants],
    )
    async def delete_event(self, info: Info, input: DeleteEventInput) -> DeleteEventPayload:
        event_id = ids.decode(input.event_id, "Event")
        async with info.context.writing() as uow:
            await lifecycle.delete(uow, info.context.viewer, event_id=event_id)
        return DeleteEventPayload(deleted_event_id=input.event_id)


async def _conflicts(info: Info, uow: UnitOfWork, event: models.Event, path: str) -> list[TimeConflict]:
    """What else there is at the time of the event. Raises it where the setting wants that."""
    return await time_conflicts.of_event(uow, info.context.viewer, info.context.conflict_policy, event, path)
