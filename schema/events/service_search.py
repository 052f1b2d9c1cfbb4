"""How lists of services are narrowed."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import strawberry

import models
from errors import UserError
from resolvers.events import service_search
from resolvers.events.service_search import ServiceFilter, ServiceSort
from schema.core import ids
from schema.core.enums import enum
from schema.core.filters import ALL_HOLD, Filter
from schema.core.prices import SEARCHED
from schema.events.search import ARCHIVED, DateRangeInput

enum(
    ServiceSort,
    "Order of a list of services. Equal ones are in order of their ids.",
    RELEVANCE="By their events, as `EventSort.RELEVANCE` has these; among those of one event the earliest start first.",
    STARTS_AT_ASC="The earliest start first.",
    STARTS_AT_DESC="The latest start first.",
)


@strawberry.input(name="ServiceFilter", description=f"Narrows a list of services. {ALL_HOLD}")
class ServiceFilterInput(Filter):
    text: str | None = strawberry.field(
        default=None,
        metadata=SEARCHED,
        description="Words that their event is found by, as in `EventFilter`; types of services are among them.",
    )
    event_ids: list[strawberry.ID] | None = strawberry.field(default=None, description="Of these events.")
    service_type_ids: list[strawberry.ID] | None = strawberry.field(default=None, description="Of these types.")
    date_range: DateRangeInput | None = strawberry.field(
        default=None, description="The service starts on these days, on the clock of the venue."
    )
    venue_ids: list[strawberry.ID] | None = strawberry.field(default=None, description="At these venues.")
    club_ids: list[strawberry.ID] | None = strawberry.field(default=None, description="Of events of these clubs.")
    staff_person_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Given by these people, as `staffPerson` tells."
    )
    participant_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="At which this person has a place. For staff and volunteers; FORBIDDEN for others, who have "
        "`viewer.bookings`. Staff find hidden events by it, too.",
    )
    is_cancelled: bool | None = strawberry.field(default=None, description="Called off, or not.")
    has_free_places: bool | None = strawberry.field(
        default=None,
        description="With places left, as `availability` tells them, or without. Whether one may take them is told by "
        "`viewerBookingState`.",
    )
    timings: list[models.EventTiming] | None = strawberry.field(
        default=None, description="By where the service stands now."
    )
    event_statuses: list[models.EventStatus] | None = strawberry.field(
        default=None,
        description="Of events in these statuses. Services of drafts and other events of others that never went out "
        "are found by staff who name their status here.",
    )
    visibilities: list[models.EventVisibility] | None = strawberry.field(
        default=None,
        description="Of events seen by these. Services of hidden events of others are found by staff who name their "
        "visibility here, or their club in `clubIds`.",
    )
    archived: bool | None = strawberry.field(default=None, description=ARCHIVED.format(statuses="eventStatuses"))
    hosted_by_viewer: bool | None = strawberry.field(
        default=None, description="Of events with a role of the caller, or without."
    )

    @cached_property
    def wanted(self) -> ServiceFilter:
        """The filter as the rules understand it. Kept, because inputs are shared by requests that ask the same."""
        days = self.date_range or DateRangeInput()
        return ServiceFilter(
            text=self.text,
            event_ids=ids.maybe_all(self.event_ids, "Event"),
            service_type_ids=ids.maybe_all(self.service_type_ids, "ServiceType"),
            date_from=days.from_,
            date_to=days.to,
            venue_ids=ids.maybe_all(self.venue_ids, "Venue"),
            club_ids=ids.maybe_all(self.club_ids, "Club"),
            staff_person_ids=ids.maybe_all(self.staff_person_ids, "User"),
            participant_id=ids.maybe(self.participant_id, "User"),
            is_cancelled=self.is_cancelled,
            has_free_places=self.has_free_places,
            timings=self.timings,
            statuses=self.event_statuses,
            visibilities=self.visibilities,
            archived=self.archived,
            hosted_by_viewer=self.hosted_by_viewer,
        )

    def problems(self) -> Iterable[UserError]:
        return service_search.problems(self.wanted)
