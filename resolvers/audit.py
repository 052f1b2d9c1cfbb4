"""The trail of what staff changed (capacity rule 4, S4-113)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from auth.viewer import Viewer
from database import UnitOfWork
from models import AuditEntry


def note(
    uow: UnitOfWork,
    viewer: Viewer,
    action: str,
    *,
    subject_type: str,
    subject_id: UUID,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Leave an entry, in this very transaction. `action` is verb and noun, as in `event.capacity.raise`."""
    uow.session.add(
        AuditEntry(
            actor_id=viewer.id,
            action=action,
            subject_type=subject_type,
            subject_id=subject_id,
            before=before or {},
            after=after or {},
        )
    )
