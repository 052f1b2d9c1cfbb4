from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry

import dataloaders.events.events
import dataloaders.events.venues
import dataloaders.moderation.queue
import models
from auth.permissions import Permission
from errors import Forbidden, InvalidId, NotFound
from resolvers.events import revisions
from resolvers.events.lifecycle import AlreadyDecided
from schema.core import ids
from schema.core.context import Info
from schema.core.enums import enum
from schema.core.node import Node
from schema.core.relations import Need, derived, related
from schema.core.roots import MutationInput, Payload, mutation
from schema.events.events import Event
from schema.events.venues import Venue

enum(
    models.ModerationState,
    "What became of something that was put before a moderator.",
    PENDING="It waits.",
    APPROVED="It went out.",
    REJECTED="It was sent back to its author, with a reason.",
    WITHDRAWN="Its author took it back.",
)
ITEM = Need(dataloaders.moderation.queue.by_revision_id)
"""What became of a revision. Null only where it has just been deleted."""


@strawberry.type(
    description="A change of an event that is out, or was, which waits for a moderator or did. Until it is approved, "
    "the event stays as it is. For those who may change the event, and for moderators."
)
class EventRevision(Node, row=models.EventRevision, by_id=dataloaders.moderation.queue.revision_by_id):
    title: str | None = strawberry.field(description="The proposed title; null where it stays.")
    description: str | None = strawberry.field(description="The proposed description; null where it stays or goes.")
    removes_description: bool = strawberry.field(description="Whether the description goes.")
    starts_at: datetime | None = strawberry.field(description="The proposed start; null where it stays.")
    ends_at: datetime | None = strawberry.field(description="The proposed end; null where it stays.")
    moves_services: bool = strawberry.field(description="Whether the services move along.")
    reactivates: bool = strawberry.field(
        description="Whether it brings back an event that was cancelled or archived (`reactivateEvent`)."
    )
    created_at: datetime = strawberry.field(description="When it was proposed.")
    venue: Venue | None = related(
        dataloaders.events.venues.by_id, key="venue_id", description="The proposed venue; null where it stays."
    )
    event: Event | None = related(dataloaders.events.events.by_id, key="event_id", description="Of which event.")

    @derived(description="What became of it.", graphql_type=models.ModerationState, item=ITEM)
    def state(root: Any, _info: Info, *, item: Any) -> Any:
        return item.state if item else models.ModerationState.WITHDRAWN

    @derived(
        description="What the moderator wrote to the author; always there where it was rejected.",
        graphql_type=str | None,
        item=ITEM,
    )
    def reason(root: Any, _info: Info, *, item: Any) -> Any:
        return item.reason if item else None

    @derived(description="When it was decided.", graphql_type=datetime | None, item=ITEM)
    def decided_at(root: Any, _info: Info, *, item: Any) -> Any:
        return item.decided_at if item else None


@strawberry.input(description="A revision for `withdrawEventRevision`.")
class WithdrawEventRevisionInput(MutationInput):
    revision_id: strawberry.ID = strawberry.field(description="From `Event.pendingRevision`.")


@strawberry.type(description="What the withdrawal of a revision answers.")
class EventRevisionPayload(Payload):
    revision: models.EventRevision | None = strawberry.field(
        default=None, graphql_type=EventRevision | None, description="The revision."
    )


@strawberry.type
class EventRevisionMutations:
    @mutation(
        description="Take back a change that waits for a moderator, if one may change its event. The event stays as it "
        "is. Recorded as `event.revision.withdrawn`.",
        access=Permission.EVENT_CREATE,
        raises=[NotFound, Forbidden, InvalidId, AlreadyDecided],
    )
    async def withdraw_event_revision(self, info: Info, input: WithdrawEventRevisionInput) -> EventRevisionPayload:
        revision_id = ids.decode(input.revision_id, "EventRevision")
        async with info.context.writing() as uow:
            revision = await revisions.withdraw(uow, info.context.viewer, revision_id=revision_id)
        return EventRevisionPayload(revision=revision)
