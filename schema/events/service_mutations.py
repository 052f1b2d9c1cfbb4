from __future__ import annotations

import strawberry

import models
from auth.permissions import Permission
from errors import Forbidden, InvalidId, InvalidStatus, NotFound, OutOfRange, TooLong, TooMany, VersionConflict
from resolvers.booking.registrations import check_reason
from resolvers.core.moments import TimeNeedsOffset
from resolvers.events import services
from resolvers.events.lifecycle import HasParticipants
from resolvers.events.validation import (
    CapacityBelowTaken,
    CapacityExceedsEvent,
    CapacityNeeded,
    EndsBeforeStart,
    EventInPast,
    OutsideEvent,
)
from schema.core import ids
from schema.core.context import Info
from schema.core.input_checks import checked
from schema.core.quotas import SERVICES
from schema.core.roots import MutationInput, Payload, mutation
from schema.events.inputs import ServiceInput, new_service
from schema.events.service_inputs import UpdateServiceInput, service_changes
from schema.events.services import Service

ACCESS_PROBLEMS = [NotFound, Forbidden, InvalidId, InvalidStatus]
CONTENT_PROBLEMS = [OutOfRange, OutsideEvent, EndsBeforeStart, TimeNeedsOffset, CapacityExceedsEvent]


@strawberry.type(description="What a change of a service answers.")
class ServicePayload(Payload):
    service: models.Service | None = strawberry.field(
        default=None, graphql_type=Service | None, description="The service."
    )


@strawberry.type(description="What the removal of a service answers.")
class DeleteServicePayload(Payload):
    deleted_service_id: strawberry.ID | None = strawberry.field(default=None, description="The id it had.")


@strawberry.input(description="A service for an event that exists.")
class AddServiceInput(MutationInput, ServiceInput):
    event_id: strawberry.ID = strawberry.field(description="The event.")


@strawberry.input(description="A service for `cancelService`.")
class CancelServiceInput(MutationInput):
    service_id: strawberry.ID = strawberry.field(description="The service.")
    reason: str | None = strawberry.field(
        default=None,
        description="Why, for those who have a place, who are told: at most 1000 characters.",
        metadata=checked(check_reason),
    )


@strawberry.input(description="A service for `deleteService`.")
class DeleteServiceInput(MutationInput):
    service_id: strawberry.ID = strawberry.field(description="The service.")


@strawberry.type
class ServiceMutations:
    @mutation(
        description="Offer a service more at an event that one may change and that has a capacity. Recorded as "
        "`service.added`.",
        access=Permission.EVENT_OFFER_SERVICES,
        gathers=True,
        raises=[*ACCESS_PROBLEMS, *CONTENT_PROBLEMS, CapacityNeeded, TooMany],
        quotas=[SERVICES],
    )
    async def add_service(self, info: Info, input: AddServiceInput) -> ServicePayload:
        event_id, wanted = ids.decode(input.event_id, "Event"), new_service(input)
        async with info.context.writing() as uow:
            service = await services.add(uow, info.context.viewer, event_id=event_id, wanted=wanted)
        return ServicePayload(service=service)

    @mutation(
        description="Change time, capacity or booking window of a service; nothing else of it ever changes. Who has "
        "a place is told of another time. Recorded as `service.updated`.",
        access=Permission.EVENT_CREATE,
        gathers=True,
        raises=[*ACCESS_PROBLEMS, *CONTENT_PROBLEMS, VersionConflict, CapacityBelowTaken, EventInPast],
    )
    async def update_service(self, info: Info, input: UpdateServiceInput) -> ServicePayload:
        service_id = ids.decode(input.service_id, "Service")
        async with info.context.writing() as uow:
            service = await services.update(
                uow,
                info.context.viewer,
                service_id=service_id,
                expected_version=input.expected_version,
                changes=service_changes(input),
            )
        return ServicePayload(service=service)

    @mutation(
        description="Call a service off. Its bookings are cancelled, with the registrations of those who have no "
        "other booking at the event, and everyone concerned is told. Recorded as `service.cancelled`.",
        access=Permission.EVENT_CREATE,
        raises=[*ACCESS_PROBLEMS, EventInPast, TooLong],
    )
    async def cancel_service(self, info: Info, input: CancelServiceInput) -> ServicePayload:
        service_id = ids.decode(input.service_id, "Service")
        async with info.context.writing() as uow:
            service = await services.cancel(uow, info.context.viewer, service_id=service_id, reason=input.reason)
        return ServicePayload(service=service)

    @mutation(
        description="Remove a service at which nobody has a place; cancel it first otherwise. Refused where people "
        "took part. Recorded as `service.deleted`.",
        access=Permission.EVENT_CREATE,
        raises=[*ACCESS_PROBLEMS, HasParticipants],
    )
    async def delete_service(self, info: Info, input: DeleteServiceInput) -> DeleteServicePayload:
        service_id = ids.decode(input.service_id, "Service")
        async with info.context.writing() as uow:
            await services.delete(uow, info.context.viewer, service_id=service_id)
        return DeleteServicePayload(deleted_service_id=input.service_id)
