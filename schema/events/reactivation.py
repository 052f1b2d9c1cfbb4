"""Bringing a cancelled or archived event back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry

import models
from auth.permissions import Permission
from errors import InvalidStatus, OutOfRange, UserError, UserErrors
from resolvers.booking.time_conflicts import TimeConflict
from resolvers.core.moments import TimeNeedsOffset
from resolvers.events import reactivation
from resolvers.events.validation import EndsBeforeStart, EventInPast, ServicesWouldLieOutside, check_times
from schema.core import ids
from schema.core.context import Info
from schema.core.quotas import EVENTS
from schema.core.roots import MutationInput, PayloadWithWarnings, mutation
from schema.core.user_errors import user_errors
from schema.events.events import ACCESS_PROBLEMS, Event, conflicts_of
from schema.events.revisions import EventRevision


@strawberry.type(description="What bringing an event back answers.")
class ReactivateEventPayload(PayloadWithWarnings):
    event: models.Event | None = strawberry.field(
        default=None, graphql_type=Event | None, description="The event; another one where it is held again."
    )
    revision: models.EventRevision | None = strawberry.field(
        default=None,
        graphql_type=EventRevision | None,
        description="What waits for a moderator; null where nothing does. Until then the event stays as it is.",
    )


@strawberry.input(description="An event for `reactivateEvent`, with its new date where that has passed.")
class ReactivateEventInput(MutationInput):
    event_id: strawberry.ID = strawberry.field(description="The event, cancelled or archived.")
    starts_at: datetime | None = strawberry.field(
        default=None, description="With offset. The start stays unless given; one is needed where the event is over."
    )
    ends_at: datetime | None = strawberry.field(
        default=None, description="With offset. Unless given, the event lasts as long as before."
    )

    @staticmethod
    def check_together(problems: list[UserError], given: Mapping[str, Any], *path: str) -> None:
        check_times(problems, given.get("starts_at"), given.get("ends_at"))


@strawberry.type
class EventReactivationMutations:
    @mutation(
        description="Bring a cancelled or archived event back: published if it was out, else as a draft. What is over "
        "needs a new date; services move along. Another date, and what staff had put away, waits for a moderator by "
        "the rule of `publishEvent`; the event stays as it is until then. Who holds a place keeps it and is told. An "
        "event that people took part in stays in the archive: then the answer is a new event like it, whose "
        "`previousEvent` it is. Recorded as `event.reactivated`, `event.revision.submitted` or `event.created`.",
        access=Permission.EVENT_CREATE,
        raises=[
            *ACCESS_PROBLEMS, InvalidStatus, EventInPast, EndsBeforeStart, TimeNeedsOffset, OutOfRange,
            ServicesWouldLieOutside, TimeConflict,
        ],
        quotas=[EVENTS],
    )  # fmt: skip
    async def reactivate_event(self, info: Info, input: ReactivateEventInput) -> ReactivateEventPayload:
        event_id = ids.decode(input.event_id, "Event")
        async with info.context.writing() as uow:
            found = await reactivation.reactivate(
                uow, info.context.viewer, event_id=event_id, starts_at=input.starts_at, ends_at=input.ends_at
            )
            warnings = await conflicts_of(info, uow, found.event, "eventId")
        return ReactivateEventPayload(
            event=found.event, revision=found.revision, warnings=user_errors(UserErrors(warnings), info.context.reader)
        )
