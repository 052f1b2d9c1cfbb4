from __future__ import annotations

from uuid import UUID

import strawberry

import dataloaders.people.users
import models
from auth.permissions import Permission
from errors import Forbidden, NotFound, TooMany
from resolvers.booking.bookability import Restricted
from resolvers.events import hosts as rules
from schema.core import ids
from schema.core.context import Info
from schema.core.enums import enum
from schema.core.quotas import INVITATIONS
from schema.core.relations import related
from schema.core.roots import MutationInput, mutation
from schema.events.events import EventPayload
from schema.people.users import User

enum(
    models.EventRole,
    "The role of a person at an event.",
    ORGANIZER="Runs the event, may edit it, and gives roles to others.",
    CO_ORGANIZER="May edit the event.",
    STAFF="Works at the event but may not edit it.",
)

RANKS = (
    "People who may edit the event may do this. Only organizers, owners and administrators of the "
    "event's club, and staff may give and take the role ORGANIZER."
)


@strawberry.input(description="Input of `addEventHost`.")
class AddEventHostInput(MutationInput):
    event_id: strawberry.ID = strawberry.field(description="The event.")
    user_id: strawberry.ID = strawberry.field(description="The person who gets the role.")
    role: models.EventRole = strawberry.field(description="The role to give.")


@strawberry.input(description="Input of `changeEventHostRole`.")
class ChangeEventHostRoleInput(MutationInput):
    event_id: strawberry.ID = strawberry.field(description="The event.")
    user_id: strawberry.ID = strawberry.field(description="The person whose role to change.")
    role: models.EventRole = strawberry.field(description="The new role.")


@strawberry.input(description="Input of `removeEventHost`.")
class RemoveEventHostInput(MutationInput):
    event_id: strawberry.ID = strawberry.field(description="The event.")
    user_id: strawberry.ID = strawberry.field(description="The person who loses the role.")


def _decoded(input: AddEventHostInput | ChangeEventHostRoleInput | RemoveEventHostInput) -> tuple[UUID, UUID]:
    return ids.decode(input.event_id, "Event"), ids.decode(input.user_id, "User")


@strawberry.type(description="A person with a role at an event.")
class EventHost:
    role: models.EventRole = strawberry.field(description="The person's role at the event.")
    user: User | None = related(
        dataloaders.people.users.by_id, key="user_id", description="The person. Null if the caller cannot see them."
    )


@strawberry.type
class EventHostMutations:
    @mutation(
        description="Give a person a role at an event and add them to its chat. They are notified. An event has "
        f"at most {rules.MOST_HOSTS} people with a role. {RANKS}",
        access=Permission.EVENT_CREATE,
        raises=[NotFound, Forbidden, TooMany, Restricted, rules.AlreadyHost],
        quotas=[INVITATIONS],
    )
    async def add_event_host(self, info: Info, input: AddEventHostInput) -> EventPayload:
        event_id, user_id = _decoded(input)
        async with info.context.writing() as uow:
            event = await rules.add(uow, info.context.viewer, event_id=event_id, user_id=user_id, role=input.role)
        return EventPayload(event=event)

    @mutation(
        description=f"Give a person another role at an event. They are notified. {RANKS}",
        access=Permission.EVENT_CREATE,
        raises=[NotFound, Forbidden, rules.LastOrganizer],
    )
    async def change_event_host_role(self, info: Info, input: ChangeEventHostRoleInput) -> EventPayload:
        event_id, user_id = _decoded(input)
        async with info.context.writing() as uow:
            event = await rules.change_role(
                uow, info.context.viewer, event_id=event_id, user_id=user_id, role=input.role
            )
        return EventPayload(event=event)

    @mutation(
        description="Take a person's role at an event away. They are notified. Everyone may give up their own "
        f"role. {RANKS} `event` is null in the result if the caller can no longer see the event.",
        access=Permission.EVENT_CREATE,
        raises=[NotFound, Forbidden, rules.LastOrganizer],
    )
    async def remove_event_host(self, info: Info, input: RemoveEventHostInput) -> EventPayload:
        event_id, user_id = _decoded(input)
        async with info.context.writing() as uow:
            event = await rules.remove(uow, info.context.viewer, event_id=event_id, user_id=user_id)
        return EventPayload(event=event)
