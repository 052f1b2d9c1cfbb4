from __future__ import annotations

from uuid import UUID

import strawberry

import dataloaders.people.users
import models
from auth.permissions import Permission
from errors import Forbidden, NotFound, TooMany
from resolvers.booking.capacity import Restricted
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
    "What someone does at an event.",
    ORGANIZER="Made it, and may change it.",
    CO_ORGANIZER="May change it.",
    STAFF="Works there.",
)

RANKS = (
    "For those who may change the event. The role ORGANIZER is given and taken by organizers, those who rule the "
    "event's club, and staff alone."
)


@strawberry.input(description="A role at an event for someone.")
class AddEventHostInput(MutationInput):
    event_id: strawberry.ID = strawberry.field(description="The event.")
    user_id: strawberry.ID = strawberry.field(description="Who gets the role.")
    role: models.EventRole = strawberry.field(description="What they do there.")


@strawberry.input(description="Another role for someone who has one.")
class ChangeEventHostRoleInput(MutationInput):
    event_id: strawberry.ID = strawberry.field(description="The event.")
    user_id: strawberry.ID = strawberry.field(description="Whose role changes.")
    role: models.EventRole = strawberry.field(description="What they do there from now on.")


@strawberry.input(description="A role to take away.")
class RemoveEventHostInput(MutationInput):
    event_id: strawberry.ID = strawberry.field(description="The event.")
    user_id: strawberry.ID = strawberry.field(description="Who loses the role.")


def _decoded(input: AddEventHostInput | ChangeEventHostRoleInput | RemoveEventHostInput) -> tuple[UUID, UUID]:
    return ids.decode(input.event_id, "Event"), ids.decode(input.user_id, "User")


@strawberry.type(description="Someone with a role at an event.")
class EventHost:
    role: models.EventRole = strawberry.field(description="What they do there.")
    user: User | None = related(dataloaders.people.users.by_id, key="user_id", description="Null when hidden.")


@strawberry.type
class EventHostMutations:
    @mutation(
        description=f"Give someone a role at an event, and a place in its chat; at most {rules.MOST_HOSTS} people have "
        f"one. They are told. {RANKS}",
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
        description=f"Give someone another role at an event. They are told. {RANKS}",
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
        description=f"Take someone's role at an event away; everyone may give up their own. They are told. {RANKS} "
        "`event` is null where the caller no longer sees it.",
        access=Permission.EVENT_CREATE,
        raises=[NotFound, Forbidden, rules.LastOrganizer],
    )
    async def remove_event_host(self, info: Info, input: RemoveEventHostInput) -> EventPayload:
        event_id, user_id = _decoded(input)
        async with info.context.writing() as uow:
            event = await rules.remove(uow, info.context.viewer, event_id=event_id, user_id=user_id)
        return EventPayload(event=event)
