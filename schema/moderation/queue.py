from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry

import dataloaders.events.events
import dataloaders.moderation.queue
import dataloaders.people.users
import models
from auth.permissions import Permission
from dataloaders.core.pages import Listing
from errors import InvalidId, InvalidStatus, NotFound, Required, TooLong, UserError
from resolvers.events.lifecycle import AlreadyDecided, check_reason
from resolvers.events.validation import EndsBeforeStart, EventInPast, ServicesWouldLieOutside
from resolvers.moderation import queue
from schema.core import ids
from schema.core.context import Info
from schema.core.enums import enum
from schema.core.filters import ALL_HOLD, Filter
from schema.core.input_checks import checked
from schema.core.node import Node
from schema.core.relations import related
from schema.core.roots import MutationInput, Payload, connection, mutation
from schema.events.events import Event
from schema.events.revisions import EventRevision
from schema.people.users import User

enum(
    queue.Decision,
    "What a moderator decides.",
    name="ModerationDecision",
    APPROVE="It goes out.",
    REJECT="It goes back to its author; needs a reason.",
)


@strawberry.type(description="Something put before a moderator. Its author sees it as well.")
class ModerationItem(Node, row=models.ModerationItem, by_id=dataloaders.moderation.queue.by_id):
    state: models.ModerationState = strawberry.field(description="Whether it was decided, and how.")
    reason: str | None = strawberry.field(description="What the moderator wrote to the author.")
    created_at: datetime = strawberry.field(description="When it was submitted.")
    decided_at: datetime | None = strawberry.field(description="When it was decided.")
    event: Event | None = related(dataloaders.events.events.by_id, key="event_id", description="What it is about.")
    revision: EventRevision | None = related(
        dataloaders.moderation.queue.revision_by_id,
        key="revision_id",
        description="The change that it is about; null where the event itself is to go out.",
    )
    submitted_by: User | None = related(dataloaders.people.users.by_id, key="submitted_by_id", description="Who asks.")
    decided_by: User | None = related(dataloaders.people.users.by_id, key="decided_by_id", description="Who decided.")


@strawberry.input(description=f"Narrows the queue of moderators. {ALL_HOLD}")
class ModerationFilter(Filter):
    states: list[models.ModerationState] = strawberry.field(
        default_factory=lambda: [models.ModerationState.PENDING], description="What became of it."
    )


@strawberry.input(description="A moderator's decision.")
class DecideModerationItemInput(MutationInput):
    item_id: strawberry.ID = strawberry.field(description="From `moderationQueue`.")
    decision: queue.Decision = strawberry.field(description="What is to become of it.")
    reason: str | None = strawberry.field(
        default=None,
        description="For the author, at most 1,000 characters; needed to reject.",
        metadata=checked(check_reason),
    )

    @staticmethod
    def check_together(problems: list[UserError], given: Mapping[str, Any], *path: str) -> None:
        if {"decision", "reason"} <= given.keys():
            queue.check_decision(problems, given["decision"], check_reason([], given["reason"]))


@strawberry.type(description="What a decision answers.")
class ModerationItemPayload(Payload):
    item: models.ModerationItem | None = strawberry.field(
        default=None, graphql_type=ModerationItem | None, description="The item as decided."
    )


@strawberry.type
class ModerationQueries:
    @connection(
        description="What waits for a moderator, the longest first; what was decided, if asked for.",
        access=Permission.EVENT_MODERATE,
        of=ModerationItem,
    )
    def moderation_queue(
        self,
        info: Info,
        filter: ModerationFilter | None = None,
    ) -> Listing:
        return queue.listing(states=(filter or ModerationFilter()).states)


@strawberry.type
class ModerationMutations:
    @mutation(
        description="Let a submitted event out, or send it back as a draft; carry out a change of an event that is "
        "out, or leave the event as it is. A change is checked again first: its time may have passed. The author is "
        "told either way. Recorded as `moderation.decided`.",
        access=Permission.EVENT_MODERATE,
        raises=[
            NotFound,
            InvalidId,
            InvalidStatus,
            Required,
            TooLong,
            EventInPast,
            EndsBeforeStart,
            ServicesWouldLieOutside,
            AlreadyDecided,
        ],
    )
    async def decide_moderation_item(self, info: Info, input: DecideModerationItemInput) -> ModerationItemPayload:
        item_id = ids.decode(input.item_id, "ModerationItem")
        async with info.context.writing() as uow:
            item = await queue.decide(
                uow, info.context.viewer, item_id=item_id, decision=input.decision, reason=input.reason
            )
        return ModerationItemPayload(item=item)
