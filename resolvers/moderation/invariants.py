"""What must hold of what waits for a moderator."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Select, and_, exists, or_, select

from models import Event, EventStatus, ModerationItem, ModerationState
from resolvers.core.invariants import declare, found


def _undecidable() -> Select[UUID, str]:
    """Select moderation items whose event is not in the state for them, and events that wait without an item."""
    waiting = and_(ModerationItem.event_id == Event.id, ModerationItem.state == ModerationState.PENDING)
    submitted = exists().where(waiting, ModerationItem.revision_id.is_(None))
    proposed = exists().where(waiting, ModerationItem.revision_id.is_not(None))
    is_submitted = Event.status == EventStatus.PENDING_REVIEW
    may_be_proposed = and_(
        Event.status.in_((EventStatus.PUBLISHED, EventStatus.CANCELLED, EventStatus.ARCHIVED)),
        Event.deleted_at.is_(None),
    )
    return select(Event.id, found(status=Event.status)).where(
        or_(submitted != is_submitted, and_(proposed, ~may_be_proposed))
    )


declare(
    {
        "what waits can be decided": _undecidable(),
    }
)
