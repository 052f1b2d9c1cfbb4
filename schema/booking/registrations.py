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
from resolvers.booking import bookability, removal, staff_notes, time_conflicts, viewer_can
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
from schema.core.node_interface import Node
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
    "Whether a person has a place.",
    PENDING_APPROVAL="The organizers have not decided yet. Reserved for later use.",
    WAITLISTED="The person is on the waiting list. Reserved for later use.",
    OFFERED="The person was offered a place, which is held for a limited time. Reserved for later use.",
    CONFIRMED="The person has a place.",
    CANCELLED="The place was given up or taken away, or a ban was lifted.",
    REJECTED="The person was removed from the event and cannot take a place there until the people who run it "
    "lift the ban.",
)
enum(
    models.Attendance,
    "Whether a person attended.",
    EXPECTED="Not known yet.",
    ATTENDED="The person attended.",
    NO_SHOW="The person did not attend.",
    EXCUSED="The person did not attend, but said so in time.",
)
enum(
    dataloaders.booking.registrations.RegistrationSort,
    "How to sort the caller's registrations. Registrations that compare equal are sorted by id.",
    STARTS_AT_ASC="By start time of the event, earliest first.",
    STARTS_AT_DESC="By start time of the event, latest first.",
    CREATED_AT_DESC="By registration time, most recent first.",
)


def staff_note() -> Any:
    """Make the field `staffNote` of a registration or a booking."""

    @derived(
        description="An internal note. Visible to the event's hosts, to owners and administrators of its club, "
        "to volunteers and to staff; null for everyone else.",
        graphql_type=str | None,
        roles=Need(dataloaders.events.viewer_can.roles_by_event_id, key="event_id", visible=signed_in),
    )
    @reads("staff_note")
    def resolve(root: Any, info: Info, *, roles: Any) -> str | None:
        is_known = roles is not None and staff_notes.may_know(Part.of(info.context.viewer, roles))
        return root.staff_note if is_known else None

    return resolve


@strawberry.type(description="A person's participation in an event. There is at most one for each person and event.")
class Registration(Node, row=models.Registration, by_id=dataloaders.booking.registrations.by_id):
    admission: models.Admission = strawberry.field(description="Whether the person has a place.")
    attendance: models.Attendance = strawberry.field(description="Whether the person attended.")
    note: str | None = strawberry.field(
        description="What the person wants the organizers to know, at most 1000 characters."
    )
    created_at: datetime = strawberry.field(description="When the person first registered.")
    cancelled_at: datetime | None = strawberry.field(
        description="When the registration was cancelled. Null if it is active."
    )
    cancel_reason: str | None = strawberry.field(
        description="Why the registration was cancelled. Null if no reason was given."
    )
    event: Event | None = related(
        dataloaders.events.events.by_id, key="event_id", description="The event. Null if the caller cannot see it."
    )
    user: User | None = related(
        dataloaders.people.users.by_id,
        key="user_id",
        description="The person who takes part. Null if the caller cannot see them.",
    )
    recorded_by: User | None = related(
        dataloaders.people.users.by_id,
        key="recorded_by_id",
        description="Who made the registration: the person themselves, or the volunteer who registered them.",
    )
    bookings: list[Annotated[Booking, strawberry.lazy("schema.booking.bookings")]] = related(
        dataloaders.booking.bookings.by_registration_id,
        description="The person's bookings at services of the event, at most 100.",
    )

    @derived(
        description="What the person pays at the door, which is the event's current price. Null if nothing is to "
        "be paid or the registration holds no place.",
        graphql_type=Money | None,
        event=Need(dataloaders.events.events.by_id, key="event_id"),
    )
    def amount_due(root: Any, _info: Info, *, event: Any) -> Any:
        owes = (
            event is not None and bookability.holds(root) and event.payment_policy is models.PaymentPolicy.AT_THE_DOOR
        )
        return price_of(event) if owes else None

    staff_note = staff_note()

    viewer_can = allowed(
        RegistrationViewerCan,
        viewer_can.OfRegistration,
        *("user_id", "admission"),
        known=Need(dataloaders.booking.viewer_can.by_registration_id, visible=signed_in),
    )


@strawberry.input
class PlaceFilter(Filter):
    """The part that filters of registrations and of bookings share."""

    admissions: list[models.Admission] | None = strawberry.field(
        default=None, description="Keep rows whose admission is one of these."
    )
    attendances: list[models.Attendance] | None = strawberry.field(
        default=None, description="Keep rows whose attendance is one of these."
    )


@strawberry.input(description=f"Filters the registrations of an event. {ALL_HOLD}")
class RegistrationFilter(PlaceFilter):
    pass


@strawberry.input(description=f"Filters the caller's registrations. {ALL_HOLD}")
class OwnRegistrationFilter(RegistrationFilter):
    timings: list[models.EventTiming] | None = strawberry.field(
        default=None,
        description="Keep registrations whose event is upcoming, ongoing or past now. An event is PAST from the "
        "moment it ends.",
    )
    event_statuses: list[models.EventStatus] | None = strawberry.field(
        default=None, description="Keep registrations for events with one of these statuses."
    )


@strawberry.input(description="Input of `registerForEvent`.")
class RegisterForEventInput(MutationInput):
    event_id: strawberry.ID = strawberry.field(description="The event to register for.")
    note: str | None = strawberry.field(
        default=None,
        description="A note for the organizers, at most 1000 characters.",
        metadata=checked(rules.check_note),
    )


@strawberry.input(description="Input of `cancelRegistration`.")
class CancelRegistrationInput(MutationInput):
    event_id: strawberry.ID = strawberry.field(description="The event whose registration to cancel.")
    user_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The person whose registration to cancel. Defaults to the caller. Volunteers, staff and "
        "people who may edit the event may give someone else.",
    )
    reason: str | None = strawberry.field(
        default=None,
        description="Why, at most 1000 characters. The person who loses the place is notified and reads it.",
        metadata=checked(rules.check_reason),
    )


@strawberry.input(description="Input of `removeRegistration`.")
class RemoveRegistrationInput(MutationInput):
    registration_id: strawberry.ID = strawberry.field(
        description="The registration to remove. It may be in any state except REJECTED, so also cancelled."
    )
    reason: str | None = strawberry.field(
        default=None,
        description="Why, at most 1000 characters. The removed person is notified and reads it.",
        metadata=checked(rules.check_reason),
    )


@strawberry.input(description="Input of `liftRegistrationBan`.")
class LiftRegistrationBanInput(MutationInput):
    registration_id: strawberry.ID = strawberry.field(description="A registration whose admission is REJECTED.")


@strawberry.type(description="The result of a mutation that changes a registration.")
class RegistrationPayload(Payload):
    registration: models.Registration | None = strawberry.field(
        default=None,
        graphql_type=Registration | None,
        description="The changed registration. Null if the mutation was refused.",
    )


@strawberry.type(description="The result of `registerForEvent`.")
class RegisterForEventPayload(PayloadWithWarnings):
    registration: models.Registration | None = strawberry.field(
        default=None,
        graphql_type=Registration | None,
        description="The new registration. Null if the mutation was refused.",
    )


@strawberry.type
class RegistrationMutations:
    @mutation(
        description="Register the caller for an event that offers no services. Nothing is charged: if the "
        "event's `paymentPolicy` is AT_THE_DOOR, the person pays `amountDue` there.",
        access=Permission.REGISTER,
        raises=[
            NotFound,
            TooLong,
            bookability.Full,
            bookability.Closed,
            bookability.AlreadyRegistered,
            bookability.BookServicesInstead,
            bookability.MembersOnly,
            bookability.Restricted,
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
        info.context.loaders.prime(dataloaders.events.events.by_id, event_id, placed.event)
        warnings = user_errors(UserErrors(placed.conflicts), info.context.reader) if policy is Policy.WARN else []
        return RegisterForEventPayload(registration=placed.registration, warnings=warnings)

    @mutation(
        description="Cancel a registration and all of the person's bookings at the event. Possible until the "
        "event has ended.",
        access=Permission.REGISTER,
        raises=[NotFound, Forbidden, TooLong, bookability.NotRegistered, bookability.Closed],
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
        description="Remove a person from an event that has not ended. They lose their place and their bookings, "
        "leave the event's chat, are notified, and stay RESTRICTED until `liftRegistrationBan`. A "
        "person with a role at the event is not removed: use `removeEventHost` first. Only people "
        "who may edit the event may do this. Audited.",
        access=SIGNED_IN,
        raises=[NotFound, Forbidden, InvalidStatus, TooLong, bookability.Closed, removal.IsHost],
    )
    async def remove_registration(self, info: Info, input: RemoveRegistrationInput) -> RegistrationPayload:
        registration_id = ids.decode(input.registration_id, "Registration")
        async with info.context.writing() as uow:
            registration = await removal.remove(
                uow, info.context.viewer, registration_id=registration_id, reason=input.reason
            )
        return RegistrationPayload(registration=registration)

    @mutation(
        description="Let a person who was removed from an event register again, and notify them. Only people who "
        "may edit the event may do this. Audited.",
        access=SIGNED_IN,
        raises=[NotFound, Forbidden, InvalidStatus],
    )
    async def lift_registration_ban(self, info: Info, input: LiftRegistrationBanInput) -> RegistrationPayload:
        registration_id = ids.decode(input.registration_id, "Registration")
        async with info.context.writing() as uow:
            registration = await removal.lift(uow, info.context.viewer, registration_id=registration_id)
        return RegistrationPayload(registration=registration)
