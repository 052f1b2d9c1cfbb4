from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry

import models
from auth.permissions import Permission
from errors import InvalidStatus, UserError, UserErrors, VersionConflict
from resolvers.booking.bookability import CapacityBelowTaken
from resolvers.events import editing
from resolvers.events.creation import check_description, check_one_venue, check_title
from resolvers.events.validation import (
    EventChanges,
    ServicesWouldLieOutside,
    check_places,
    check_times,
)
from resolvers.people.interests import check_most
from schema.core import ids
from schema.core.context import Info
from schema.core.input_checks import checked, given
from schema.core.money import MoneyInput
from schema.core.roots import MutationInput, PayloadWithWarnings, mutation
from schema.core.user_errors import user_errors
from schema.events.creation import CONTENT_PROBLEMS
from schema.events.events import ACCESS_PROBLEMS, Event, conflicts_of
from schema.events.revisions import EventRevision
from schema.events.venues import NewVenueInput, new_venue


@strawberry.type(description="The result of `updateEvent`.")
class UpdateEventPayload(PayloadWithWarnings):
    event: models.Event | None = strawberry.field(
        default=None, graphql_type=Event | None, description="The event. Null if the mutation was refused."
    )
    revision: models.EventRevision | None = strawberry.field(
        default=None,
        graphql_type=EventRevision | None,
        description="The revision that waits for a moderator, with the changes of this call and of earlier ones. "
        "Null if nothing waits.",
    )
    changed_fields: list[str] = strawberry.field(
        default_factory=list, description="The names of the fields of the event that have a new value now."
    )


@strawberry.input(description="Input of `updateEvent`. Fields that are omitted stay unchanged.")
class UpdateEventInput(MutationInput):
    event_id: strawberry.ID = strawberry.field(description="The event to edit.")
    expected_version: int = strawberry.field(
        description="The `version` of the event when it was read. If the event was edited since, the mutation is "
        "refused with VERSION_CONFLICT."
    )
    title: strawberry.Maybe[str] = strawberry.field(
        default=None, description="The new title, at most 500 characters.", metadata=checked(check_title)
    )
    description: strawberry.Maybe[str | None] = strawberry.field(
        default=None,
        description="The new description, at most 20,000 characters. Null removes it.",
        metadata=checked(check_description),
    )
    category_id: strawberry.Maybe[strawberry.ID] = strawberry.field(
        default=None, description="The new category, one of `eventCategories`."
    )
    interest_ids: strawberry.Maybe[list[strawberry.ID]] = strawberry.field(
        default=None, description="The complete new list of interests, at most 50.", metadata=checked(check_most)
    )
    visibility: strawberry.Maybe[models.EventVisibility] = strawberry.field(
        default=None, description="Who can see the event from now on."
    )
    starts_at: strawberry.Maybe[datetime] = strawberry.field(default=None, description="The new start.")
    ends_at: strawberry.Maybe[datetime] = strawberry.field(default=None, description="The new end.")
    move_services: bool = strawberry.field(
        default=False,
        description="Whether the services move along with the start. Each keeps its distance from the start on "
        "the venue's clock, even across a clock change or into another time zone.",
    )
    capacity: strawberry.Maybe[int | None] = strawberry.field(
        default=None,
        description="The new maximum number of people: not lower than the places taken, nor than the capacity of "
        "a service. Null removes the limit, which is only possible without services.",
        metadata=checked(check_places),
    )
    price: strawberry.Maybe[MoneyInput] = strawberry.field(default=None, description="The new price for one person.")
    venue_id: strawberry.Maybe[strawberry.ID] = strawberry.field(
        default=None,
        description="Another existing venue. The event takes its time zone; the moments of start and end stay "
        "the same.",
    )
    new_venue: strawberry.Maybe[NewVenueInput] = strawberry.field(
        default=None, description="A venue to create and move the event to."
    )

    @staticmethod
    def check_together(problems: list[UserError], given: Mapping[str, Any], *path: str) -> None:
        if {"venue_id", "new_venue"} <= given.keys():
            check_one_venue(problems, given["venue_id"], given["new_venue"])
        if {"starts_at", "ends_at"} <= given.keys():
            check_times(problems, given["starts_at"], given["ends_at"], unchanged=True)


def event_changes(input: UpdateEventInput) -> EventChanges:
    changes: EventChanges = given(  # type: ignore[assignment]  # a dict of just these keys
        title=input.title,
        description=input.description,
        visibility=input.visibility,
        starts_at=input.starts_at,
        ends_at=input.ends_at,
        capacity=input.capacity,
    )
    if input.category_id is not None:
        changes["category_id"] = ids.decode(input.category_id.value, "EventCategory")
    if input.interest_ids is not None:
        changes["interest_ids"] = ids.decode_all(input.interest_ids.value, "Interest")
    if input.price is not None:
        changes["price"] = input.price.value.price()
    if input.venue_id is not None:
        changes["venue_id"] = ids.decode(input.venue_id.value, "Venue")
    if input.new_venue is not None:
        changes["new_venue"] = new_venue(input.new_venue.value)
    return changes


@strawberry.type
class EventEditingMutations:
    @mutation(
        description="Edit an event. Its organizers and co-organizers may do this, owners and administrators of "
            "its club, and staff. A new title, description, place or time of a published event first "
            "goes to a moderator as a revision, unless the caller is trusted as described at "
            "`publishEvent`; until it is approved, the event stays as it is. All other changes take "
            "effect at once. A revision that is already waiting is merged with the new one. Participants "
            "are notified of a new title, time, place or price. Emits the domain event `event.updated`, "
            "and `event.revision.submitted` if a revision waits.",
        access=Permission.EVENT_CREATE,
        gathers=True,
        raises=[
            *ACCESS_PROBLEMS, *CONTENT_PROBLEMS, VersionConflict, InvalidStatus, ServicesWouldLieOutside,
            CapacityBelowTaken, editing.EventHasNoClub,
        ],
    )  # fmt: skip
    async def update_event(self, info: Info, input: UpdateEventInput) -> UpdateEventPayload:
        event_id, changes = ids.decode(input.event_id, "Event"), event_changes(input)
        async with info.context.writing() as uow:
            edited = await editing.update(
                uow,
                info.context.viewer,
                event_id=event_id,
                expected_version=input.expected_version,
                changes=changes,
                move_services=input.move_services,
            )
            is_moved = not {"startsAt", "endsAt", "venue"}.isdisjoint(edited.changed)
            warnings = await conflicts_of(info, uow, edited.event, "startsAt") if is_moved else []
        return UpdateEventPayload(
            event=edited.event,
            revision=edited.revision,
            changed_fields=edited.changed,
            warnings=user_errors(UserErrors(warnings), info.context.reader),
        )
