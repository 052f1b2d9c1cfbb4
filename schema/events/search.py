"""How lists of events are narrowed."""

from __future__ import annotations

from datetime import date
from functools import cached_property

import strawberry

import models
from errors import UserError
from resolvers.events import search
from resolvers.events.search import EventFilter, EventSort
from schema.core import ids
from schema.core.enums import enum
from schema.core.filters import ALL_HOLD, Filter
from schema.core.input_checks import checked, id_of
from schema.core.money import MoneyInput
from schema.core.prices import SEARCHED

enum(
    models.EventVisibility,
    "Who can see an event.",
    PUBLIC="Everyone can see the event, and it appears in lists.",
    UNLISTED="Everyone who has the link can see the event. It appears only in lists of the people who run it.",
    CLUB="Only members of the event's club can see it.",
)

enum(
    models.EventTiming,
    "Whether an event or a service has begun and ended, by the clock.",
    UPCOMING="It has not begun.",
    ONGOING="It has begun and not ended.",
    PAST="It has ended.",
)

enum(
    models.EventStatus,
    "The status of an event, as set by the people who run it and by moderators.",
    DRAFT="Not published yet. Only people who may edit the event see it.",
    PENDING_REVIEW="Submitted, waiting for a moderator.",
    PUBLISHED="Published: visible according to its `visibility`.",
    CANCELLED="Cancelled: it will not take place, unless it is brought back.",
    ARCHIVED="Archived: over or put away. It appears in lists only on request.",
)

enum(
    EventSort,
    "How to sort a list of events. Events that compare equal are sorted by id.",
    RELEVANCE="By how well the event matches the text of the filter: first events with its words in the title, "
    "then in title and tags, then also in the place, then the others. Each group is sorted by start "
    "time, earliest first.",
    STARTS_AT_ASC="By start time, earliest first.",
    STARTS_AT_DESC="By start time, latest first.",
    CREATED_AT_DESC="By creation time, newest first.",
)


@strawberry.input(description="A range of days in the venue's time zone. The first day is included, the last is not.")
class DateRangeInput:
    from_: date | None = strawberry.field(
        default=None, name="from", description="The first day. If omitted, the range has no start."
    )
    to: date | None = strawberry.field(
        default=None, description="The day after the last day. If omitted, the range has no end."
    )


ARCHIVED = (
    "Whether to find archived events. An event is archived once it was put into the archive; a "
    "published or cancelled one also from the day after its end, in its time zone. Archived events "
    "are found only by people who took part in them, have a role at them or run their club, and by "
    "staff. True finds archived events only, false finds the others only. Null finds the others, and "
    "archived ones too if `timings` contains PAST or `{statuses}` contains ARCHIVED."
)


@strawberry.input(name="EventFilter", description=f"Filters a list of events. {ALL_HOLD}")
class EventFilterInput(Filter):
    text: str | None = strawberry.field(
        default=None,
        metadata=SEARCHED,
        description="Words to search for in title, category, interests, services, venue, address and "
        "description. Matches any grammatical form in Russian or English and beginnings of words, "
        "and ignores case, accents and the difference between е and ё. At most 200 characters, of "
        "which the first 12 words count.",
    )
    ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Keep only these events.", metadata=checked(each=id_of("Event"))
    )
    category_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Keep events of one of these categories."
    )
    interest_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Keep events about at least one of these interests."
    )
    date_range: DateRangeInput | None = strawberry.field(
        default=None, description="Keep events that start on one of these days, in the event's time zone."
    )
    venue_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Keep events at one of these venues."
    )
    club_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Keep events of one of these clubs."
    )
    service_type_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Keep events that offer a service of one of these types which is not cancelled."
    )
    is_free: bool | None = strawberry.field(
        default=None, description="True keeps events without a price, false keeps those with one."
    )
    price_to: MoneyInput | None = strawberry.field(
        default=None, description="Keep events that are free or cost at most this much in this currency."
    )
    has_free_places: bool | None = strawberry.field(
        default=None,
        description="True keeps events with places left according to `availability`, false keeps full ones. "
        "Whether the caller can take a place is a different question: see `viewerRegistrationState`.",
    )
    timings: list[models.EventTiming] | None = strawberry.field(
        default=None, description="Keep events that are upcoming, ongoing or past now."
    )
    statuses: list[models.EventStatus] | None = strawberry.field(
        default=None,
        description="Keep events with one of these statuses. Drafts of others and their other unpublished events "
        "are found by staff who name the status here.",
    )
    visibilities: list[models.EventVisibility] | None = strawberry.field(
        default=None,
        description="Keep events with one of these visibilities. Hidden events of others are found by staff who "
        "name the visibility here or the club in `clubIds`.",
    )
    archived: bool | None = strawberry.field(default=None, description=ARCHIVED.format(statuses="statuses"))
    hosted_by_viewer: bool | None = strawberry.field(
        default=None, description="True keeps events at which the caller has a role, false keeps the others."
    )

    @cached_property
    def wanted(self) -> EventFilter:
        """The filter as the rules understand it. Kept, because inputs are shared by requests that ask the same."""
        days = self.date_range or DateRangeInput()
        return EventFilter(
            text=self.text,
            ids=ids.maybe_all(self.ids, "Event"),
            category_ids=ids.maybe_all(self.category_ids, "EventCategory"),
            interest_ids=ids.maybe_all(self.interest_ids, "Interest"),
            date_from=days.from_,
            date_to=days.to,
            venue_ids=ids.maybe_all(self.venue_ids, "Venue"),
            club_ids=ids.maybe_all(self.club_ids, "Club"),
            service_type_ids=ids.maybe_all(self.service_type_ids, "ServiceType"),
            is_free=self.is_free,
            price_to=self.price_to.price() if self.price_to else None,
            has_free_places=self.has_free_places,
            timings=self.timings,
            statuses=self.statuses,
            visibilities=self.visibilities,
            archived=self.archived,
            hosted_by_viewer=self.hosted_by_viewer,
        )

    def problems(self) -> list[UserError]:
        return search.problems(self.wanted)
