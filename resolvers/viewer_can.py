"""What a viewer may do with a row now, by the rules of the mutations: the field `viewerCan`.

Each class has the row, the viewer, and what the viewer is to it (`dataloaders/standings.py`); each property is whether
one mutation would find nothing against it. What is asked here of rights and states is asked by the mutation of the same
function. Rows are such as the viewer has read, so they are visible unless said otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from auth.permissions import Permission
from auth.viewer import Viewer
from models import Admission, Attendance, ClubRole, EventRole, Registration, utcnow
from resolvers import (
    bookings,
    capacity,
    chats,
    club_membership,
    event_hosts,
    event_lifecycle,
    event_states,
    messages,
    registration_removal,
    registrations,
    reviews,
    services,
    staff_notes,
)
from resolvers.capacity import BookableState
from resolvers.clubs import Standing
from resolvers.event_access import Part
from resolvers.event_states import EventAction


@dataclass(frozen=True)
class OfEvent:
    """`known` is a row of `standings.by_event_id`."""

    event: Any
    viewer: Viewer
    known: Any

    @cached_property
    def part(self) -> Part:
        return Part.of(self.viewer, self.known)

    @cached_property
    def _is_there(self) -> bool:
        return self.event.deleted_at is None

    @cached_property
    def _edits(self) -> bool:
        return self._is_there and self.part.may_edit

    def _may(self, action: EventAction) -> bool:
        return self._edits and event_states.refusal(self.event, action) is None

    @cached_property
    def _own(self) -> Registration | None:
        """What the rules ask of the viewer's registration."""
        if self.known.admission is None:
            return None
        return Registration(admission=Admission(self.known.admission), attendance=Attendance(self.known.attendance))

    @property
    def update(self) -> bool:
        return self._may(EventAction.UPDATE)

    @property
    def publish(self) -> bool:
        return self._edits and not event_lifecycle.refusal_to_publish(self.event, is_trusted=self.part.is_trusted)

    @property
    def cancel(self) -> bool:
        return self._may(EventAction.CANCEL)

    @property
    def archive(self) -> bool:
        return self._edits and event_lifecycle.refusal_to_archive(self.event) is None

    @property
    def reactivate(self) -> bool:
        return self._may(EventAction.REACTIVATE)

    @property
    def delete(self) -> bool:
        return self._edits and event_lifecycle.refusal_to_delete(self.event) is None

    @property
    def withdraw_revision(self) -> bool:
        return self._edits and bool(self.known.has_pending_revision)

    @property
    def add_host(self) -> bool:
        return self._edits

    @property
    def add_organizer(self) -> bool:
        return self._edits and self.part.may_appoint_organizers

    @property
    def change_host_role(self) -> bool:
        return self._edits and bool(self.known.has_crew)

    @property
    def remove_host(self) -> bool:
        return self._edits and bool(self.known.has_crew)

    @property
    def give_up_role(self) -> bool:
        role, has_other = self.part.host_role, self.known.has_other_organizer
        if role is None or not self._is_there:
            return False
        return event_hosts.refusal_to_leave(role, has_other_organizer=has_other) is None

    @property
    def add_service(self) -> bool:
        may_offer = self.viewer.can(Permission.EVENT_OFFER_SERVICES)
        return self._edits and may_offer and services.refusal_to_add(self.event) is None

    @property
    def register(self) -> bool:
        known, offers_services = capacity.Known.of(self.known), self.known.offers_services
        standing = capacity.registration_standing(self.event, known, offers_services=offers_services, now=utcnow())
        return self._is_there and standing.code is BookableState.OPEN

    @property
    def cancel_registration(self) -> bool:
        own = self._own
        return self._is_there and own is not None and registrations.refusal_to_cancel(self.event, own) is None

    @property
    def review(self) -> bool:
        return self._is_there and not self.known.has_reviewed and reviews.took_part(self.event, self._own)


@dataclass(frozen=True)
class OfService:
    """`event` is null where it is hidden; `known` is a row of `standings.by_event_id`, `booking` the viewer's own."""

    service: Any
    viewer: Viewer
    event: Any
    known: Any
    booking: Any

    @cached_property
    def _is_there(self) -> bool:
        return self.event is not None and self.event.deleted_at is None and self.service.deleted_at is None

    @cached_property
    def _edits(self) -> bool:
        return self._is_there and Part.of(self.viewer, self.known).may_edit

    @property
    def update(self) -> bool:
        return self._edits and services.refusal_to_update(self.event, self.service) is None

    @property
    def cancel(self) -> bool:
        return self._edits and services.refusal_to_cancel(self.event, self.service) is None

    @property
    def delete(self) -> bool:
        return self._edits and services.refusal_to_delete(self.event, self.service) is None

    @property
    def book(self) -> bool:
        return self._is_bookable(capacity.Known.of(self.known), self.booking)

    @property
    def book_for_others(self) -> bool:
        return self.viewer.can(Permission.REGISTER_OTHERS) and self._is_bookable(capacity.Known(), None)

    def _is_bookable(self, known: capacity.Known, booking: Any) -> bool:
        if not self._is_there:
            return False
        standing = capacity.booking_standing(self.event, self.service, known=known, booking=booking, now=utcnow())
        return standing.code is BookableState.OPEN


@dataclass(frozen=True)
class OfRegistration:
    """`known` is a row of `standings.by_registration_id`."""

    registration: Any
    viewer: Viewer
    known: Any

    @cached_property
    def part(self) -> Part:
        return Part.of(self.viewer, self.known)

    @cached_property
    def _edits(self) -> bool:
        return self.known.deleted_at is None and self.part.may_edit

    @property
    def cancel(self) -> bool:
        is_own = self.registration.user_id == self.viewer.id
        if not self.known.is_visible or not (is_own or registrations.may_cancel_for_others(self.part)):
            return False
        return registrations.refusal_to_cancel(self.known, self.registration) is None

    @property
    def remove(self) -> bool:
        role = EventRole(self.known.person_role) if self.known.person_role is not None else None
        found = registration_removal.refusal_to_remove(self.known, self.registration, part=self.part, role=role)
        return self._edits and found is None

    @property
    def lift_ban(self) -> bool:
        return self._edits and registration_removal.refusal_to_lift(self.registration) is None

    @property
    def write_staff_note(self) -> bool:
        return self.known.deleted_at is None and staff_notes.may_know(self.part)


@dataclass(frozen=True)
class OfBooking:
    """`known` is a row of `standings.by_booking_id`."""

    booking: Any
    viewer: Viewer
    known: Any

    @cached_property
    def part(self) -> Part:
        return Part.of(self.viewer, self.known)

    @cached_property
    def _is_there(self) -> bool:
        return self.known.deleted_at is None and self.known.service_deleted_at is None

    @property
    def cancel(self) -> bool:
        ends_at, zone = self.known.service_ends_at, self.known.time_zone
        found = bookings.refusal_to_cancel(self.booking, self.part, ends_at=ends_at, time_zone=zone)
        return self._is_there and found is None

    @property
    def write_staff_note(self) -> bool:
        return self._is_there and staff_notes.may_know(self.part)


@dataclass(frozen=True)
class OfClub:
    """`own` is the viewer's membership."""

    club: Any
    viewer: Viewer
    own: Any
    owners: int

    @cached_property
    def standing(self) -> Standing:
        return Standing(self.club, self.own, self.viewer.is_staff)

    @property
    def update(self) -> bool:
        return self.standing.has(ClubRole.ADMIN)

    @property
    def join(self) -> bool:
        return club_membership.refusal_to_join(self.standing) is None and not club_membership.has_asked(self.standing)

    @property
    def leave(self) -> bool:
        if not club_membership.is_open(self.own):
            return False
        return club_membership.refusal_to_step_down(self.own, owners=self.owners) is None

    @property
    def invite(self) -> bool:
        return self.standing.has(ClubRole.MODERATOR)

    @property
    def create_event(self) -> bool:
        return self.standing.may_add_events


@dataclass(frozen=True)
class OfMembership:
    """`club` is null where it is hidden; `own` is the viewer's membership in it."""

    member: Any
    viewer: Viewer
    club: Any
    own: Any
    owners: int

    @cached_property
    def standing(self) -> Standing:
        return Standing(self.club, self.own, self.viewer.is_staff)

    @cached_property
    def _may_step_down(self) -> bool:
        return club_membership.refusal_to_step_down(self.member, owners=self.owners) is None

    @property
    def _is_decided(self) -> bool:
        return self.club is not None and club_membership.refusal_to_decide(self.standing, self.member) is None

    @property
    def approve(self) -> bool:
        return self._is_decided

    @property
    def reject(self) -> bool:
        return self._is_decided

    @property
    def remove(self) -> bool:
        actor_id = self.viewer.require_user()
        if self.club is None or not self._may_step_down:
            return False
        return club_membership.refusal_to_remove(self.standing, self.member, actor_id=actor_id) is None

    @property
    def lift_ban(self) -> bool:
        return self.club is not None and club_membership.refusal_to_lift(self.standing, self.member) is None

    @property
    def change_role(self) -> bool:
        """To any other role."""
        return self.club is not None and any(self._may_become(role) for role in ClubRole)

    def _may_become(self, role: ClubRole) -> bool:
        if role is self.member.role or club_membership.refusal_to_change_role(self.standing, self.member, role):
            return False
        return role is ClubRole.OWNER or self._may_step_down

    @property
    def transfer_ownership(self) -> bool:
        return self.club is not None and club_membership.refusal_to_transfer(self.standing, self.member) is None


@dataclass(frozen=True)
class OfChat:
    """`known` is a row of `standings.by_chat_id`; `needs` is the setting `direct_chat_needs`."""

    chat: Any
    viewer: Viewer
    known: Any
    needs: str

    @cached_property
    def _is_member(self) -> bool:
        return self.known is not None and bool(self.known.is_present)

    @property
    def send_message(self) -> bool:
        if not self._is_member:
            return False
        writable = messages.Writable.of(lambda name: getattr(self.known, name))
        return messages.refusal_to_write(writable, needs=self.needs) is None

    @property
    def mark_read(self) -> bool:
        """Whoever has read all is not refused, but nothing changes."""
        return self._is_member and bool(self.known.has_unread)

    @property
    def add_members(self) -> bool:
        return self._is_member and chats.has_free_members(self.chat)

    @property
    def leave(self) -> bool:
        return self._is_member and chats.has_free_members(self.chat)

    @property
    def rejoin(self) -> bool:
        """Who is there is not refused, but nothing changes."""
        return self.known is not None and not self._is_member and chats.has_free_members(self.chat)


@dataclass(frozen=True)
class OfMessage:
    message: Any
    viewer: Viewer
    is_unread: bool

    @property
    def mark_read(self) -> bool:
        return self.is_unread


@dataclass(frozen=True)
class OfReview:
    review: Any
    viewer: Viewer

    @property
    def update(self) -> bool:
        return reviews.may_update(self.review, self.viewer)

    @property
    def delete(self) -> bool:
        return reviews.may_delete(self.review, self.viewer)
