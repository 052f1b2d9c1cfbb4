"""Remarks among hosts and staff about a registration or a booking."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from auth.permissions import Permission
from auth.rights import Part, part_at
from auth.viewer import Viewer
from auth.visibility.booking import bookings_visible_to, registrations_visible_to
from database import UnitOfWork
from errors import Forbidden, NotFound, UserError, check_text, refuse
from models import Booking, Event, Registration, Service
from resolvers.core import audit

check_note = partial(check_text, maximum=1000, multiline=True)


async def set_on_registration(
    uow: UnitOfWork, viewer: Viewer, *, registration_id: UUID, note: str | None
) -> Registration:
    """Write the remark about a registration; null removes it."""
    wanted = registrations_visible_to(viewer).where(Registration.id == registration_id)
    found: Registration | None = await uow.session.scalar(wanted.with_for_update(key_share=True, of=Registration))
    if found is None:
        raise NotFound(path=("registrationId",))
    await _write(uow, viewer, found, note, "registrationId")
    return found


async def set_on_booking(uow: UnitOfWork, viewer: Viewer, *, booking_id: UUID, note: str | None) -> Booking:
    """Write the remark about a booking; null removes it."""
    wanted = bookings_visible_to(viewer).where(Booking.id == booking_id)
    found: Booking | None = await uow.session.scalar(wanted.with_for_update(key_share=True, of=Booking))
    if found is None:
        raise NotFound(path=("bookingId",))
    if (await uow.session.get_one(Service, found.service_id)).deleted_at is not None:
        raise NotFound(path=("bookingId",))
    await _write(uow, viewer, found, note, "bookingId")
    return found


def may_know(part: Part) -> bool:
    """Whether someone reads and writes remarks, by their part in the event of the registration or the booking."""
    return part.is_host or part.viewer.is_staff or part.viewer.can(Permission.REGISTER_OTHERS)


async def _write(uow: UnitOfWork, viewer: Viewer, row: Registration | Booking, note: str | None, path: str) -> None:
    """Write the note. Whoever reads it may write it. Notes of volunteers and staff at events of others are audited."""
    problems: list[UserError] = []
    note = check_note(problems, note, "note")
    refuse(problems)
    event = await uow.session.get_one(Event, row.event_id)
    part = await part_at(uow.session, viewer, event)
    if event.deleted_at is not None:
        # With a record nothing is done.
        raise NotFound(path=(path,))
    if not may_know(part):
        raise Forbidden(path=(path,))
    if not part.is_host:
        kind = type(row).__name__
        audit.note(
            uow, viewer, f"{kind.lower()}.staff_note.set", subject_type=kind, subject_id=row.id,
            before={"staffNote": row.staff_note}, after={"staffNote": note},
        )  # fmt: skip
    row.staff_note = note
    await uow.session.flush()
