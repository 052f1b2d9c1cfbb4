from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry

import dataloaders.events.venues
import models
from auth.permissions import Permission
from dataloaders.core.keyset_pages import Listing
from errors import OutOfRange, Required, TooLong, UserError
from resolvers.core.time_zones import UnknownTimeZone, check_time_zone
from resolvers.events import venues as rules
from schema.core.access import PUBLIC
from schema.core.context import Info
from schema.core.filters import Filter
from schema.core.input_checks import checked
from schema.core.node_interface import Node
from schema.core.prices import SEARCHED_NAMES
from schema.core.quotas import VENUES
from schema.core.roots import MutationInput, Payload, connection, mutation


@strawberry.type(description="A place where events are held.")
class Venue(Node, row=models.Venue, by_id=dataloaders.events.venues.by_id):
    name: str = strawberry.field(
        description="The name. No two venues share one: case, ё, spaces and Unicode spelling do not make a difference."
    )
    address: str | None = strawberry.field(description="The postal address.")
    time_zone: str = strawberry.field(description="The IANA time zone, such as Europe/Moscow.")
    latitude: float | None = strawberry.field(description="The latitude in degrees north (WGS 84).")
    longitude: float | None = strawberry.field(description="The longitude in degrees east (WGS 84).")
    last_used_at: datetime | None = strawberry.field(
        description="When an event was last created at the venue or moved to it. Null if never."
    )


@strawberry.input(description="A venue to create together with an event.")
class NewVenueInput:
    name: str = strawberry.field(
        description="The name, at most 200 characters. No other venue may have it; case, ё, spaces and Unicode "
        "spelling do not make a difference.",
        metadata=checked(rules.check_name),
    )
    address: str | None = strawberry.field(
        default=None, description="The postal address, at most 500 characters.", metadata=checked(rules.check_address)
    )
    time_zone: str | None = strawberry.field(
        default=None, description="The IANA time zone. Defaults to Europe/Moscow.", metadata=checked(check_time_zone)
    )
    latitude: float | None = strawberry.field(
        default=None,
        description="The latitude in degrees north. Give it together with `longitude`, or neither.",
        metadata=checked(rules.check_latitude),
    )
    longitude: float | None = strawberry.field(
        default=None,
        description="The longitude in degrees east. Give it together with `latitude`, or neither.",
        metadata=checked(rules.check_longitude),
    )

    @staticmethod
    def check_together(problems: list[UserError], given: Mapping[str, Any], *path: str) -> None:
        if {"latitude", "longitude"} <= given.keys():
            rules.check_point(problems, given["latitude"], given["longitude"], *path)


@strawberry.input(description="Input of `createVenue`.")
class CreateVenueInput(MutationInput, NewVenueInput):
    pass


def new_venue(input: NewVenueInput) -> rules.NewVenue:
    return rules.NewVenue(
        name=input.name,
        address=input.address,
        time_zone=input.time_zone,
        latitude=input.latitude,
        longitude=input.longitude,
    )


@strawberry.input(description="Filters the list of venues.")
class VenueFilter(Filter):
    text: str | None = strawberry.field(
        default=None,
        metadata=SEARCHED_NAMES,
        description="Words to search for in names and addresses. Matches any grammatical form in Russian or "
        "English and beginnings of words, and ignores case and the difference between е and ё. At "
        "most 200 characters.",
    )


@strawberry.type(description="The result of `createVenue`.")
class VenuePayload(Payload):
    venue: models.Venue | None = strawberry.field(
        default=None, graphql_type=Venue | None, description="The venue. Null if the mutation was refused."
    )


VENUE_PROBLEMS = [Required, TooLong, OutOfRange, UnknownTimeZone, rules.PointIsNotWhole, rules.VenueExists]


@strawberry.type
class VenueQueries:
    @connection(
        description="All venues, most recently used first. If the filter has a text, venues with its words in "
        "the name come first.",
        access=PUBLIC,
        of=Venue,
    )
    def venues(
        self,
        info: Info,
        filter: VenueFilter | None = None,
    ) -> Listing:
        return rules.listing(text=filter.text if filter else None)


@strawberry.type
class VenueMutations:
    @mutation(
        description="Create a venue. Emits the domain event `venue.created`.",
        access=Permission.VENUE_CREATE,
        gathers=True,
        raises=VENUE_PROBLEMS,
        quotas=[VENUES],
    )
    async def create_venue(self, info: Info, input: CreateVenueInput) -> VenuePayload:
        async with info.context.writing() as uow:
            venue = await rules.create(uow, info.context.viewer, wanted=new_venue(input))
        return VenuePayload(venue=venue)
