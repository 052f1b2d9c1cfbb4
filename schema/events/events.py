from __future__ import annotations

from datetime import date as Date  # `date` is a field here
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

import dataloaders.booking.registrations
import dataloaders.chat.chats
import dataloaders.clubs.clubs
import dataloaders.events.catalogues
import dataloaders.events.events
import dataloaders.events.hosts
import dataloaders.events.services
import dataloaders.events.venues
import dataloaders.events.viewer_can
import dataloaders.moderation.queue
import dataloaders.people.interests
import dataloaders.reviews.reviews
import models
from database import UnitOfWork
from dataloaders.core.keyset_pages import Listing
from errors import Forbidden, InvalidId, NotFound
from resolvers.booking import bookability, time_conflicts
from resolvers.booking.time_conflicts import TimeConflict
from resolvers.core.time_zones import zone_of
from resolvers.events import search, viewer_can
from schema.booking.availability import Bookability
from schema.core.access import PUBLIC
from schema.core.connection_types import Connection
from schema.core.context import Info
from schema.core.enums import enum
from schema.core.money import Money, two_places
from schema.core.node_interface import Node
from schema.core.relations import Need, computed, connected, derived, facet, reads, related, signed_in
from schema.core.roots import PayloadWithWarnings, connection, looked_up
from schema.core.viewer_can import allowed
from schema.events.catalogues import EventCategory
from schema.events.search import EventFilterInput
from schema.events.venues import Venue
from schema.events.viewer_can import EventViewerCan
from schema.people.interests import Interest
from schema.people.users import User

if TYPE_CHECKING:
    from schema.booking.registrations import Registration, RegistrationFilter
    from schema.chat.chats import Chat
    from schema.clubs.clubs import Club
    from schema.events.hosts import EventHost
    from schema.events.revisions import EventRevision
    from schema.events.services import Service
    from schema.reviews.reviews import RatingSummary, Review, ReviewFilter


enum(
    models.PaymentPolicy,
    "How an event is paid for. Registering never charges anything. New values may be added at any time.",
    FREE="The event is free.",
    AT_THE_DOOR="Each participant pays at the door.",
)


def price_of(event: Any) -> Money:
    return Money(amount=two_places(event.price_amount), currency=event.price_currency)


@strawberry.type(description="The places of an event. They are counted in people.")
class Availability:
    capacity: int | None = strawberry.field(description="The maximum number of people. Null if the event has no limit.")
    taken: int = strawberry.field(description="The number of people who hold a place.")

    @computed(description="The number of places left. Null if the event has no limit.")
    @reads("capacity", "taken")
    def free(root: strawberry.Parent[Any]) -> int | None:
        return None if root.capacity is None else root.capacity - root.taken


@strawberry.type(description="Something that takes place once, on a date. A repeated happening is several events.")
class Event(Node, row=models.Event, by_id=dataloaders.events.events.by_id):
    title: str = strawberry.field(description="The title, at most 500 characters.")
    description: str | None = strawberry.field(description="What the event is about, at most 20,000 characters.")
    status: models.EventStatus = strawberry.field(
        description="The status that people and moderators set. For whether the event has begun or ended, see `timing`."
    )
    visibility: models.EventVisibility = strawberry.field(description="Who can see the event.")
    starts_at: datetime = strawberry.field(description="When the event starts. Its time zone is `timeZone`.")
    ends_at: datetime = strawberry.field(description="When the event ends. Never before `startsAt`.")
    time_zone: str = strawberry.field(description="The IANA time zone of the venue, such as Europe/Moscow.")
    capacity: int | None = strawberry.field(description="The maximum number of people. Null if the event has no limit.")
    created_at: datetime = strawberry.field(description="When the event was created.")
    updated_at: datetime = strawberry.field(description="When the event last changed.")
    published_at: datetime | None = strawberry.field(
        description="When the event was last published. Null if it never was."
    )
    cancelled_at: datetime | None = strawberry.field(
        description="When the event was cancelled. Null if it is not cancelled."
    )
    cancel_reason: str | None = strawberry.field(
        description="Why the event was cancelled, for its participants. Null if no reason was given."
    )
    archived_at: datetime | None = strawberry.field(
        description="When the event was archived. Null if it is not archived."
    )
    deleted_at: datetime | None = strawberry.field(
        description="When the event was deleted. A deleted event is visible only to people who had registered "
        "for it, and cannot be changed. Null if it is not deleted."
    )
    version: int = strawberry.field(
        description="The version of the event, which grows with each edit. Pass it as `expectedVersion` to "
        "`updateEvent`."
    )

    @computed(description="The day on which the event starts, in its time zone.")
    @reads("starts_at", "time_zone")
    def date(root: strawberry.Parent[Any]) -> Date:
        starts_at: datetime = root.starts_at
        return starts_at.astimezone(zone_of(root.time_zone)).date()

    @computed(description="Whether the event is upcoming, ongoing or past now.")
    @reads("starts_at", "ends_at")
    def timing(root: strawberry.Parent[Any]) -> models.EventTiming:
        return root.timing_at(models.utcnow())  # type: ignore[no-any-return]  # the parent is an Event

    @computed(description="The lowest price for one person. The amount is 0 if the event is free.", graphql_type=Money)
    @reads("price_amount", "price_currency")
    def price_from(root: strawberry.Parent[Any]) -> Any:
        return price_of(root)

    @computed(description="How the event is paid for.")
    @reads("price_amount")
    def payment_policy(root: strawberry.Parent[Any]) -> models.PaymentPolicy:
        return root.payment_policy  # type: ignore[no-any-return]  # the parent is an Event

    category: EventCategory | None = related(
        dataloaders.events.catalogues.category_by_id, key="category_id", description="The category of the event."
    )
    interests: list[Interest] = related(
        dataloaders.people.interests.by_event_id, description="The interests that the event is about, at most 50."
    )
    club: Annotated[Club, strawberry.lazy("schema.clubs.clubs")] | None = related(
        dataloaders.clubs.clubs.by_id,
        key="club_id",
        description="The club that the event belongs to. Null if there is none or the caller cannot see it.",
    )
    previous_event: Annotated[Event, strawberry.lazy("schema.events.events")] | None = related(
        dataloaders.events.events.by_id,
        key="previous_id",
        description="The past event that this one repeats, if it was made by `reactivateEvent`. Null otherwise.",
    )
    services: list[Annotated[Service, strawberry.lazy("schema.events.services")]] = related(
        dataloaders.events.services.by_event_id,
        description="The services in order of start, including cancelled ones, at most 100.",
    )
    pending_revision: Annotated[EventRevision, strawberry.lazy("schema.events.revisions")] | None = related(
        dataloaders.moderation.queue.pending_revision_by_event_id,
        visible=signed_in,
        description="The revision that waits for a moderator. Visible to moderators and to people who may edit "
        "the event; null for everyone else.",
    )
    viewer_revision: Annotated[EventRevision, strawberry.lazy("schema.events.revisions")] | None = related(
        dataloaders.moderation.queue.own_revision_by_event_id,
        visible=signed_in,
        description="The last revision that the caller proposed, in whatever state. Null if there is none.",
    )
    hosts: list[Annotated[EventHost, strawberry.lazy("schema.events.hosts")]] = related(
        dataloaders.events.hosts.hosts_by_event_id, description="The first 20 people with a role at the event."
    )
    venue: Venue | None = related(
        dataloaders.events.venues.by_id, key="venue_id", description="Where the event takes place."
    )
    organizers: list[User] = related(
        dataloaders.events.hosts.organizers_by_event_id, description="The organizers of the event, at most 20."
    )
    participants: Connection[User] = connected(
        dataloaders.booking.registrations.participants_by_event_id,
        description="The people who hold a place and whose privacy setting `registrations` lets the caller see "
        "it. Staff see all of them.",
    )
    registrations: Connection[Annotated[Registration, strawberry.lazy("schema.booking.registrations")]] = connected(
        dataloaders.booking.registrations.by_event_id,
        filter=Annotated["RegistrationFilter", strawberry.lazy("schema.booking.registrations")],
        description="The registrations for the event. People who run the event, volunteers and staff see all of "
        "them; others see only their own.",
    )
    viewer_registration: Annotated[Registration, strawberry.lazy("schema.booking.registrations")] | None = related(
        dataloaders.booking.registrations.own_by_event_id,
        visible=signed_in,
        description="The caller's registration, including a cancelled one. Null if there is none.",
    )
    chat: Annotated[Chat, strawberry.lazy("schema.chat.chats")] | None = related(
        dataloaders.chat.chats.by_event_id, description="The chat of the event. Null if the caller is not in it."
    )
    availability: Availability = facet(Availability, description="How many places are taken and left.")
    reviews: Connection[Annotated[Review, strawberry.lazy("schema.reviews.reviews")]] = connected(
        dataloaders.reviews.reviews.by_event_id,
        filter=Annotated["ReviewFilter", strawberry.lazy("schema.reviews.reviews")],
        unfiltered=dataloaders.reviews.reviews.Unfiltered(),
        description="The reviews, newest first. By default published ones and the caller's own; `filter` can ask "
        "for others.",
    )
    viewer_review: Annotated[Review, strawberry.lazy("schema.reviews.reviews")] | None = related(
        dataloaders.reviews.reviews.own_by_event_id,
        visible=signed_in,
        description="The caller's review of the event. Null if there is none.",
    )
    rating_summary: Annotated[RatingSummary, strawberry.lazy("schema.reviews.reviews")] = related(
        dataloaders.reviews.reviews.summary_by_event_id,
        description="The average and the counts of the published ratings.",
    )

    @derived(
        description="Whether the caller can register for the event now, or the reason why not.",
        graphql_type=Bookability,
        standing=Need(dataloaders.booking.registrations.standing_by_event_id),
    )
    def viewer_registration_state(root: Any, info: Info, *, standing: Any) -> Any:
        return bookability.registration_standing(
            root,
            bookability.Applicant.of(standing),
            offers_services=standing is not None and standing.offers_services,
            is_guest=info.context.viewer.user is None,
            now=models.utcnow(),
        )

    viewer_can = allowed(
        EventViewerCan,
        viewer_can.OfEvent,
        *("status", "starts_at", "ends_at", "time_zone", "capacity", "taken", "cancelled_at", "deleted_at"),
        known=Need(dataloaders.events.viewer_can.by_event_id, visible=signed_in),
    )


ACCESS_PROBLEMS = [NotFound, Forbidden, InvalidId]


@strawberry.type(description="The result of a mutation that changes an event.")
class EventPayload(PayloadWithWarnings):
    event: models.Event | None = strawberry.field(
        default=None, graphql_type=Event | None, description="The event. Null if the mutation was refused."
    )


async def conflicts_of(info: Info, uow: UnitOfWork, event: models.Event, path: str) -> list[TimeConflict]:
    """Return what else there is at the time of the event. Raises it where the setting wants that."""
    return await time_conflicts.of_event(uow, info.context.viewer, info.context.conflict_policy, event, path)


@strawberry.type
class EventQueries:
    event = looked_up(
        Event, description="An event by its id. Null if it does not exist or the caller cannot see it.", access=PUBLIC
    )

    @connection(
        description="The events that the caller can find in lists. Unlisted events and drafts appear for the "
        "people who run them, and for staff who name them in `statuses` or `visibilities` of the "
        "filter. Archived events appear only for people who took part in them or run them, and for "
        "staff: see `archived` in the filter. Sorted by RELEVANCE if the filter has a text, "
        "otherwise by STARTS_AT_ASC, unless `sort` says otherwise.",
        access=PUBLIC,
        of=Event,
    )
    def events(
        self,
        info: Info,
        filter: EventFilterInput | None = None,
        sort: search.EventSort | None = None,
    ) -> Listing:
        return search.listing(info.context.viewer, filter.wanted if filter else None, sort)
