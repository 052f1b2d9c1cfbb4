"""The moderators' queue: events that wait to be published, and changes of published ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar
from uuid import UUID

from sqlalchemy import select

from auth.permissions import Permission
from auth.viewer import Viewer
from database import UnitOfWork
from dataloaders.core.filter_conditions import among
from dataloaders.core.keyset_pages import Key, Listing
from errors import NotFound, Required, UserError, UserErrors, refuse
from models import (
    DomainEvent,
    Event,
    EventRevision,
    EventStatus,
    ModerationItem,
    ModerationState,
    NotificationType,
    utcnow,
)
from resolvers.booking import locks
from resolvers.core import audit
from resolvers.events import editing, reactivation
from resolvers.events import states as event_states
from resolvers.events.lifecycle import AlreadyDecided, check_reason, go_out
from resolvers.events.validation import EventInPast
from resolvers.notifications.news import PASSING
from resolvers.notifications.notifications import Notice, notify_all, topic_of

OLDEST_FIRST = (Key(ModerationItem.created_at), Key(ModerationItem.id))


class Decision(Enum):
    APPROVE = "APPROVE"
    REJECT = "REJECT"


NEWS = {
    (Decision.APPROVE, False): NotificationType.EVENT_APPROVED,
    (Decision.REJECT, False): NotificationType.EVENT_REJECTED,
    (Decision.APPROVE, True): NotificationType.EVENT_CHANGE_APPROVED,
    (Decision.REJECT, True): NotificationType.EVENT_CHANGE_REJECTED,
}
"""The notification to the author, by the decision and whether it was about a change of a published event."""


@dataclass(frozen=True, kw_only=True)
class ModerationDecided(DomainEvent):
    name: ClassVar[str] = "moderation.decided"
    subject_type: ClassVar[str] = "ModerationItem"
    event_id: UUID
    decision: str


def listing(*, states: Sequence[ModerationState]) -> Listing:
    """Return the queue, the longest waiting item first."""
    return Listing(select(ModerationItem).where(*among(ModerationItem.state, states)), OLDEST_FIRST)


def check_decision(problems: list[UserError], decision: Decision, reason: str | None) -> None:
    """Whoever is refused is told why. `reason` is as it is stored."""
    if decision is Decision.REJECT and reason is None:
        problems.append(Required(path=("reason",)))


async def decide(
    uow: UnitOfWork, viewer: Viewer, *, item_id: UUID, decision: Decision, reason: str | None = None
) -> ModerationItem:
    """Let a submitted event or a change of one out, or send it back to its author, with the reason. Once for each
    item.
    """
    moderator_id = viewer.require(Permission.EVENT_MODERATE)
    problems: list[UserError] = []
    reason = check_reason(problems, reason, "reason")
    check_decision(problems, decision, reason)
    event, item = await _locked(uow, item_id)
    refuse(problems)
    if item.state is not ModerationState.PENDING:
        raise AlreadyDecided(path=("itemId",), status=item.state)
    item.decided_by_id, item.decided_at, item.reason = moderator_id, utcnow(), reason
    notices: list[Notice] = []
    if decision is Decision.APPROVE:
        item.state = ModerationState.APPROVED
        notices += await _approve(uow, viewer, event, item)
    else:
        item.state = ModerationState.REJECTED
        if item.revision_id is None:
            event.status = EventStatus.DRAFT
    event.version += 1
    audit.note(
        uow, viewer, "moderation.decide", subject_type="Event", subject_id=event.id,
        before={"state": ModerationState.PENDING.value}, after={"state": item.state.value, "reason": reason},
    )  # fmt: skip
    uow.record(ModerationDecided(subject_id=item.id, event_id=event.id, decision=decision.value))
    news, is_change = NEWS[decision, item.revision_id is not None], item.revision_id is not None
    ends_rejection = is_change and decision is Decision.APPROVE
    notices.append(
        Notice(
            recipients={item.submitted_by_id, event.created_by_id},
            type=news,
            subject=event,
            actor_id=moderator_id,
            params={"title": event.title, "reason": reason},
            topic=topic_of(news, event.id) if news in PASSING else None,
            ends=[topic_of(NotificationType.EVENT_CHANGE_REJECTED, event.id)] if ends_rejection else (),
        )
    )
    await notify_all(uow, notices)
    return item


async def _approve(uow: UnitOfWork, viewer: Viewer, event: Event, item: ModerationItem) -> list[Notice]:
    """Let out what was submitted. What was proposed earlier is checked again: time has passed since."""
    try:
        if item.revision_id is None:
            if event_states.is_event_over(event):
                raise EventInPast
            return await go_out(uow, event, actor_id=viewer.id)
        revision = await uow.session.get_one(EventRevision, item.revision_id)
        approve = reactivation.approve if revision.reactivates else editing.approve
        return await approve(uow, viewer, event, revision, author_id=item.submitted_by_id)
    except (UserError, UserErrors) as error:
        # Paths lead into the input of the edit.
        found = error.errors if isinstance(error, UserErrors) else [error]
        for one in found:
            one.path = ("itemId",)
        raise UserErrors(found) from error


async def _locked(uow: UnitOfWork, item_id: UUID) -> tuple[Event, ModerationItem]:
    """Lock the event first, as everywhere; then read the item as it is now."""
    event_id = await uow.session.scalar(select(ModerationItem.event_id).where(ModerationItem.id == item_id))
    events = await locks.lock_events(uow, [event_id]) if event_id else []
    item = await uow.session.scalar(
        select(ModerationItem)
        .where(ModerationItem.id == item_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if not events or item is None:
        raise NotFound(path=("itemId",))
    return events[0], item
