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


@strawberry.type(description="The result of `deleteEvent`.")
class DeleteEventPayload(Payload):
    deleted_event_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id of the deleted event. Null if the mutation was refused."
    )


@strawberry.input(description="Input of `publishEvent`.")
class PublishEventInput(MutationInput):
    event_id: strawberry.ID = strawberry.field(description="The event to publish.")


@strawberry.input(description="Input of `cancelEvent`.")
class CancelEventInput(MutationInput):
    event_id: strawberry.ID = strawberry.field(description="The event to cancel.")
    reason: str | None = strawberry.field(
        default=None,
        description="Why, at most 1,000 characters. The participants are notified and read it.",
        metadata=checked(lifecycle.check_reason),
    )


@strawberry.input(description="Input of `archiveEvent`.")
class ArchiveEventInput(MutationInput):
    event_id: strawberry.ID = strawberry.field(description="The event to archive.")


@strawberry.input(description="Input of `deleteEvent`.")
class DeleteEventInput(MutationInput):
    event_id: strawberry.ID = strawberry.field(description="The event to delete.")


@strawberry.type
class EventLifecycleMutations:
    @mutation(
        description="Publish a draft. Drafts of staff, of trusted authors and of hosts of the event's club are "
        "published at once. Other drafts become PENDING_REVIEW and wait for a moderator. Emits the "
        "domain event `event.published` or `event.submitted`.",
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
        description="Cancel an event and notify its participants. Their registrations are kept, so that "
        "`reactivateEvent` can undo this. Emits the domain event `event.cancelled`.",
        access=Permission.EVENT_CREATE,
        raises=[*ACCESS_PROBLEMS, InvalidStatus, EventInPast, TooLong],
    )
    async def cancel_event(self, info: Info, input: CancelEventInput) -> EventPayload:
        event_id = ids.decode(input.event_id, "Event")
        async with info.context.writing() as uow:
            event = await lifecycle.cancel(uow, info.context.viewer, event_id=event_id, reason=input.reason)
        return EventPayload(event=event)

    @mutation(
        description="Archive an event, which removes it from lists. An event that has not ended and has "
        "participants has to be cancelled first. Emits the domain event `event.archived`.",
        access=Permission.EVENT_CREATE,
        raises=[*ACCESS_PROBLEMS, InvalidStatus, lifecycle.HasParticipants],
    )
    async def archive_event(self, info: Info, input: ArchiveEventInput) -> EventPayload:
        event_id = ids.decode(input.event_id, "Event")
        async with info.context.writing() as uow:
            event = await lifecycle.archive(uow, info.context.viewer, event_id=event_id)
        return EventPayload(event=event)

    @mutation(
        description="Delete an event and everything that belongs to it. Refused if people have places, unless "
        "the event was cancelled and they were notified. Refused if people took part in it. Emits "
        "the domain event `event.deleted`.",
        access=Permission.EVENT_CREATE,
        raises=[*ACCESS_PROBLEMS, lifecycle.HasParticipants],
    )
    async def delete_event(self, info: Info, input: DeleteEventInput) -> DeleteEventPayload:
        event_id = ids.decode(input.event_id, "Event")
        async with info.context.writing() as uow:
            await lifecycle.delete(uow, info.context.viewer, event_id=event_id)
        return DeleteEventPayload(deleted_event_id=input.event_id)
