from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

import dataloaders.bookings
import dataloaders.events
import dataloaders.registrations
import dataloaders.services
import models
from resolvers import capacity
from schema.availability import Bookability, ServiceAvailability
from schema.connections import Connection
from schema.context import Info
from schema.node import Node
from schema.relations import Need, connected, derived, facet, related, signed_in

if TYPE_CHECKING:
    from schema.bookings import Booking


@strawberry.type(description="A service offered inside an event at a time.")
class Service(Node, row=models.Service, by_id=dataloaders.services.by_id):
    starts_at: datetime = strawberry.field(description="Within the event.")
    ends_at: datetime = strawberry.field(description="Never before `startsAt`.")
    capacity: int = strawberry.field(description="Most bookings; never more than the event's capacity.")
    availability: ServiceAvailability = facet(ServiceAvailability, description="Places taken and left.")
    bookings: Connection[Annotated[Booking, strawberry.lazy("schema.bookings")]] = connected(
        dataloaders.bookings.by_service_id, description="Who has a place: all for hosts and staff, else one's own."
    )
    viewer_booking: Annotated[Booking, strawberry.lazy("schema.bookings")] | None = related(
        dataloaders.bookings.own_by_service_id, visible=signed_in, description="The caller's booking, cancelled or not."
    )

    @derived(
        description="Whether the caller may book it now, and why not.",
        graphql_type=Bookability,
        event=Need(dataloaders.events.by_id, key="event_id"),
        registration=Need(dataloaders.registrations.own_by_event_id, key="event_id", visible=signed_in),
        booking=Need(dataloaders.bookings.own_by_service_id, visible=signed_in),
    )
    def viewer_booking_state(root: Any, info: Info, *, event: Any, registration: Any, booking: Any) -> Any:
        return capacity.booking_standing(
            event,
            root,
            registration=registration,
            booking=booking,
            is_guest=info.context.viewer.user is None,
            now=models.utcnow(),
        )
