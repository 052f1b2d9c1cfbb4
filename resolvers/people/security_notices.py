"""Word to the owner of an account about what happened to it: mailed whatever their preferences, kept for a while."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from database import UnitOfWork
from models import DomainEvent, SecurityNotice, SecurityNoticeKind, User
from resolvers.people.known_devices import Device


@dataclass(frozen=True, kw_only=True)
class SecurityNoticeWritten(DomainEvent):
    name: ClassVar[str] = "user.security_notice.written"
    subject_type: ClassVar[str] = "SecurityNotice"
    has_job: ClassVar[bool] = True
    user_id: str
    kind: str


async def write(
    uow: UnitOfWork, user: User, kind: SecurityNoticeKind, *, device: Device | None = None, email: str | None = None
) -> None:
    """Tell the owner. `email` is where the mail goes, if not to their proven address: to the one they had before."""
    to = email or user.email
    if to is None:
        return
    notice = SecurityNotice(
        user_id=user.id,
        kind=kind,
        email=to,
        user_agent=(device.user_agent[:400] or None) if device else None,
        address=(device.address[:64] or None) if device else None,
    )
    uow.session.add(notice)
    await uow.session.flush()
    uow.record(SecurityNoticeWritten(subject_id=notice.id, user_id=str(user.id), kind=kind.value))
