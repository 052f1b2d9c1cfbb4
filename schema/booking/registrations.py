from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

import dataloaders.booking.bookings
import dataloaders.booking.registrations
import dataloaders.booking.viewer_can
import dataloaders.events.events
import dataloaders.events.viewer_can
import dataloaders.people.users
import models
from auth.permissions import Permission
from auth.rights import Part
from errors import Forbidden, InvalidStatus, NotFound, TooLong, UserErrors
from resolvers.booking import capacity, removal, staff_notes, time_conflicts, viewer_can
from resolvers.booking import registrations as rules
from resolvers.booking.time_conflicts import Policy
from schema.booking.viewer_can import RegistrationViewerCan
from schema.core import ids
from schema.core.access import SIGNED_IN
from schema.core.context import Info
from schema.core.enums import enum
from schema.core.filters import ALL_HOLD, Filter
from schema.core.input_checks import checked
from schema.core.money import Money
from schema.core.node import Node
from schema.core.quotas import REGISTRATIONS
from schema.core.relations import Need, derived, reads, related, signed_in
from schema.core.roots import MutationInput, Payload, PayloadWithWarnings, mutation
from schema.core.user_errors import user_errors
from schema.core.viewer_can import allowed
from schema.events.events import Event, price_of
from schema.people.users import User

if TYPE_CHECKING:
    from schema.booking.bookings import Booking

enum(
    models.Admission,
    "Whether someone is let in.",
    PENDING_APPROVAL="The organisers have not decided yet.",
    WAITLISTED="Waits for a place.",
    OFFERED="Has been offered a place, which is held for a while.",
    CONFIRMED="Has a place.",
    CANCELLED="Has given the place up, or lost it.",
    REJECTED="Was put out by those who run the event, and takes no place there until they lift it.",
)
enum(
    models.Attendance,
    "Whether someone came.",
    EXPECTED="Nothing is known yet.",
    ATTENDED="Came.",
    NO_SHOW="Did not come.",
    EXCUSED="Did not come, and said so in time.",
)
enum(
    dataloaders.booking.registrations.RegistrationSort,
    "Order of one's registrations. Equal ones are in order of their ids.",
    STARTS_AT_ASC="By the start of the event, the earliest first.",
    STARTS_AT_DESC="By the start of the event, the latest first.",
    CREATED_AT_DESC="What one registered for last first.",
)


ROLES = Need(dataloaders.events.viewer_can.roles_by_event_id, key="event_id", visible=signed_in)
"""The caller's part in the row's event."""


def staff_note_for(row: Any, info: Info, roles: Any) -> str | None:
    is_known = roles is not None and staff_notes.may_know(Part.of(info.context.viewer, roles))
    return row.staff_note if is_known else None


@strawberry.type(description="A person takes part in an event.")
class Registration(Node, row=models.Registration, by_id=dataloaders.booking.registrations.by_id):
    admission: models.Admission = strawberry.field(description="Whether the person is let in.")
    attendance: models.Attendance = strawberry.field(description="Whether the person came.")
    note: str | None = strawberry.field(description="What the person wants the organisers to know.")
    created_at: datetime = strawberry.field(description="When the person registered first.")
    cancelled_at: datetime | None = strawberry.field(description="When it was cancelled; null while it is not.")
    cancel_reason: str | None = strawberry.field(description="Why, where who cancelled it said so.")
    event: Event | None = related(
        dataloaders.events.events.by_id, key="event_id", description="Null when it is no longer visible."
    )
    user: User | None = related(
        dataloaders.people.users.by_id, key="user_id", description="Null when their profile is hidden."
    )
    recorded_by: User | None = related(
        dataloaders.people.users.by_id,
        key="recorded_by_id",
        description="Who made it: the person, or a volunteer for them.",
    )
    bookings: list[Annotated[Booking, strawberry.lazy("schema.booking.bookings")]] = related(
        dataloaders.booking.bookings.by_registration_id, description="Places at services of the event, at most 100."
    )

    @derived(
        description="What the person pays at the door: the price of the event now. Null where there is nothing to pay, "
        "and where the registration holds no place.",
        graphql_type=Money | None,
        event=Need(dataloaders.events.events.by_id, key="event_id"),
    )
    def amount_due(root: Any, _info: Info, *, event: Any) -> Any:
        owes = event is not None and capacity.holds(root) and event.payment_policy is models.PaymentPolicy.AT_THE_DOOR
        return price_of(event) if owes else None

    @derived(
        description="A remark among hosts and staff; null for everyone else.", graphql_type=str | None, roles=ROLES
    )
    @reads("staff_note")
    def staff_note(root: Any, info: Info, *, roles: Any) -> str | None:
        return staff_note_for(root, info, roles)

    viewer_can = allowed(
        RegistrationViewerCan,
        viewer_can.OfRegistration,
        *("user_id", "admission"),
        known=Need(dataloaders.booking.viewer_can.by_registration_id, visible=signed_in),
    )


@strawberry.input(description=f"Narrows the registrations of an event. {ALL_HOLD}")
class RegistrationFilter(Filter):
    admissions: list[models.Admission] | None = strawberry.field(default=None, description="In one of these states.")
    attendances: list[models.Attendance] | None = strawberry.field(
        default=None, description="Of people of whom one of these is known."
    )


@strawberry.input(description=f"Narrows one's registrations. {ALL_HOLD}")
class OwnRegistrationFilter(RegistrationFilter):
    timings: list[models.EventTiming] | None = strawberry.field(
        default=None, description="By where the event stands now; PAST begins with its end."
    )
    event_statuses: list[models.EventStatus] | None = strawberry.field(
        default=None, description="Of events in one of these statuses."
    )


@strawberry.input(description="Which event to register for.")
class RegisterForEventInput(MutationInput):
    event_id: strawberry.ID = strawberry.field(description="The event.")
    note: str | None = strawberry.field(
        default=None, description="For the organisers, at most 1000 characters.", metadata=checked(rules.check_note)
    )


@strawberry.input(description="Which event to leave.")
class CancelRegistrationInput(MutationInput):
    event_id: strawberry.ID = strawberry.field(description="The event.")
    user_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="Whose place; one's own if null. Someone else's: for volunteers and for who may change the event.",
    )
    reason: str | None = strawberry.field(
        default=None,
        description="Why, for the person, who is told: at most 1000 characters.",
        metadata=checked(rules.check_reason),
    )


@strawberry.input(description="Someone to put out of an event.")
class RemoveRegistrationInput(MutationInput):
    registration_id: strawberry.ID = strawberry.field(
        description="A registration in any state but REJECTED, also a cancelled one."
    )
    reason: str | None = strawberry.field(
        default=None,
        description="Why, for the person, who is told: at most 1000 characters.",
        metadata=checked(rules.check_reason),
    )


@strawberry.input(description="Someone who may take part in an event again.")
class LiftRegistrationBanInput(MutationInput):
    registration_id: strawberry.ID = strawberry.field(description="A registration in the state REJECTED.")


@strawberry.type(description="A registration after its change.")
class RegistrationPayload(Payload):
    registration: models.Registration | None = strawberry.field(
        default=None, graphql_type=Registration | None, description="The registration."
    )


@strawberry.type(description="A new registration.")
class RegisterForEventPayload(PayloadWithWarnings):
    registration: models.Registration | None = strawberry.field(
        default=None, graphql_type=Registration | None, description="The registration."
    )


@strawberry.type
class RegistrationMutations:
    @mutation(
        description="Take a place at an event without services. Nothing is charged: where `paymentPolicy` is "
        "AT_THE_DOOR, `amountDue` is paid there.",
        access=Permission.REGISTER,
        raises=[
            NotFound,
            TooLong,
            capacity.Full,
            capacity.Closed,
            capacity.AlreadyRegistered,
            capacity.BookServicesInstead,
            capacity.MembersOnly,
            capacity.Restricted,
            time_conflicts.TimeConflict,
        ],
        quotas=[REGISTRATIONS],
    )
    async def register_for_event(self, info: Info, input: RegisterForEventInput) -> RegisterForEventPayload:
        event_id = ids.decode(input.event_id, "Event")
        policy, viewer = info.context.conflict_policy, info.context.viewer
        # Two requests at once must see each other only where conflicts are refused, which takes a transaction.
        if policy is Policy.REFUSE:
            async with info.context.writing() as uow:
                placed = await rules.register(uow, viewer, event_id=event_id, note=input.note)
                await time_conflicts.of_person(uow, viewer, policy, viewer.require_user(), {event_id: ("eventId",)})
        else:
            async with info.context.writing_once() as once:
                placed = await rules.register(once, viewer, event_id=event_id, note=input.note)
        info.context.loaders.know(dataloaders.events.events.by_id, event_id, placed.event)
        warnings = user_errors(UserErrors(placed.conflicts), info.context.reader) if policy is Policy.WARN else []
        return RegisterForEventPayload(registration=placed.registration, warnings=warnings)

    @mutation(
        description="Give a place back, with all bookings at the event. Possible until the event has ended.",
        access=Permission.REGISTER,
        raises=[NotFound, Forbidden, TooLong, rules.NotRegistered, capacity.Closed],
    )
    async def cancel_registration(self, info: Info, input: CancelRegistrationInput) -> RegistrationPayload:
        event_id = ids.decode(input.event_id, "Event")
        user_id = ids.maybe(input.user_id, "User")
        async with info.context.writing() as uow:
            registration = await rules.cancel(
                uow, info.context.viewer, event_id=event_id, user_id=user_id, reason=input.reason
            )
        return RegistrationPayload(registration=registration)

    @mutation(
        description="Put someone out of an event that is not over. They lose their place and bookings, leave its chat, "
        "are told, and are RESTRICTED there until that is lifted. Nobody is put out who has a role at it: take that "
        "away first. For who may change the event; audited.",
        access=SIGNED_IN,
        raises=[NotFound, Forbidden, InvalidStatus, TooLong, capacity.Closed, removal.IsHost],
    )
    async def remove_registration(self, info: Info, input: RemoveRegistrationInput) -> RegistrationPayload:
        registration_id = ids.decode(input.registration_id, "Registration")
        async with info.context.writing() as uow:
            registration = await removal.remove(
                uow, info.context.viewer, registration_id=registration_id, reason=input.reason
            )
        return RegistrationPayload(registration=registration)

    @mutation(
        description="Let someone who was put out of an event register again, and tell them. For who may change the "
        "event; audited.",
        access=SIGNED_IN,
        raises=[NotFound, Forbidden, InvalidStatus],
    )
    async def lift_registration_ban(self, info: Info, input: LiftRegistrationBanInput) -> RegistrationPayload:
        registration_id = ids.decode(input.registration_id, "Registration")
        async with info.context.writing() as uow:
            registration = await removal.lift(uow, info.context.viewer, registration_id=registration_id)
        return RegistrationPayload(registration=registration)
