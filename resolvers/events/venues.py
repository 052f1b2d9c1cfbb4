"""Places: making them, and finding the ones that events took place at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from auth.viewer import Viewer
from database import UnitOfWork, on_conflict
from dataloaders.core.keyset_pages import Key, Listing
from errors import ErrorCode, TooLong, UserError, _, check_range, check_text, refuse
from models import DomainEvent, Venue, utcnow
from resolvers.core import word_search
from resolvers.core.time_zones import DEFAULT_ZONE, UnknownTimeZone, check_time_zone

RECENT_FIRST = (
    Key(func.coalesce(Venue.last_used_at, Venue.created_at), descending=True),
    Key(Venue.id, descending=True),
)


LONGEST_NAME = 200
check_name = partial(check_text, maximum=LONGEST_NAME, required=True)
check_address = partial(check_text, maximum=500)
check_latitude = partial(check_range, minimum=-90, maximum=90)
check_longitude = partial(check_range, minimum=-180, maximum=180)
UNKNOWN_TO_POSTGRES = "22023"
"""Code of the error with which PostgreSQL refuses a time zone that Python knows."""


class VenueExists(UserError):
    code = ErrorCode.ALREADY_EXISTS
    message = _("A venue with this name already exists.")


class PointIsNotWhole(UserError):
    code = ErrorCode.INVALID
    message = _("Give both latitude and longitude, or neither.")


@dataclass(frozen=True, kw_only=True)
class VenueCreated(DomainEvent):
    name: ClassVar[str] = "venue.created"
    subject_type: ClassVar[str] = "Venue"


@dataclass(frozen=True, kw_only=True)
class NewVenue:
    name: str
    address: str | None = None
    time_zone: str | None = None
    latitude: float | None = None
    longitude: float | None = None


def check_point(problems: list[UserError], latitude: float | None, longitude: float | None, *path: str) -> None:
    """Both are given, or neither."""
    if (latitude is None) != (longitude is None):
        problems.append(PointIsNotWhole(path=(*path, "latitude" if latitude is None else "longitude")))


def build(problems: list[UserError], viewer: Viewer, wanted: NewVenue, *path: str) -> Venue:
    """Return the row, not added to the session yet. Its faults go to `problems`."""
    name = check_name(problems, wanted.name, *path, "name") or ""
    address = check_address(problems, wanted.address, *path, "address")
    zone = wanted.time_zone or DEFAULT_ZONE
    check_time_zone(problems, zone, *path, "timeZone")
    check_point(problems, wanted.latitude, wanted.longitude, *path)
    check_latitude(problems, wanted.latitude, *path, "latitude")
    check_longitude(problems, wanted.longitude, *path, "longitude")
    return Venue(
        name=name,
        address=address,
        time_zone=zone,
        latitude=wanted.latitude,
        longitude=wanted.longitude,
        created_by_id=viewer.id,
    )


async def add(uow: UnitOfWork, venue: Venue, *path: str) -> Venue:
    """Write a checked venue. Two venues of one name, however it is spelt, are refused by the database."""
    at_name = (*path, "name")
    # Ligatures stand for several letters each, so that few of them may make a long name.
    too_long = TooLong(path=at_name, maximum=LONGEST_NAME)
    try:
        async with on_conflict(
            uow.session, uq_venues_name_key=VenueExists(path=at_name), ck_venues_name_key_is_short=too_long
        ):
            uow.session.add(venue)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == UNKNOWN_TO_POSTGRES:
            raise UnknownTimeZone(path=(*path, "timeZone")) from error
        raise
    uow.record(VenueCreated(subject_id=venue.id))
    return venue


async def create(uow: UnitOfWork, viewer: Viewer, *, wanted: NewVenue) -> Venue:
    viewer.require_user()
    problems: list[UserError] = []
    venue = build(problems, viewer, wanted)
    refuse(problems)
    return await add(uow, venue)


def touch(venue: Venue) -> None:
    """Note that an event uses the venue now, so that it comes first in the list."""
    venue.last_used_at = utcnow()


def listing(*, text: str | None = None) -> Listing:
    """Venues, most recently used first; with a text, those first whose name has it."""
    query = word_search.query_of(text)
    if query is None:
        return Listing(select(Venue), RECENT_FIRST)
    return Listing(select(Venue).where(query.matches(Venue.search)), (Key(query.rank(Venue.search)), *RECENT_FIRST))
