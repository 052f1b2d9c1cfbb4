from __future__ import annotations

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
from dataloaders.core.pages import Listing
from resolvers.booking import capacity
from resolvers.events import service_search, viewer_can
from schema.booking.availability import Bookability, ServiceAvailability
from schema.core.access import PUBLIC
from schema.core.connections import Connection
from schema.core.context import Info
from schema.core.node import Node
from schema.core.relations import Need, computed, connected, derived, facet, reads, related, signed_in
from schema.core.roots import connection, looked_up
from schema.core.viewer_can import allowed
from schema.events.catalogues import ServiceType
from schema.events.service_inputs import ServiceFilterInput
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
