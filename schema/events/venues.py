from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry

import dataloaders.events.venues
import models
from auth.permissions import Permission
from dataloaders.core.pages import Listing
from errors import OutOfRange, Required, TooLong, UserError
from resolvers.core.time_zones import UnknownTimeZone, check_time_zone
from resolvers.events import venues as rules
from schema.core.access import PUBLIC
from schema.core.context import Info
from schema.core.filters import Filter
from schema.core.input_checks import checked
from schema.core.node import Node
from schema.core.prices import SEARCHED_NAMES
from schema.core.quotas import VENUES
from schema.core.roots import MutationInput, Payload, connection, mutation


@strawberry.type(description="A place where events happen.")
class Venue(Node, row=models.Venue, by_id=dataloaders.events.venues.by_id):
    name: str = strawberry.field(description="Unique: case, ё, spaces and spelling in Unicode do not matter.")
    address: str | None = strawberry.field(description="Postal address.")
    time_zone: str = strawberry.field(description="IANA zone, such as Europe/Moscow.")
    latitude: float | None = strawberry.field(description="Degrees north, WGS 84.")
    longitude: float | None = strawberry.field(description="Degrees east, WGS 84.")
    last_used_at: datetime | None = strawberry.field(description="When an event was last put there.")


@strawberry.input(description="A place that is not known yet.")
class NewVenueInput:
    name: str = strawberry.field(
        description="At most 200 characters; no other venue has it, however it is spelt.",
        metadata=checked(rules.check_name),
    )
    address: str | None = strawberry.field(
        default=None, description="Postal address, at most 500 characters.", metadata=checked(rules.check_address)
    )
    time_zone: str | None = strawberry.field(
        default=None, description="IANA zone; Europe/Moscow unless given.", metadata=checked(check_time_zone)
    )
    latitude: float | None = strawberry.field(
        default=None, description="Degrees north; with `longitude` or not.", metadata=checked(rules.check_latitude)
    )
    longitude: float | None = strawberry.field(
        default=None, description="Degrees east.", metadata=checked(rules.check_longitude)
    )

    @staticmethod
    def check_together(problems: list[UserError], given: Mapping[str, Any], *path: str) -> None:
        if {"latitude", "longitude"} <= given.keys():
            rules.check_point(problems, given["latitude"], given["longitude"], *path)


@strawberry.input(description="A place for `createVenue`.")
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


@strawberry.input(description="Narrows the list of venues.")
class VenueFilter(Filter):
    text: str | None = strawberry.field(
        default=None,
        metadata=SEARCHED_NAMES,
        description="Words of name or address, in any Russian or English form, also unfinished ones; case and ё do "
        "not matter. At most 200 characters.",
    )


@strawberry.type(description="What a change of a venue answers.")
class VenuePayload(Payload):
    venue: models.Venue | None = strawberry.field(default=None, graphql_type=Venue | None, description="The venue.")


VENUE_PROBLEMS = [Required, TooLong, OutOfRange, UnknownTimeZone, rules.PointIsNotWhole, rules.VenueExists]


@strawberry.type
class VenueQueries:
    @connection(
        description="Venues, most recently used first; where a text is looked for, those first whose name has it.",
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
        description="Add a place. Recorded as `venue.created`.",
        access=Permission.VENUE_CREATE,
        gathers=True,
        raises=VENUE_PROBLEMS,
        quotas=[VENUES],
    )
    async def create_venue(self, info: Info, input: CreateVenueInput) -> VenuePayload:
        async with info.context.writing() as uow:
            venue = await rules.create(uow, info.context.viewer, wanted=new_venue(input))
        return VenuePayload(venue=venue)
