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
from dataloaders.core.pages import Listing
from errors import Forbidden, InvalidId, NotFound
from resolvers.booking import capacity, time_conflicts
from resolvers.booking.time_conflicts import TimeConflict
from resolvers.core.time_zones import zone_of
from resolvers.events import search, viewer_can
from schema.booking.availability import Bookability
from schema.core.access import PUBLIC
from schema.core.connections import Connection
from schema.core.context import Info
from schema.core.enums import enum
from schema.core.money import Money, two_places
from schema.core.node import Node
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
    "How an event is paid for. Registering never charges anything. New ways may be added.",
    FREE="Not at all.",
    AT_THE_DOOR="By each participant, at the door.",
)


def price_of(event: Any) -> Money:
    return Money(amount=two_places(event.price_amount), currency=event.price_currency)


@strawberry.type(description="Places of an event: distinct people.")
class Availability:
    capacity: int | None = strawberry.field(description="Most people; null means unlimited.")
    taken: int = strawberry.field(description="People who hold a place.")

    @computed(description="Places left; null means unlimited.")
    @reads("capacity", "taken")
    def free(root: strawberry.Parent[Any]) -> int | None:
        return None if root.capacity is None else root.capacity - root.taken


@strawberry.type(description="One dated happening.")
class Event(Node, row=models.Event, by_id=dataloaders.events.events.by_id):
    title: str = strawberry.field(description="At most 500 characters.")
    description: str | None = strawberry.field(description="At most 20,000 characters.")
    status: models.EventStatus = strawberry.field(description="Stored state; see `timing` for the clock's side.")
    visibility: models.EventVisibility = strawberry.field(description="Who may see it.")
    starts_at: datetime = strawberry.field(description="RFC 3339; the zone stands in `timeZone`.")
    ends_at: datetime = strawberry.field(description="Never before `startsAt`.")
    time_zone: str = strawberry.field(description="IANA zone of the venue.")
    capacity: int | None = strawberry.field(description="Most people; null means unlimited.")
    created_at: datetime = strawberry.field(description="When it was made.")
    updated_at: datetime = strawberry.field(description="When it last changed.")
    published_at: datetime | None = strawberry.field(description="When it went out last.")
    cancelled_at: datetime | None = strawberry.field(description="When it was called off.")
    cancel_reason: str | None = strawberry.field(description="Why it was called off, for participants.")
    archived_at: datetime | None = strawberry.field(description="When it was put away.")
    deleted_at: datetime | None = strawberry.field(
        description="When it was removed: then it is a record that only those who had registered for it read."
    )
    version: int = strawberry.field(description="Grows with each edit; give it as `expectedVersion`.")

    @computed(description="The day on which it starts, on the clock of its venue.")
    @reads("starts_at", "time_zone")
    def date(root: strawberry.Parent[Any]) -> Date:
        starts_at: datetime = root.starts_at
        return starts_at.astimezone(zone_of(root.time_zone)).date()

    @computed(description="Where it stands now, by the clock.")
    @reads("starts_at", "ends_at")
    def timing(root: strawberry.Parent[Any]) -> models.EventTiming:
        return root.timing_at(models.utcnow())  # type: ignore[no-any-return]  # the parent is an Event

    @computed(description="What one person pays at least; 0 where it is free.", graphql_type=Money)
    @reads("price_amount", "price_currency")
    def price_from(root: strawberry.Parent[Any]) -> Any:
        return price_of(root)

    @computed(description="How it is paid for.")
    @reads("price_amount")
    def payment_policy(root: strawberry.Parent[Any]) -> models.PaymentPolicy:
        return root.payment_policy  # type: ignore[no-any-return]  # the parent is an Event

    category: EventCategory | None = related(
        dataloaders.events.catalogues.category_by_id, key="category_id", description="Its kind."
    )
    interests: list[Interest] = related(
        dataloaders.people.interests.by_event_id, description="For people with these interests; at most 50."
    )
    club: Annotated[Club, strawberry.lazy("schema.clubs.clubs")] | None = related(
        dataloaders.clubs.clubs.by_id, key="club_id", description="The club that it is an event of, if any."
    )
    previous_event: Annotated[Event, strawberry.lazy("schema.events.events")] | None = related(
        dataloaders.events.events.by_id,
        key="previous_id",
        description="The event that took place and of which this one is held again, if any.",
    )
    services: list[Annotated[Service, strawberry.lazy("schema.events.services")]] = related(
        dataloaders.events.services.by_event_id, description="In order of start, cancelled ones included; at most 100."
    )
    pending_revision: Annotated[EventRevision, strawberry.lazy("schema.events.revisions")] | None = related(
        dataloaders.moderation.queue.pending_revision_by_event_id,
        visible=signed_in,
        description="A change that waits for a moderator. For those who may change the event, and for moderators.",
    )
    viewer_revision: Annotated[EventRevision, strawberry.lazy("schema.events.revisions")] | None = related(
        dataloaders.moderation.queue.own_revision_by_event_id,
        visible=signed_in,
        description="The last change that the caller proposed, whatever became of it.",
    )
    hosts: list[Annotated[EventHost, strawberry.lazy("schema.events.hosts")]] = related(
        dataloaders.events.hosts.hosts_by_event_id, description="Who has a role at it, the first 20."
    )
    venue: Venue | None = related(dataloaders.events.venues.by_id, key="venue_id", description="Where it happens.")
    organizers: list[User] = related(
        dataloaders.events.hosts.organizers_by_event_id, description="Who runs it, at most 20."
    )
    participants: Connection[User] = connected(
        dataloaders.booking.registrations.participants_by_event_id,
        description="People who hold a place and let the reader know it: the audience `registrations` of their privacy "
        "settings. Staff see all.",
    )
    registrations: Connection[Annotated[Registration, strawberry.lazy("schema.booking.registrations")]] = connected(
        dataloaders.booking.registrations.by_event_id,
        filter=Annotated["RegistrationFilter", strawberry.lazy("schema.booking.registrations")],
        description="Who takes part: all of them for organisers, else one's own.",
    )
    viewer_registration: Annotated[Registration, strawberry.lazy("schema.booking.registrations")] | None = related(
        dataloaders.booking.registrations.own_by_event_id,
        visible=signed_in,
        description="The caller's registration, cancelled or not.",
    )
    chat: Annotated[Chat, strawberry.lazy("schema.chat.chats")] | None = related(
        dataloaders.chat.chats.by_event_id, description="Its chat; null for whoever is not in it."
    )
    availability: Availability = facet(Availability, description="Places taken and left.")
    reviews: Connection[Annotated[Review, strawberry.lazy("schema.reviews.reviews")]] = connected(
        dataloaders.reviews.reviews.by_event_id,
        filter=Annotated["ReviewFilter", strawberry.lazy("schema.reviews.reviews")],
        unfiltered=dataloaders.reviews.reviews.Unfiltered(),
        description="Reviews, newest first; published ones and one's own unless filtered.",
    )
    viewer_review: Annotated[Review, strawberry.lazy("schema.reviews.reviews")] | None = related(
        dataloaders.reviews.reviews.own_by_event_id, visible=signed_in, description="The caller's own review."
    )
    rating_summary: Annotated[RatingSummary, strawberry.lazy("schema.reviews.reviews")] = related(
        dataloaders.reviews.reviews.summary_by_event_id, description="What its published reviews add up to."
    )

    @derived(
        description="Whether the caller may register for it now, and why not.",
        graphql_type=Bookability,
        standing=Need(dataloaders.booking.registrations.standing_by_event_id),
    )
    def viewer_registration_state(root: Any, info: Info, *, standing: Any) -> Any:
        return capacity.registration_standing(
            root,
            capacity.Known.of(standing),
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


@strawberry.type(description="What a change of an event answers.")
class EventPayload(PayloadWithWarnings):
    event: models.Event | None = strawberry.field(default=None, graphql_type=Event | None, description="The event.")


async def conflicts_of(info: Info, uow: UnitOfWork, event: models.Event, path: str) -> list[TimeConflict]:
    """What else there is at the time of the event. Raises it where the setting wants that."""
    return await time_conflicts.of_event(uow, info.context.viewer, info.context.conflict_policy, event, path)


@strawberry.type
class EventQueries:
    event = looked_up(Event, description="An event by its id.", access=PUBLIC)

    @connection(
        description="Events that lists show to the caller, narrowed by `filter`. Unlisted ones and drafts are listed "
        "to those who run them, and to staff who ask for them by `statuses` or `visibilities`. What is over is in the "
        "archive, which is for those who took part in it or ran it, and for staff: see `archived`. "
        "Without a `sort` they come by RELEVANCE where a text is looked for, else by STARTS_AT_ASC.",
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
