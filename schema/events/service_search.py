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
    "How to sort a list of services. Services that compare equal are sorted by id.",
    RELEVANCE="By how well their events match the text of the filter, as in `EventSort.RELEVANCE`. Services of "
    "the same event are sorted by start time, earliest first.",
    STARTS_AT_ASC="By start time, earliest first.",
    STARTS_AT_DESC="By start time, latest first.",
)


@strawberry.input(name="ServiceFilter", description=f"Filters a list of services. {ALL_HOLD}")
class ServiceFilterInput(Filter):
    text: str | None = strawberry.field(
        default=None,
        metadata=SEARCHED,
        description="Words to search for in the service's event, as in `EventFilter.text`. The types of its "
        "services are searched too.",
    )
    event_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Keep services of one of these events."
    )
    service_type_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Keep services of one of these types."
    )
    date_range: DateRangeInput | None = strawberry.field(
        default=None, description="Keep services that start on one of these days, in the event's time zone."
    )
    venue_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Keep services at one of these venues."
    )
    club_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Keep services of events of one of these clubs."
    )
    staff_person_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Keep services provided by one of these people, according to `staffPerson`."
    )
    participant_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="Keep services at which this person has a place. For volunteers and staff only; others get "
        "FORBIDDEN and use `viewer.bookings` for their own. Staff also find hidden events this way.",
    )
    is_cancelled: bool | None = strawberry.field(
        default=None, description="True keeps cancelled services, false keeps the others."
    )
    has_free_places: bool | None = strawberry.field(
        default=None,
        description="True keeps services with places left according to `availability`, false keeps full ones. "
        "Whether the caller can take a place is a different question: see `viewerBookingState`.",
    )
    timings: list[models.EventTiming] | None = strawberry.field(
        default=None, description="Keep services that are upcoming, ongoing or past now."
    )
    event_statuses: list[models.EventStatus] | None = strawberry.field(
        default=None,
        description="Keep services of events with one of these statuses. Services of drafts and other "
        "unpublished events of others are found by staff who name the status here.",
    )
    visibilities: list[models.EventVisibility] | None = strawberry.field(
        default=None,
        description="Keep services of events with one of these visibilities. Services of hidden events of others "
        "are found by staff who name the visibility here or the club in `clubIds`.",
    )
    archived: bool | None = strawberry.field(default=None, description=ARCHIVED.format(statuses="eventStatuses"))
    hosted_by_viewer: bool | None = strawberry.field(
        default=None,
        description="True keeps services of events at which the caller has a role, false keeps the others.",
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
