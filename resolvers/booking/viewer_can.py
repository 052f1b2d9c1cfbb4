"""Rules of `viewerCan`, by the functions that mutations ask (`docs/viewer-can.md`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from auth.rights import Part
from auth.viewer import Viewer
from models import EventRole, utcnow
from resolvers.booking import bookability, bookings, registrations, removal, staff_notes


@dataclass(frozen=True)
class OfRegistration:
    """`known` is a row of `dataloaders.booking.viewer_can.by_registration_id`."""

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
        return bookability.refusal_to_leave(self.known, self.registration, now=utcnow()) is None

    @property
    def remove(self) -> bool:
        role = EventRole(self.known.person_role) if self.known.person_role is not None else None
        found = removal.refusal_to_remove(self.known, self.registration, part=self.part, role=role)
        return self._edits and found is None

    @property
    def lift_ban(self) -> bool:
        return self._edits and removal.refusal_to_lift(self.registration) is None

    @property
    def write_staff_note(self) -> bool:
        return self.known.deleted_at is None and staff_notes.may_know(self.part)


@dataclass(frozen=True)
class OfBooking:
    """`known` is a row of `dataloaders.booking.viewer_can.by_booking_id`."""

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
