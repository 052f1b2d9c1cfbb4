from __future__ import annotations

from datetime import datetime

import strawberry

import dataloaders.events
import dataloaders.registrations
import dataloaders.users
import models
from auth.permissions import Permission
from errors import NotFound
from resolvers import capacity
from resolvers import registrations as rules
from schema import ids
from schema.context import Info
from schema.events import Event
from schema.node import Node
from schema.relations import related
from schema.roots import MutationInput, Payload, mutation
from schema.users import User

strawberry.enum(models.Admission, description="Whether someone is let in.")
strawberry.enum(models.Attendance, description="Whether someone came.")


@strawberry.type(description="A person takes part in an event.")
class Registration(Node, row=models.Registration, by_id=dataloaders.registrations.by_id):
    admission: models.Admission = strawberry.field(description="Whether the person is let in.")
    attendance: models.Attendance = strawberry.field(description="Whether the person came.")
    created_at: datetime = strawberry.field(description="When the person registered first.")
    event: Event | None = related(
        dataloaders.events.by_id, key="event_id", description="Null when it is no longer visible."
    )
    user: User | None = related(
        dataloaders.users.by_id, key="user_id", description="Null when their profile is hidden."
    )


@strawberry.input
class RegisterForEventInput(MutationInput):
    event_id: strawberry.ID
    note: str | None = None


@strawberry.input
class CancelRegistrationInput(MutationInput):
    event_id: strawberry.ID


@strawberry.type
class RegistrationPayload(Payload):
    registration: models.Registration | None = strawberry.field(
        default=None, graphql_type=Registration | None, description="The registration."
    )


@strawberry.type
class RegistrationMutations:
    @mutation(
        description="Take a place at an event without services.",
        access=Permission.REGISTER,
        raises=[
            NotFound,
            capacity.Full,
            capacity.Closed,
            rules.AlreadyRegistered,
            rules.BookServicesInstead,
        ],
    )
    async def register_for_event(self, info: Info, input: RegisterForEventInput) -> RegistrationPayload:
        event_id = ids.decode(input.event_id, "Event", "eventId")
        async with info.context.writing() as uow:
            registration = await rules.register(uow, info.context.viewer, event_id=event_id, note=input.note)
        return RegistrationPayload(registration=registration)

    @mutation(
        description="Give one's place back, with all bookings at the event.",
        access=Permission.REGISTER,
        raises=[NotFound, rules.NotRegistered],
    )
    async def cancel_registration(self, info: Info, input: CancelRegistrationInput) -> RegistrationPayload:
        event_id = ids.decode(input.event_id, "Event", "eventId")
        async with info.context.writing() as uow:
            registration = await rules.cancel(uow, info.context.viewer, event_id=event_id)
        return RegistrationPayload(registration=registration)
