"""The trail of what staff changed (`docs/domain.md`, "Capacity", rule 4).

Whatever staff do to a thing of somebody else leaves one entry, in the transaction of the deed, with what changed,
before and after. "Staff" is whoever acts by their platform role alone: an administrator who edits an event of their own
does it as its host. A few deeds leave an entry whoever does them: changes of status and of capacity, removals, and what
is done in the place of another person. `tests/api/core/test_audit.py` says of every mutation which it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from auth.viewer import Viewer
from database import UnitOfWork
from models import AuditEntry
from resolvers.core.money import Price


def note(
    uow: UnitOfWork,
    viewer: Viewer,
    action: str,
    *,
    subject_type: str,
    subject_id: UUID,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    about: Mapping[str, Any] | None = None,
) -> None:
    """Leave an entry, in this very transaction. `action` is verb and noun, as in `event.capacity.change`.

    What is the same before and after is left out; what is absent counts as null. `about` stands in both.
    """
    kept = {name: _plain(value) for name, value in (about or {}).items()}
    before, after = before or {}, after or {}
    same = {name for name in before.keys() | after.keys() if before.get(name) == after.get(name)}
    uow.session.add(
        AuditEntry(
            actor_id=viewer.id,
            action=action,
            subject_type=subject_type,
            subject_id=subject_id,
            before=kept | {name: _plain(value) for name, value in before.items() if name not in same},
            after=kept | {name: _plain(value) for name, value in after.items() if name not in same},
        )
    )


def snapshot(row: Any, *names: str) -> dict[str, Any]:
    """Columns of a row as they are now."""
    return {name: getattr(row, name) for name in names}


def _plain(value: Any) -> Any:
    """As JSON can hold it."""
    match value:
        case Enum():
            return value.value
        case datetime() | date():
            return value.isoformat()
        case UUID() | Decimal():
            return str(value)
        case Price():
            return value.kept()
        case str():
            return value
        case Sequence():
            return [_plain(one) for one in value]
    return value
