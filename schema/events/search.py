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
    "Who may see an event.",
    PUBLIC="Everyone.",
    UNLISTED="Anyone with the link; no list shows it.",
    CLUB="Members of its club only.",
)

enum(
    models.EventTiming,
    "Where an event or a service stands now, by the clock.",
    UPCOMING="It has not begun.",
    ONGOING="It has begun and not ended.",
    PAST="It has ended.",
)

enum(
    models.EventStatus,
    "Where an event stands in its life.",
    DRAFT="Not out yet: those who may change it see it.",
    PENDING_REVIEW="Waits for a moderator.",
    PUBLISHED="It is out.",
    CANCELLED="It will not take place.",
    ARCHIVED="Over, or put away: no list shows it unless asked.",
)

enum(
    EventSort,
    "Order of a list of events. Equal ones are in order of their ids.",
    RELEVANCE="Those first whose title has the words of the text, then those that have them in title and tags, then "
    "those that have them there and in the place, then the others; among these the earliest start first.",
    STARTS_AT_ASC="The earliest start first.",
    STARTS_AT_DESC="The latest start first.",
    CREATED_AT_DESC="The newest first.",
)


@strawberry.input(description="Days of the venue's calendar, the first included and the last not.")
class DateRangeInput:
    from_: date | None = strawberry.field(default=None, name="from", description="The first day.")
    to: date | None = strawberry.field(default=None, description="The day after the last one.")


ARCHIVED = (
    "An event is in the archive once it was put there; a published or cancelled one also from the day after its end, "
    "on the clock of its venue. There it is found by those who took part in it, host it or run its club, and by staff; "
    "nobody else finds it in any list. True: what is in the archive. False: the rest. Null: the rest, and what is in "
    "the archive where `timings` has PAST or `{statuses}` has ARCHIVED."
)


@strawberry.input(name="EventFilter", description=f"Narrows a list of events. {ALL_HOLD}")
class EventFilterInput(Filter):
    text: str | None = strawberry.field(
        default=None,
        metadata=SEARCHED,
        description="Words of title, category, interests, services, venue, address or description, in any Russian or "
        "English form, also unfinished ones; case, ё and accents do not matter. At most 200 characters, of which the "
        "first 12 words count.",
    )
    ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="These events only.", metadata=checked(each=id_of("Event"))
    )
    category_ids: list[strawberry.ID] | None = strawberry.field(default=None, description="Of these categories.")
    interest_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="For people with any of these interests."
    )
    date_range: DateRangeInput | None = strawberry.field(
        default=None, description="Starting on these days, on the clock of the venue."
    )
    venue_ids: list[strawberry.ID] | None = strawberry.field(default=None, description="At these venues.")
    club_ids: list[strawberry.ID] | None = strawberry.field(default=None, description="Of these clubs.")
    service_type_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Offering a service of these types that is not cancelled."
    )
    is_free: bool | None = strawberry.field(default=None, description="Without a price, or with one.")
    price_to: MoneyInput | None = strawberry.field(
        default=None, description="Free, or at most this much in this currency."
    )
    has_free_places: bool | None = strawberry.field(
        default=None,
        description="With places left, as `availability` tells them, or without. Whether one may take them is told by "
        "`viewerRegistrationState`.",
    )
    timings: list[models.EventTiming] | None = strawberry.field(default=None, description="By where it stands now.")
    statuses: list[models.EventStatus] | None = strawberry.field(
        default=None,
        description="In these statuses. Drafts and other events of others that never went out are found by staff who "
        "name their status here.",
    )
    visibilities: list[models.EventVisibility] | None = strawberry.field(
        default=None,
        description="Seen by these. Hidden events of others are found by staff who name their visibility here, or "
        "their club in `clubIds`.",
    )
    archived: bool | None = strawberry.field(default=None, description=ARCHIVED.format(statuses="statuses"))
    hosted_by_viewer: bool | None = strawberry.field(default=None, description="With a role of the caller, or without.")

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
