"""Rules of `viewerCan`, by the functions that mutations ask (`docs/viewer-can.md`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from auth.permissions import Permission
from auth.rights import Part
from auth.viewer import Viewer
from models import Admission, Attendance, Registration, utcnow
from resolvers.booking import bookability
from resolvers.booking.bookability import BookableState
from resolvers.events import hosts, lifecycle, services, states
from resolvers.events.states import EventAction
from resolvers.reviews import reviews


@dataclass(frozen=True)
class OfEvent:
    """`known` is a row of `dataloaders.events.viewer_can.by_event_id`."""

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
        return self._edits and states.refusal(self.event, action) is None

    @cached_property
    def _own(self) -> Registration | None:
        """The columns of the viewer's registration that the rules read."""
        if self.known.admission is None:
            return None
        return Registration(admission=Admission(self.known.admission), attendance=Attendance(self.known.attendance))

    @property
    def update(self) -> bool:
        return self._may(EventAction.UPDATE)

    @property
    def publish(self) -> bool:
        return self._edits and not lifecycle.refusal_to_publish(self.event, is_trusted=self.part.is_trusted)

    @property
    def cancel(self) -> bool:
        return self._may(EventAction.CANCEL)

    @property
    def archive(self) -> bool:
        return self._edits and lifecycle.refusal_to_archive(self.event) is None

    @property
    def reactivate(self) -> bool:
        return self._may(EventAction.REACTIVATE)

    @property
    def delete(self) -> bool:
        return self._edits and lifecycle.refusal_to_delete(self.event) is None

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
        return hosts.refusal_to_leave(role, has_other_organizer=has_other) is None

    @property
    def add_service(self) -> bool:
        may_offer = self.viewer.can(Permission.EVENT_OFFER_SERVICES)
        return self._edits and may_offer and services.refusal_to_add(self.event) is None

    @property
    def register(self) -> bool:
        known, offers_services = bookability.Applicant.of(self.known), self.known.offers_services
        standing = bookability.registration_standing(self.event, known, offers_services=offers_services, now=utcnow())
        return self._is_there and standing.code is BookableState.OPEN

    @property
    def cancel_registration(self) -> bool:
        own = self._own
        return (
            self._is_there and own is not None and bookability.refusal_to_leave(self.event, own, now=utcnow()) is None
        )

    @property
    def review(self) -> bool:
        return self._is_there and not self.known.has_reviewed and reviews.took_part(self.event, self._own)


@dataclass(frozen=True)
class OfService:
    """`event` is null if it is hidden; `booking` is the viewer's own.

    `known` is a row of `dataloaders.events.viewer_can.by_event_id`.
    """

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
        return self._is_bookable(bookability.Applicant.of(self.known), self.booking)

    @property
    def book_for_others(self) -> bool:
        return self.viewer.can(Permission.REGISTER_OTHERS) and self._is_bookable(bookability.Applicant(), None)

    def _is_bookable(self, known: bookability.Applicant, booking: Any) -> bool:
        if not self._is_there:
            return False
        standing = bookability.booking_standing(self.event, self.service, known=known, booking=booking, now=utcnow())
        return standing.code is BookableState.OPEN
