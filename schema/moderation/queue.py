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
from dataloaders.core.keyset_pages import Listing
from errors import InvalidId, InvalidStatus, NotFound, Required, TooLong, UserError
from resolvers.events.lifecycle import AlreadyDecided, check_reason
from resolvers.events.validation import EndsBeforeStart, EventInPast, ServicesWouldLieOutside
from resolvers.moderation import queue
from schema.core import ids
from schema.core.context import Info
from schema.core.enums import enum
from schema.core.filters import ALL_HOLD, Filter
from schema.core.input_checks import checked
from schema.core.node_interface import Node
from schema.core.relations import related
from schema.core.roots import MutationInput, Payload, connection, mutation
from schema.events.events import Event
from schema.events.revisions import EventRevision
from schema.people.users import User

enum(
    queue.Decision,
    "The decision of a moderator.",
    name="ModerationDecision",
    APPROVE="Publish the event or carry out the change.",
    REJECT="Send it back to its author. Requires a reason.",
)


@strawberry.type(
    description="An event or a revision that was submitted to a moderator. Visible to moderators and its author."
)
class ModerationItem(Node, row=models.ModerationItem, by_id=dataloaders.moderation.queue.by_id):
    state: models.ModerationState = strawberry.field(description="Whether a moderator has decided, and how.")
    reason: str | None = strawberry.field(description="What the moderator wrote to the author. Null if nothing.")
    created_at: datetime = strawberry.field(description="When the item was submitted.")
    decided_at: datetime | None = strawberry.field(description="When the moderator decided. Null if they have not.")
    event: Event | None = related(
        dataloaders.events.events.by_id, key="event_id", description="The event that is submitted or to be changed."
    )
    revision: EventRevision | None = related(
        dataloaders.moderation.queue.revision_by_id,
        key="revision_id",
        description="The revision to decide about. Null if the event itself was submitted.",
    )
    submitted_by: User | None = related(
        dataloaders.people.users.by_id, key="submitted_by_id", description="Who submitted the item."
    )
    decided_by: User | None = related(
        dataloaders.people.users.by_id,
        key="decided_by_id",
        description="The moderator who decided. Null if nobody has.",
    )


@strawberry.input(description=f"Filters the moderation queue. {ALL_HOLD}")
class ModerationFilter(Filter):
    states: list[models.ModerationState] = strawberry.field(
        default_factory=lambda: [models.ModerationState.PENDING],
        description="Keep items in one of these states. Defaults to those that wait.",
    )


@strawberry.input(description="Input of `decideModerationItem`.")
class DecideModerationItemInput(MutationInput):
    item_id: strawberry.ID = strawberry.field(description="The item to decide, from `moderationQueue`.")
    decision: queue.Decision = strawberry.field(description="The decision.")
    reason: str | None = strawberry.field(
        default=None,
        description="A message to the author, at most 1,000 characters. Required to reject.",
        metadata=checked(check_reason),
    )

    @staticmethod
    def check_together(problems: list[UserError], given: Mapping[str, Any], *path: str) -> None:
        if {"decision", "reason"} <= given.keys():
            queue.check_decision(problems, given["decision"], check_reason([], given["reason"]))


@strawberry.type(description="The result of `decideModerationItem`.")
class ModerationItemPayload(Payload):
    item: models.ModerationItem | None = strawberry.field(
        default=None,
        graphql_type=ModerationItem | None,
        description="The item as decided. Null if the mutation was refused.",
    )


@strawberry.type
class ModerationQueries:
    @connection(
        description="The events and revisions that wait for a moderator, longest waiting first. `filter` can ask "
        "for decided ones.",
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
        description="Approve or reject an item of the moderation queue. Approving publishes a submitted event or "
        "carries out a proposed change; a change is validated again first, since its time may have "
        "passed. Rejecting sends a submitted event back as a draft, or leaves a published event as "
        "it is. The author is notified either way. Emits the domain event `moderation.decided`.",
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
