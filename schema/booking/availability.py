from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry

import models
from resolvers.booking import availability
from resolvers.booking.bookability import BookableState
from schema.core import ids
from schema.core.access import PUBLIC
from schema.core.arguments import After
from schema.core.context import Info
from schema.core.enums import enum
from schema.core.relations import computed, reads
from schema.core.roots import subscription
from schema.core.streams import ResyncRequired, cursor_of

enum(
    BookableState,
    "What the caller can do now at an event or a service, or the reason why not.",
    OPEN="The caller can take a place now.",
    FULL="No place is left.",
    NOT_OPEN_YET="Booking has not opened yet; it opens at `opensAt`.",
    CLOSED="The event or service has begun, is not published, or was cancelled.",
    ALREADY_REGISTERED="The caller is already registered for the event.",
    ALREADY_BOOKED="The caller has already booked the service.",
    BOOK_SERVICES_INSTEAD="The event offers services: book one of them instead of registering for the event.",
    MEMBERS_ONLY="Only members of the event's club can take a place.",
    RESTRICTED="The caller was removed from the event or banned from its club.",
    SIGN_IN_FIRST="A place is available, but the caller has to sign in first.",
)


@strawberry.type(
    description="Whether the caller can take a place at an event or a service now. The mutations apply the same rules."
)
class Bookability:
    code: BookableState = strawberry.field(
        description="`OPEN` if the caller can take a place now, otherwise the reason why not."
    )
    opens_at: datetime | None = strawberry.field(
        description="When booking opens or opened, in the event's time zone. Null if booking has no opening time."
    )


@dataclass(frozen=True)
class Places:
    """The places of a service at the moment of an entry in the stream. It has the names of `models.Service`."""

    id: UUID
    capacity: int
    taken: int
    is_cancelled: bool


@strawberry.type(description="The places of a service at one moment. They are counted in bookings.")
class ServiceAvailability:
    capacity: int = strawberry.field(description="The maximum number of bookings.")
    taken: int = strawberry.field(description="The number of bookings that hold a place.")
    is_cancelled: bool = strawberry.field(description="Whether the service was cancelled.")

    @computed(description="The id of the service.")
    @reads("id")
    def service_id(root: strawberry.Parent[Any]) -> strawberry.ID:
        return strawberry.ID(ids.encode("Service", root.id))

    @computed(description="The number of places left.")
    @reads("capacity", "taken")
    def free(root: strawberry.Parent[Any]) -> int:
        return int(root.capacity - root.taken)


@strawberry.type(
    description="The places of an event and of its services after a change. An entry of the stream "
    "`availabilityChanged`."
)
class AvailabilityChange:
    capacity: int | None = strawberry.field(description="The maximum number of people. Null if the event has no limit.")
    taken: int = strawberry.field(description="The number of people who hold a place.")
    occurred_at: datetime = strawberry.field(description="When the change was made.")

    @computed(description="The position of this entry in the stream. Pass it as `after` to resume from here.")
    def cursor(root: strawberry.Parent[Any]) -> str:
        return cursor_of(root.event_id, root.sequence)

    @computed(description="The number of places left. Null if the event has no limit.")
    def free(root: strawberry.Parent[Any]) -> int | None:
        return None if root.capacity is None else root.capacity - root.taken

    @computed(
        description="The places of every service of the event, in order of start time.",
        graphql_type=list[ServiceAvailability],
    )
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
    strawberry.union(
        "AvailabilityUpdate",
        description="An entry of the stream `availabilityChanged`: the next change, or a request to read the current "
        "state again.",
    ),
]


@strawberry.type
class AvailabilitySubscriptions:
    @subscription(description="Streams the places of an event after each committed change.", access=PUBLIC)
    def availability_changed(
        self,
        info: Info,
        event_id: Annotated[strawberry.ID, strawberry.argument(description="The event to follow.")],
        after: After = None,
    ) -> AsyncGenerator[AvailabilityUpdate, None]:
        return availability.AvailabilityStream(  # type: ignore[return-value]  # source objects are rows
            info.context.database,
            info.context.ports.stream_access,
            info.context.viewer,
            event_id=ids.decode(event_id, "Event", "eventId"),
            after=after,
        )
