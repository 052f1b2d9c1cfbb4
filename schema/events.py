from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

import dataloaders.events
import dataloaders.registrations
import dataloaders.reviews
import dataloaders.venues
import models
from auth.permissions import Permission
from dataloaders.pages import PageArgs, fetch_page
from errors import InvalidId, NotFound, Required, TooLong
from resolvers import capacity
from resolvers import events as rules
from schema import ids
from schema.access import PUBLIC
from schema.availability import Bookability
from schema.connections import Connection
from schema.context import Info
from schema.node import Node
from schema.relations import Need, computed, connected, derived, facet, related, signed_in
from schema.roots import MutationInput, Payload, mutation, query
from schema.users import User
from schema.venues import Venue

if TYPE_CHECKING:
    from schema.registrations import Registration, RegistrationFilter
    from schema.reviews import RatingSummary, Review

strawberry.enum(models.EventStatus, description="Where an event stands in its life.")
strawberry.enum(models.EventTiming, description="Where an event stands now, by the clock.")


@strawberry.type(description="What kind of event it is.")
class EventCategory(Node, row=models.EventCategory, by_id=dataloaders.events.category_by_id):
    slug: str = strawberry.field(description="Stable name for programs.")

    @computed(description="Name in the reader's language.")
    def name(root: strawberry.Parent[Any], info: Info) -> str:
        return str(root.name_ru if info.context.locale == "ru" else root.name_en)


@strawberry.type(description="Places of an event: distinct people.")
class Availability:
    capacity: int | None = strawberry.field(description="Most people; null means unlimited.")
    taken: int = strawberry.field(description="People who hold a place.")

    @computed(description="Places left; null means unlimited.")
    def free(root: strawberry.Parent[Any]) -> int | None:
        return None if root.capacity is None else root.capacity - root.taken


@strawberry.type(description="One dated happening.")
class Event(Node, row=models.Event, by_id=dataloaders.events.by_id):
    title: str = strawberry.field(description="At most 500 characters.")
    status: models.EventStatus = strawberry.field(description="Stored state; see `timing` for the clock's side.")
    starts_at: datetime = strawberry.field(description="RFC 3339; the zone stands in `timeZone`.")
    ends_at: datetime = strawberry.field(description="Never before `startsAt`.")
    time_zone: str = strawberry.field(description="IANA zone of the venue.")
    capacity: int | None = strawberry.field(description="Most people; null means unlimited.")
    category: EventCategory | None = related(
        dataloaders.events.category_by_id, key="category_id", description="Its kind."
    )
    venue: Venue | None = related(dataloaders.venues.by_id, key="venue_id", description="Where it happens.")
    organizers: list[User] = related(dataloaders.events.organizers_by_event_id, description="Who runs it, at most 20.")
    registrations: Connection[Annotated[Registration, strawberry.lazy("schema.registrations")]] = connected(
        dataloaders.registrations.by_event_id,
        filter=Annotated["RegistrationFilter", strawberry.lazy("schema.registrations")],
        description="Who takes part: all of them for organisers, else one's own.",
    )
    viewer_registration: Annotated[Registration, strawberry.lazy("schema.registrations")] | None = related(
        dataloaders.registrations.own_by_event_id,
        visible=signed_in,
        description="The caller's registration, cancelled or not.",
    )
    availability: Availability = facet(Availability, description="Places taken and left.")
    reviews: Connection[Annotated[Review, strawberry.lazy("schema.reviews")]] = connected(
        dataloaders.reviews.by_event_id, description="Reviews, newest first."
    )
    viewer_review: Annotated[Review, strawberry.lazy("schema.reviews")] | None = related(
        dataloaders.reviews.own_by_event_id, visible=signed_in, description="The caller's own review."
    )
    rating_summary: Annotated[RatingSummary, strawberry.lazy("schema.reviews")] = related(
        dataloaders.reviews.summary_by_event_id, description="What its published reviews add up to."
    )

    @derived(
        description="Whether the caller may register for it now, and why not.",
        graphql_type=Bookability,
        known=Need(dataloaders.registrations.own_by_event_id, visible=signed_in),
        offers_services=Need(dataloaders.registrations.offers_services_by_event_id),
    )
    def viewer_registration_state(root: Any, info: Info, *, known: Any, offers_services: bool) -> Any:
        return capacity.registration_standing(
            root,
            known,
            offers_services=offers_services,
            is_guest=info.context.viewer.user is None,
            now=models.utcnow(),
        )


@strawberry.input
class CreateEventInput(MutationInput):
    title: str
    category_id: strawberry.ID
    venue_id: strawberry.ID
    starts_at: datetime
    ends_at: datetime
    capacity: int | None = None


@strawberry.type
class EventPayload(Payload):
    event: models.Event | None = strawberry.field(default=None, graphql_type=Event | None, description="The event.")


@strawberry.input
class PublishEventInput(MutationInput):
    event_id: strawberry.ID


@strawberry.type
class EventQueries:
    @query(description="An event by its id.", access=PUBLIC, graphql_type=Event | None)
    async def event(self, info: Info, id: strawberry.ID) -> Any:
        return await info.context.loaders.load(dataloaders.events.by_id, ids.decode(id, "Event", "id"))

    @query(description="Events, soonest first.", access=PUBLIC, graphql_type=Connection[Event])
    async def events(
        self,
        info: Info,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Any:
        listing = rules.listing(info.context.viewer)
        return await fetch_page(info.context.database, listing, PageArgs(first, after, last, before))


@strawberry.type
class EventMutations:
    @mutation(
        description="Make a draft.",
        access=Permission.EVENT_CREATE,
        raises=[Required, TooLong, NotFound, InvalidId],
    )
    async def create_event(self, info: Info, input: CreateEventInput) -> EventPayload:
        async with info.context.writing() as uow:
            event = await rules.create(
                uow,
                info.context.viewer,
                title=input.title,
                category_id=ids.decode(input.category_id, "EventCategory", "categoryId"),
                venue_id=ids.decode(input.venue_id, "Venue", "venueId"),
                starts_at=input.starts_at,
                ends_at=input.ends_at,
                capacity=input.capacity,
            )
        return EventPayload(event=event)

    @mutation(description="Put an event out.", access=Permission.EVENT_CREATE, raises=[NotFound])
    async def publish_event(self, info: Info, input: PublishEventInput) -> EventPayload:
        async with info.context.writing() as uow:
            event = await rules.publish(
                uow, info.context.viewer, event_id=ids.decode(input.event_id, "Event", "eventId")
            )
        return EventPayload(event=event)
