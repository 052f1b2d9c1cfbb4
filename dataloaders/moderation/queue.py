from __future__ import annotations

from sqlalchemy import Select, select
from sqlalchemy.orm import aliased

from auth.viewer import Viewer
from auth.visibility.events import event_revisions_visible_to
from auth.visibility.moderation import moderation_items_visible_to
from dataloaders.core.declarations import one
from models import EventRevision, ModerationItem, ModerationState

own, later = aliased(ModerationItem), aliased(ModerationItem)


def items_of_revisions(viewer: Viewer) -> Select[ModerationItem]:
    """Whoever sees a revision sees what became of it."""
    visible = event_revisions_visible_to(viewer).with_only_columns(EventRevision.id)
    return select(ModerationItem).where(ModerationItem.revision_id.in_(visible))


def pending_revisions(viewer: Viewer) -> Select[EventRevision]:
    waiting = select(ModerationItem.revision_id).where(ModerationItem.state == ModerationState.PENDING)
    return event_revisions_visible_to(viewer).where(EventRevision.id.in_(waiting))


def own_revisions(viewer: Viewer) -> Select[EventRevision]:
    """Select the newest revision that the viewer has proposed for each event."""
    has_later = (
        select(later.id)
        .where(
            later.event_id == own.event_id,
            later.submitted_by_id == viewer.id,
            later.revision_id.is_not(None),
            later.id > own.id,
        )
        .correlate(own)
        .exists()
    )
    return (
        select(EventRevision)
        .join(own, own.revision_id == EventRevision.id)
        .where(own.submitted_by_id == viewer.id, ~has_later)
    )


by_id = one(ModerationItem, key=ModerationItem.id, select=moderation_items_visible_to)
by_revision_id = one(ModerationItem, key=ModerationItem.revision_id, select=items_of_revisions)
revision_by_id = one(EventRevision, key=EventRevision.id, select=event_revisions_visible_to)
pending_revision_by_event_id = one(EventRevision, key=EventRevision.event_id, select=pending_revisions)
own_revision_by_event_id = one(EventRevision, key=EventRevision.event_id, select=own_revisions)
