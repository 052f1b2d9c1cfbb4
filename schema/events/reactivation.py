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


@strawberry.type(description="The result of `reactivateEvent`.")
class ReactivateEventPayload(PayloadWithWarnings):
    event: models.Event | None = strawberry.field(
        default=None,
        graphql_type=Event | None,
        description="The event that was brought back, or the new event if people took part in the old one. Null "
        "if the mutation was refused.",
    )
    revision: models.EventRevision | None = strawberry.field(
        default=None,
        graphql_type=EventRevision | None,
        description="The revision that waits for a moderator. The event stays as it is until it is approved. "
        "Null if nothing waits.",
    )


@strawberry.input(description="Input of `reactivateEvent`. Give a new date if the old one has passed.")
class ReactivateEventInput(MutationInput):
    event_id: strawberry.ID = strawberry.field(description="The cancelled or archived event to bring back.")
    starts_at: datetime | None = strawberry.field(
        default=None, description="The new start. Required if the event has ended; if omitted, the start stays."
    )
    ends_at: datetime | None = strawberry.field(
        default=None, description="The new end. If omitted, the event lasts as long as before."
    )

    @staticmethod
    def check_together(problems: list[UserError], given: Mapping[str, Any], *path: str) -> None:
        check_times(problems, given.get("starts_at"), given.get("ends_at"))


@strawberry.type
class EventReactivationMutations:
    @mutation(
        description="Bring back a cancelled or archived event. It becomes published if it was published before, "
            "otherwise a draft. If it has ended it needs a new date; its services move along. A new "
            "date, and an event that staff archived, first go to a moderator under the rule of "
            "`publishEvent`; until then the event stays as it is. People who hold a place keep it and "
            "are notified. If people took part in the event, it stays in the archive and the result is a "
            "new event like it, whose `previousEvent` is the old one. Emits the domain event "
            "`event.reactivated`, `event.revision.submitted` or `event.created`.",
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
