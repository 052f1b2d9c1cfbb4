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
from schema.core.node_interface import Node
from schema.core.relations import Need, derived, related
from schema.core.roots import MutationInput, Payload, mutation
from schema.events.events import Event
from schema.events.venues import Venue

enum(
    models.ModerationState,
    "The state of something that was submitted to a moderator.",
    PENDING="It waits for a decision.",
    APPROVED="A moderator approved it, and it took effect.",
    REJECTED="A moderator refused it, with a reason.",
    WITHDRAWN="The author withdrew it.",
)
ITEM = Need(dataloaders.moderation.queue.by_revision_id)
"""What became of a revision. Null only where it has just been deleted."""


@strawberry.type(
    description="A proposed change of an event that is or was published. The event stays as it is until a "
    "moderator approves the revision. Visible to moderators and to people who may edit the event."
)
class EventRevision(Node, row=models.EventRevision, by_id=dataloaders.moderation.queue.revision_by_id):
    title: str | None = strawberry.field(description="The proposed title. Null if the title stays.")
    description: str | None = strawberry.field(
        description="The proposed description. Null if the description stays or is removed; see `removesDescription`."
    )
    removes_description: bool = strawberry.field(description="Whether the description is removed.")
    starts_at: datetime | None = strawberry.field(description="The proposed start. Null if the start stays.")
    ends_at: datetime | None = strawberry.field(description="The proposed end. Null if the end stays.")
    moves_services: bool = strawberry.field(description="Whether the services move along with the start.")
    reactivates: bool = strawberry.field(
        description="Whether approving the revision brings back a cancelled or archived event, as proposed by "
        "`reactivateEvent`."
    )
    created_at: datetime = strawberry.field(description="When the revision was proposed.")
    venue: Venue | None = related(
        dataloaders.events.venues.by_id, key="venue_id", description="The proposed venue. Null if the venue stays."
    )
    event: Event | None = related(dataloaders.events.events.by_id, key="event_id", description="The event to change.")

    @derived(description="The state of the revision.", graphql_type=models.ModerationState, item=ITEM)
    def state(root: Any, _info: Info, *, item: Any) -> Any:
        return item.state if item else models.ModerationState.WITHDRAWN

    @derived(
        description="What the moderator wrote to the author. Always set if the revision was refused.",
        graphql_type=str | None,
        item=ITEM,
    )
    def reason(root: Any, _info: Info, *, item: Any) -> Any:
        return item.reason if item else None

    @derived(description="When the moderator decided. Null if they have not.", graphql_type=datetime | None, item=ITEM)
    def decided_at(root: Any, _info: Info, *, item: Any) -> Any:
        return item.decided_at if item else None


@strawberry.input(description="Input of `withdrawEventRevision`.")
class WithdrawEventRevisionInput(MutationInput):
    revision_id: strawberry.ID = strawberry.field(description="The revision to withdraw, from `Event.pendingRevision`.")


@strawberry.type(description="The result of `withdrawEventRevision`.")
class EventRevisionPayload(Payload):
    revision: models.EventRevision | None = strawberry.field(
        default=None,
        graphql_type=EventRevision | None,
        description="The withdrawn revision. Null if the mutation was refused.",
    )


@strawberry.type
class EventRevisionMutations:
    @mutation(
        description="Withdraw a revision that waits for a moderator. The event stays as it is. People who may "
        "edit the event may do this. Emits the domain event `event.revision.withdrawn`.",
        access=Permission.EVENT_CREATE,
        raises=[NotFound, Forbidden, InvalidId, AlreadyDecided],
    )
    async def withdraw_event_revision(self, info: Info, input: WithdrawEventRevisionInput) -> EventRevisionPayload:
        revision_id = ids.decode(input.revision_id, "EventRevision")
        async with info.context.writing() as uow:
            revision = await revisions.withdraw(uow, info.context.viewer, revision_id=revision_id)
        return EventRevisionPayload(revision=revision)
