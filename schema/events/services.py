from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

import dataloaders.booking.bookings
import dataloaders.booking.registrations
import dataloaders.events.catalogues
import dataloaders.events.events
import dataloaders.events.services
import dataloaders.events.viewer_can
import dataloaders.people.users
import models
from auth.permissions import Permission
from dataloaders.core.keyset_pages import Listing
from errors import (
    Forbidden,
    InvalidId,
    InvalidStatus,
    NotFound,
    OutOfRange,
    TooLong,
    TooMany,
    UserError,
    VersionConflict,
)
from resolvers.booking import bookability
from resolvers.booking.bookability import CapacityBelowTaken, CapacityExceedsEvent, CapacityNeeded
from resolvers.booking.registrations import check_reason
from resolvers.core.moments import TimeNeedsOffset
from resolvers.events import service_search, services, viewer_can
from resolvers.events.lifecycle import HasParticipants
from resolvers.events.services import ServiceChanges
from resolvers.events.validation import (
    EndsBeforeStart,
    EventInPast,
    NewService,
    OutsideEvent,
    check_places,
    check_times,
    check_window,
)
from schema.booking.availability import Bookability, ServiceAvailability
from schema.core import ids
from schema.core.access import PUBLIC
from schema.core.connection_types import Connection
from schema.core.context import Info
from schema.core.input_checks import checked, given
from schema.core.node_interface import Node
from schema.core.quotas import SERVICES
from schema.core.relations import Need, computed, connected, derived, facet, reads, related, signed_in
from schema.core.roots import MutationInput, Payload, connection, looked_up, mutation
from schema.core.viewer_can import allowed
from schema.events.catalogues import ServiceType
from schema.events.service_search import ServiceFilterInput
from schema.events.viewer_can import ServiceViewerCan
from schema.people.users import User

if TYPE_CHECKING:
    from schema.booking.bookings import Booking, BookingFilter
    from schema.events.events import Event


@strawberry.type(description="Something bookable that an event offers at a certain time, with places of its own.")
class Service(Node, row=models.Service, by_id=dataloaders.events.services.by_id):
    starts_at: datetime = strawberry.field(description="When the service starts. Within the time of the event.")
    ends_at: datetime = strawberry.field(description="When the service ends. Never before `startsAt`.")
    capacity: int = strawberry.field(
        description="The maximum number of bookings. Never higher than the event's capacity."
    )
    window_days: int | None = strawberry.field(
        description="How many days before the event booking opens, at midnight in the event's time zone. Null "
        "means at once."
    )
    is_cancelled: bool = strawberry.field(description="Whether the service was cancelled.")
    cancel_reason: str | None = strawberry.field(
        description="Why the service was cancelled. Null if no reason was given."
    )
    deleted_at: datetime | None = strawberry.field(
        description="When the service was deleted. A deleted service is visible only to people who had booked "
        "it, and cannot be changed. Null if it is not deleted."
    )
    version: int = strawberry.field(
        description="The version of the service, which grows with each edit. Pass it as `expectedVersion` to "
        "`updateService`."
    )
    type: ServiceType | None = related(
        dataloaders.events.catalogues.service_type_by_id,
        key="service_type_id",
        description="The type of the service.",
    )
    event: Annotated[Event, strawberry.lazy("schema.events.events")] | None = related(
        dataloaders.events.events.by_id, key="event_id", description="The event that offers the service."
    )
    staff_person: User | None = related(
        dataloaders.people.users.by_id,
        key="staff_person_id",
        description="The person who provides the service. Null if none is set or the caller cannot see them.",
    )

    @computed(description="Whether the service is upcoming, ongoing or past now.")
    @reads("starts_at", "ends_at")
    def timing(root: strawberry.Parent[Any]) -> models.EventTiming:
        return root.timing_at(models.utcnow())  # type: ignore[no-any-return]  # the parent is a Service

    @computed(description="The number of bookings that hold a place.")
    @reads("taken")
    def booked_count(root: strawberry.Parent[Any]) -> int:
        return int(root.taken)

    @derived(
        description="When booking opens. Null if booking has no opening time.",
        graphql_type=datetime | None,
        event=Need(dataloaders.events.events.by_id, key="event_id"),
    )
    def booking_opens_at(root: Any, _info: Info, *, event: Any) -> Any:
        return bookability.opens_at(event, root.window_days)

    availability: ServiceAvailability = facet(ServiceAvailability, description="How many places are taken and left.")
    bookings: Connection[Annotated[Booking, strawberry.lazy("schema.booking.bookings")]] = connected(
        dataloaders.booking.bookings.by_service_id,
        filter=Annotated["BookingFilter", strawberry.lazy("schema.booking.bookings")],
        description="The bookings of the service. People who run the event, volunteers and staff see all of "
        "them; others see only their own.",
    )
    viewer_booking: Annotated[Booking, strawberry.lazy("schema.booking.bookings")] | None = related(
        dataloaders.booking.bookings.own_by_service_id,
        visible=signed_in,
        description="The caller's booking, including a cancelled one. Null if there is none.",
    )

    @derived(
        description="Whether the caller can book the service now, or the reason why not.",
        graphql_type=Bookability,
        event=Need(dataloaders.events.events.by_id, key="event_id"),
        standing=Need(dataloaders.booking.registrations.standing_by_event_id, key="event_id", visible=signed_in),
        booking=Need(dataloaders.booking.bookings.own_by_service_id, visible=signed_in),
    )
    def viewer_booking_state(root: Any, info: Info, *, event: Any, standing: Any, booking: Any) -> Any:
        if event is None:  # deleted or hidden since the service was read
            return bookability.BookabilityResult(bookability.BookableState.CLOSED)
        return bookability.booking_standing(
            event,
            root,
            known=bookability.Applicant.of(standing),
            booking=booking,
            is_guest=info.context.viewer.user is None,
            now=models.utcnow(),
        )

    viewer_can = allowed(
        ServiceViewerCan,
        viewer_can.OfService,
        *("starts_at", "ends_at", "capacity", "taken", "window_days", "cancelled_at", "deleted_at"),
        event=Need(dataloaders.events.events.by_id, key="event_id"),
        known=Need(dataloaders.events.viewer_can.by_event_id, key="event_id", visible=signed_in),
        booking=Need(dataloaders.booking.bookings.own_by_service_id, visible=signed_in),
    )


@strawberry.input(description="A service to create together with an event.")
class ServiceInput:
    service_type_id: strawberry.ID = strawberry.field(description="The type of the service, one of `serviceTypes`.")
    starts_at: datetime = strawberry.field(
        description="When the service starts. Has to be within the time of the event."
    )
    ends_at: datetime = strawberry.field(description="When the service ends. Has to be within the time of the event.")
    capacity: int | None = strawberry.field(
        default=None,
        description="The maximum number of bookings, not more than the event's capacity. Defaults to the "
        "`defaultCapacity` of the type.",
        metadata=checked(check_places),
    )
    window_days: strawberry.Maybe[int | None] = strawberry.field(
        default=None,
        description="How many days before the event booking opens, at midnight in the event's time zone. Null "
        "means at once. Defaults to the `defaultWindowDays` of the type.",
        metadata=checked(check_window),
    )
    staff_person_id: strawberry.ID | None = strawberry.field(
        default=None, description="The person who provides the service."
    )

    @staticmethod
    def check_together(problems: list[UserError], given: Mapping[str, Any], *path: str) -> None:
        if {"starts_at", "ends_at"} <= given.keys():
            check_times(problems, given["starts_at"], given["ends_at"], *path, unchanged=True)


def new_service(input: ServiceInput) -> NewService:
    window = input.window_days
    return NewService(
        service_type_id=ids.decode(input.service_type_id, "ServiceType"),
        starts_at=input.starts_at,
        ends_at=input.ends_at,
        capacity=input.capacity,
        window_days=window.value if window is not None else None,
        always_open=window is not None and window.value is None,
        staff_person_id=ids.maybe(input.staff_person_id, "User"),
    )


@strawberry.input(description="Input of `updateService`. Fields that are omitted stay unchanged.")
class UpdateServiceInput(MutationInput):
    service_id: strawberry.ID = strawberry.field(description="The service to edit.")
    expected_version: int = strawberry.field(
        description="The `version` of the service when it was read. If the service was edited since, the mutation is "
        "refused with VERSION_CONFLICT."
    )
    starts_at: strawberry.Maybe[datetime] = strawberry.field(
        default=None, description="The new start. Has to be within the time of the event."
    )
    ends_at: strawberry.Maybe[datetime] = strawberry.field(
        default=None, description="The new end. Has to be within the time of the event."
    )
    capacity: strawberry.Maybe[int] = strawberry.field(
        default=None,
        description="The new maximum number of bookings: not lower than the places taken, nor higher than the "
        "event's capacity.",
        metadata=checked(check_places),
    )
    window_days: strawberry.Maybe[int | None] = strawberry.field(
        default=None,
        description="How many days before the event booking opens, at midnight in the event's time zone. Null "
        "means at once.",
        metadata=checked(check_window),
    )

    @staticmethod
    def check_together(problems: list[UserError], given: Mapping[str, Any], *path: str) -> None:
        if {"starts_at", "ends_at"} <= given.keys():
            check_times(problems, given["starts_at"], given["ends_at"], unchanged=True)


def service_changes(input: UpdateServiceInput) -> ServiceChanges:
    changes: ServiceChanges = given(  # type: ignore[assignment]  # a dict of just these keys
        starts_at=input.starts_at, ends_at=input.ends_at, capacity=input.capacity, window_days=input.window_days
    )
    return changes


ACCESS_PROBLEMS = [NotFound, Forbidden, InvalidId, InvalidStatus]


CONTENT_PROBLEMS = [OutOfRange, OutsideEvent, EndsBeforeStart, TimeNeedsOffset, CapacityExceedsEvent]


@strawberry.type(description="The result of a mutation that changes a service.")
class ServicePayload(Payload):
    service: models.Service | None = strawberry.field(
        default=None, graphql_type=Service | None, description="The service. Null if the mutation was refused."
    )


@strawberry.type(description="The result of `deleteService`.")
class DeleteServicePayload(Payload):
    deleted_service_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id of the deleted service. Null if the mutation was refused."
    )


@strawberry.input(description="Input of `addService`.")
class AddServiceInput(MutationInput, ServiceInput):
    event_id: strawberry.ID = strawberry.field(description="The event that offers the service.")


@strawberry.input(description="Input of `cancelService`.")
class CancelServiceInput(MutationInput):
    service_id: strawberry.ID = strawberry.field(description="The service to cancel.")
    reason: str | None = strawberry.field(
        default=None,
        description="Why, at most 1000 characters. The people who lose their place are notified and read it.",
        metadata=checked(check_reason),
    )


@strawberry.input(description="Input of `deleteService`.")
class DeleteServiceInput(MutationInput):
    service_id: strawberry.ID = strawberry.field(description="The service to delete.")


@strawberry.type
class ServiceQueries:
    service = looked_up(
        Service,
        description="A service by its id. Null if it does not exist or the caller cannot see it.",
        access=PUBLIC,
    )

    @connection(
        description="The services of the events that `events` lists for the caller, including cancelled "
        "services. Sorted by RELEVANCE if the filter has a text, otherwise by STARTS_AT_ASC, unless "
        "`sort` says otherwise.",
        access=PUBLIC,
        of=Service,
    )
    def services(
        self,
        info: Info,
        filter: ServiceFilterInput | None = None,
        sort: service_search.ServiceSort | None = None,
    ) -> Listing:
        return service_search.listing(info.context.viewer, filter.wanted if filter else None, sort)


@strawberry.type
class ServiceMutations:
    @mutation(
        description="Add a service to an event. The event needs a capacity. People who may edit the event may do "
        "this. Emits the domain event `service.added`.",
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
        description="Change the time, the capacity or the booking window of a service. Nothing else about a "
        "service can change. People who have a place are notified of a new time. Emits the domain "
        "event `service.updated`.",
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
        description="Cancel a service and its bookings. People without another booking at the event lose their "
        "registration as well. Everyone concerned is notified. Emits the domain event "
        "`service.cancelled`.",
        access=Permission.EVENT_CREATE,
        raises=[*ACCESS_PROBLEMS, EventInPast, TooLong],
    )
    async def cancel_service(self, info: Info, input: CancelServiceInput) -> ServicePayload:
        service_id = ids.decode(input.service_id, "Service")
        async with info.context.writing() as uow:
            service = await services.cancel(uow, info.context.viewer, service_id=service_id, reason=input.reason)
        return ServicePayload(service=service)

    @mutation(
        description="Delete a service at which nobody has a place. Otherwise cancel it first. Refused if people "
        "took part in it. Emits the domain event `service.deleted`.",
        access=Permission.EVENT_CREATE,
        raises=[*ACCESS_PROBLEMS, HasParticipants],
    )
    async def delete_service(self, info: Info, input: DeleteServiceInput) -> DeleteServicePayload:
        service_id = ids.decode(input.service_id, "Service")
        async with info.context.writing() as uow:
            await services.delete(uow, info.context.viewer, service_id=service_id)
        return DeleteServicePayload(deleted_service_id=input.service_id)
