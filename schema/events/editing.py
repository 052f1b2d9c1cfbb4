from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry

import models
from auth.permissions import Permission
from errors import InvalidStatus, UserError, UserErrors, VersionConflict
from resolvers.events import editing
from resolvers.events.creation import check_description, check_one_venue, check_title
from resolvers.events.validation import (
    CapacityBelowTaken,
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


@strawberry.type(description="What an edit of an event answers.")
class UpdateEventPayload(PayloadWithWarnings):
    event: models.Event | None = strawberry.field(default=None, graphql_type=Event | None, description="The event.")
    revision: models.EventRevision | None = strawberry.field(
        default=None,
        graphql_type=EventRevision | None,
        description="What waits for a moderator, by this edit and those before it; null where it all went out.",
    )
    changed_fields: list[str] = strawberry.field(
        default_factory=list, description="Fields of the event that are different now."
    )


@strawberry.input(description="What changes of an event. A field that is left out stays as it is.")
class UpdateEventInput(MutationInput):
    event_id: strawberry.ID = strawberry.field(description="The event.")
    expected_version: int = strawberry.field(description="`version` as it was read; another one is VERSION_CONFLICT.")
    title: strawberry.Maybe[str] = strawberry.field(
        default=None, description="At most 500 characters.", metadata=checked(check_title)
    )
    description: strawberry.Maybe[str | None] = strawberry.field(
        default=None, description="Null removes it.", metadata=checked(check_description)
    )
    category_id: strawberry.Maybe[strawberry.ID] = strawberry.field(default=None, description="From `eventCategories`.")
    interest_ids: strawberry.Maybe[list[strawberry.ID]] = strawberry.field(
        default=None, description="All of them from now on, at most 50.", metadata=checked(check_most)
    )
    visibility: strawberry.Maybe[models.EventVisibility] = strawberry.field(default=None, description="Who may see it.")
    starts_at: strawberry.Maybe[datetime] = strawberry.field(default=None, description="With offset.")
    ends_at: strawberry.Maybe[datetime] = strawberry.field(default=None, description="With offset.")
    move_services: bool = strawberry.field(
        default=False,
        description="Whether the services move along, each to the same time on the clock of the venue after the start "
        "as before, also over a clock change or into another zone.",
    )
    capacity: strawberry.Maybe[int | None] = strawberry.field(
        default=None,
        description="Null removes the limit, where there are no services. Not below what is taken, nor below a "
        "service's capacity.",
        metadata=checked(check_places),
    )
    price: strawberry.Maybe[MoneyInput] = strawberry.field(default=None, description="For one person.")
    venue_id: strawberry.Maybe[strawberry.ID] = strawberry.field(
        default=None, description="Another known venue. The event takes its zone; the instants stay."
    )
    new_venue: strawberry.Maybe[NewVenueInput] = strawberry.field(default=None, description="A venue not known yet.")

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
        description="Change an event that one hosts, of a club that one runs, or as staff. Of an event that is out, "
        "another title, description, place or time waits for a moderator unless the caller is trusted with it, as by "
        "`publishEvent`; the event stays out as it is until then, and everything else changes at once. What waits "
        "already is put together with it. Participants are told of another title, time, place or price. Recorded as "
        "`event.updated`, and as `event.revision.submitted` what waits.",
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
