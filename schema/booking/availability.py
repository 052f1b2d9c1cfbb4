from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry

import models
from resolvers.booking import availability
from resolvers.booking.capacity import BookableState
from schema.core import ids
from schema.core.access import PUBLIC
from schema.core.context import Info
from schema.core.enums import enum
from schema.core.relations import computed, reads
from schema.core.roots import subscription
from schema.core.streams import ResyncRequired, cursor_of

enum(
    BookableState,
    "What someone may do now at an event or a service, or why not.",
    OPEN="A place may be taken.",
    FULL="No places are left.",
    NOT_OPEN_YET="Booking opens later, see `opensAt`.",
    CLOSED="It has begun, or is not out, or was cancelled.",
    ALREADY_REGISTERED="The caller is registered.",
    ALREADY_BOOKED="The caller has a place.",
    BOOK_SERVICES_INSTEAD="The event is entered by booking its services.",
    MEMBERS_ONLY="It is for members of the event's club alone.",
    RESTRICTED="The caller was put out of the event, or of its club.",
    SIGN_IN_FIRST="A place may be taken by whoever signs in.",
)


@strawberry.type(
    description="What the caller may do now at an event or a service. The mutations decide by the same function."
)
class Bookability:
    code: BookableState = strawberry.field(description="OPEN, or why not.")
    opens_at: datetime | None = strawberry.field(
        description="When booking opens or has opened, in the event's zone; null where there is no window."
    )


@dataclass(frozen=True)
class Places:
    """Of a service at the moment of an entry in the stream. It has the names of `models.Service`."""

    id: UUID
    capacity: int
    taken: int
    is_cancelled: bool


@strawberry.type(description="Places of a service at one moment: bookings.")
class ServiceAvailability:
    capacity: int = strawberry.field(description="Most bookings.")
    taken: int = strawberry.field(description="Bookings that hold a place.")
    is_cancelled: bool = strawberry.field(description="Whether the service no longer takes place.")

    @computed(description="Id of the service.")
    @reads("id")
    def service_id(root: strawberry.Parent[Any]) -> strawberry.ID:
        return strawberry.ID(ids.encode("Service", root.id))

    @computed(description="Places left.")
    @reads("capacity", "taken")
    def free(root: strawberry.Parent[Any]) -> int:
        return int(root.capacity - root.taken)


@strawberry.type(description="What was free at an event after a change.")
class AvailabilityChange:
    capacity: int | None = strawberry.field(description="Most people; null means unlimited.")
    taken: int = strawberry.field(description="People who hold a place.")
    occurred_at: datetime = strawberry.field(description="When it changed.")

    @computed(description="Give it as `after` to continue from here.")
    def cursor(root: strawberry.Parent[Any]) -> str:
        return cursor_of(root.event_id, root.sequence)

    @computed(description="Places left; null means unlimited.")
    def free(root: strawberry.Parent[Any]) -> int | None:
        return None if root.capacity is None else root.capacity - root.taken

    @computed(description="All services of the event, in order of start.", graphql_type=list[ServiceAvailability])
    def services(root: strawberry.Parent[Any]) -> Any:
        return [
            Places(UUID(one["id"]), capacity=one["capacity"], taken=one["taken"], is_cancelled=one["cancelled"])
            for one in root.services
        ]

    @classmethod
    def is_type_of(cls, source: Any, _info: Any) -> bool:
        return isinstance(source, models.AvailabilityChange)


AvailabilityUpdate = Annotated[
    AvailabilityChange | ResyncRequired,
    strawberry.union("AvailabilityUpdate", description="The next change, or the need to read the state anew."),
]


@strawberry.type
class AvailabilitySubscriptions:
    @subscription(description="Free places of an event, after each committed change.", access=PUBLIC)
    def availability_changed(
        self, info: Info, event_id: strawberry.ID, after: str | None = None
    ) -> AsyncGenerator[AvailabilityUpdate, None]:
        return availability.AvailabilityStream(  # type: ignore[return-value]  # source objects are rows
            info.context.database,
            info.context.ports.hub,
            info.context.ports.stream_access,
            info.context.viewer,
            event_id=ids.decode(event_id, "Event", "eventId"),
            after=after,
        )
