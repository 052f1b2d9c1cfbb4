"""Publishing an event, calling it off, putting it away and removing it."""

from __future__ import annotations

import strawberry

from auth.permissions import Permission
from errors import InvalidStatus, TooLong, UserErrors
from resolvers.booking.time_conflicts import TimeConflict
from resolvers.events import lifecycle
from resolvers.events.validation import EventInPast
from schema.core import ids
from schema.core.context import Info
from schema.core.input_checks import checked
from schema.core.roots import MutationInput, Payload, mutation
from schema.core.user_errors import user_errors
from schema.events.events import ACCESS_PROBLEMS, EventPayload, conflicts_of


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


@strawberry.input(description="An event for `deleteEvent`.")
class DeleteEventInput(MutationInput):
    event_id: strawberry.ID = strawberry.field(description="The event.")


@strawberry.type
class EventLifecycleMutations:
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
            warnings = await conflicts_of(info, uow, event, "eventId")
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
