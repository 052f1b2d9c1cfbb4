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
from dataloaders.core.pages import Listing
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
from resolvers.booking import capacity
from resolvers.booking.registrations import check_reason
from resolvers.core.moments import TimeNeedsOffset
from resolvers.events import service_search, services, viewer_can
from resolvers.events.lifecycle import HasParticipants
from resolvers.events.services import ServiceChanges
from resolvers.events.validation import (
    CapacityBelowTaken,
    CapacityExceedsEvent,
    CapacityNeeded,
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
from schema.core.connections import Connection
from schema.core.context import Info
from schema.core.input_checks import checked, given
from schema.core.node import Node
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


@strawberry.type(description="A service offered inside an event at a time.")
class Service(Node, row=models.Service, by_id=dataloaders.events.services.by_id):
    starts_at: datetime = strawberry.field(description="Within the event.")
    ends_at: datetime = strawberry.field(description="Never before `startsAt`.")
    capacity: int = strawberry.field(description="Most bookings; never more than the event's capacity.")
    window_days: int | None = strawberry.field(
        description="Booking opens at local midnight this many days before the event; null means at once."
    )
    is_cancelled: bool = strawberry.field(description="Whether it was called off.")
    cancel_reason: str | None = strawberry.field(description="Why it was called off, where that was said.")
    deleted_at: datetime | None = strawberry.field(
        description="When it was removed: then it is a record that only those who had booked it read."
    )
    version: int = strawberry.field(description="Grows with each edit; give it as `expectedVersion`.")
    type: ServiceType | None = related(
        dataloaders.events.catalogues.service_type_by_id,
        key="service_type_id",
        description="Its entry of the catalogue.",
    )
    event: Annotated[Event, strawberry.lazy("schema.events.events")] | None = related(
        dataloaders.events.events.by_id, key="event_id", description="The event that offers it."
    )
    staff_person: User | None = related(
        dataloaders.people.users.by_id, key="staff_person_id", description="Who gives it, if that is known."
    )

    @computed(description="Where it stands now, by the clock.")
    @reads("starts_at", "ends_at")
    def timing(root: strawberry.Parent[Any]) -> models.EventTiming:
        return root.timing_at(models.utcnow())  # type: ignore[no-any-return]  # the parent is a Service

    @computed(description="Bookings that hold a place.")
    @reads("taken")
    def booked_count(root: strawberry.Parent[Any]) -> int:
        return int(root.taken)

    @derived(
        description="When booking opens; null where it always was open.",
        graphql_type=datetime | None,
        event=Need(dataloaders.events.events.by_id, key="event_id"),
    )
    def booking_opens_at(root: Any, _info: Info, *, event: Any) -> Any:
        return capacity.opens_at(event, root.window_days)

    availability: ServiceAvailability = facet(ServiceAvailability, description="Places taken and left.")
    bookings: Connection[Annotated[Booking, strawberry.lazy("schema.booking.bookings")]] = connected(
        dataloaders.booking.bookings.by_service_id,
        filter=Annotated["BookingFilter", strawberry.lazy("schema.booking.bookings")],
        description="Who has a place: all for hosts and staff, else one's own.",
    )
    viewer_booking: Annotated[Booking, strawberry.lazy("schema.booking.bookings")] | None = related(
        dataloaders.booking.bookings.own_by_service_id,
        visible=signed_in,
        description="The caller's booking, cancelled or not.",
    )

    @derived(
        description="Whether the caller may book it now, and why not.",
        graphql_type=Bookability,
        event=Need(dataloaders.events.events.by_id, key="event_id"),
        standing=Need(dataloaders.booking.registrations.standing_by_event_id, key="event_id", visible=signed_in),
        booking=Need(dataloaders.booking.bookings.own_by_service_id, visible=signed_in),
    )
    def viewer_booking_state(root: Any, info: Info, *, event: Any, standing: Any, booking: Any) -> Any:
        if event is None:  # deleted or hidden since the service was read
            return capacity.Standing(capacity.BookableState.CLOSED)
        return capacity.booking_standing(
            event,
            root,
            known=capacity.Known.of(standing),
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


@strawberry.input(description="A service of an event.")
class ServiceInput:
    service_type_id: strawberry.ID = strawberry.field(description="From `serviceTypes`.")
    starts_at: datetime = strawberry.field(description="With offset; within the event.")
    ends_at: datetime = strawberry.field(description="With offset; within the event.")
    capacity: int | None = strawberry.field(
        default=None,
        description="Bookings, not more than the event's capacity. The type's default unless given.",
        metadata=checked(check_places),
    )
    window_days: strawberry.Maybe[int | None] = strawberry.field(
        default=None,
        description="Booking opens at local midnight this many days before the event; null means at once. "
        "The type's default unless given.",
        metadata=checked(check_window),
    )
    staff_person_id: strawberry.ID | None = strawberry.field(default=None, description="Who gives the service.")

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


@strawberry.input(description="What changes of a service. A field that is left out stays as it is.")
class UpdateServiceInput(MutationInput):
    service_id: strawberry.ID = strawberry.field(description="The service.")
    expected_version: int = strawberry.field(description="`version` as it was read; another one is VERSION_CONFLICT.")
    starts_at: strawberry.Maybe[datetime] = strawberry.field(default=None, description="Within the event.")
    ends_at: strawberry.Maybe[datetime] = strawberry.field(default=None, description="Within the event.")
    capacity: strawberry.Maybe[int] = strawberry.field(
        default=None,
        description="Not below what is taken, nor above the event's capacity.",
        metadata=checked(check_places),
    )
    window_days: strawberry.Maybe[int | None] = strawberry.field(
        default=None,
        description="Days before the event on which booking opens; null means at once.",
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
class ServiceQueries:
    service = looked_up(Service, description="A service by its id.", access=PUBLIC)

    @connection(
        description="Services of the events that `events` shows to the caller, cancelled services included, narrowed "
        "by `filter`. Without a `sort` they come by RELEVANCE where a text is looked for, else by STARTS_AT_ASC.",
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
