"""Reviews of events that have taken place."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from auth.permissions import Permission
from auth.viewer import Viewer
from auth.visibility.events import events_visible_to
from auth.visibility.reviews import reviews_visible_to
from database import UnitOfWork, on_conflict
from errors import ErrorCode, Forbidden, NotFound, UserError, _, check_range, check_text, refuse
from models import (
    Admission,
    Attendance,
    DomainEvent,
    Event,
    EventStatus,
    Registration,
    Review,
    ReviewStatus,
    is_over,
    utcnow,
)
from resolvers.core import audit

check_rating = partial(check_range, minimum=1, maximum=5)
check_review_text = partial(check_text, maximum=5000, multiline=True)
HELD = (EventStatus.PUBLISHED, EventStatus.ARCHIVED)
"""Statuses of events that took place, once their end has passed."""


class ReviewNotAllowed(UserError):
    code = ErrorCode.REVIEW_NOT_ALLOWED
    message = _("Only people who took part can review an event, once it has ended.")


class AlreadyReviewed(UserError):
    code = ErrorCode.ALREADY_REVIEWED
    message = _("You have already reviewed this event.")


@dataclass(frozen=True, kw_only=True)
class ReviewPosted(DomainEvent):
    name: ClassVar[str] = "event.review.posted"
    subject_type: ClassVar[str] = "Review"
    event_id: UUID
    author_id: UUID


@dataclass(frozen=True, kw_only=True)
class ReviewChanged(DomainEvent):
    name: ClassVar[str] = "event.review.changed"
    subject_type: ClassVar[str] = "Review"
    fields: list[str]


@dataclass(frozen=True, kw_only=True)
class ReviewDeleted(DomainEvent):
    name: ClassVar[str] = "event.review.deleted"
    subject_type: ClassVar[str] = "Review"
    event_id: UUID
    deleted_by_id: UUID


async def create(uow: UnitOfWork, viewer: Viewer, *, event_id: UUID, rating: int, text: str | None) -> Review:
    """Rate an event that one took part in, once."""
    author_id = viewer.require_user()
    problems: list[UserError] = []
    check_rating(problems, rating, "rating")
    text = check_review_text(problems, text, "text")
    event = await uow.session.scalar(events_visible_to(viewer).where(Event.id == event_id))
    if event is None:
        problems.append(NotFound(path=("eventId",)))
    refuse(problems)
    if event is None or not took_part(event, await _registration(uow.session, event.id, author_id)):
        raise ReviewNotAllowed(path=("eventId",))
    review = Review(event_id=event_id, author_id=author_id, rating=rating, text=text, status=ReviewStatus.PUBLISHED)
    async with on_conflict(uow.session, uq_reviews_event_id_author_id=AlreadyReviewed(path=("eventId",))):
        uow.session.add(review)
    uow.record(ReviewPosted(subject_id=review.id, event_id=event_id, author_id=author_id))
    return review


async def _registration(session: AsyncSession, event_id: UUID, user_id: UUID) -> Registration | None:
    own = select(Registration).where(Registration.event_id == event_id, Registration.user_id == user_id)
    found: Registration | None = await session.scalar(own)
    return found


def took_part(event: Event, registration: Registration | None) -> bool:
    """Whether the event has been held and the person was admitted and did not stay away."""
    if registration is None or event.status not in HELD or not is_over(event.ends_at, utcnow()):
        return False
    return registration.admission is Admission.CONFIRMED and registration.attendance is not Attendance.NO_SHOW


async def update(uow: UnitOfWork, viewer: Viewer, *, review_id: UUID, changes: dict[str, Any]) -> Review:
    """Change `rating` or `text` of one's own review; a field that is not in `changes` stays."""
    viewer.require_user()
    problems: list[UserError] = []
    if "rating" in changes:
        check_rating(problems, changes["rating"], "rating")
    if "text" in changes:
        changes = changes | {"text": check_review_text(problems, changes["text"], "text")}
    review = await _locked(uow, viewer, review_id)
    refuse(problems)
    if not may_update(review, viewer):
        raise Forbidden(path=("reviewId",))
    changed = [name for name, value in changes.items() if getattr(review, name) != value]
    for name in changed:
        setattr(review, name, changes[name])
    if changed:
        uow.record(ReviewChanged(subject_id=review.id, fields=changed))
    return review


def may_update(review: Review, viewer: Viewer) -> bool:
    return review.author_id == viewer.id


async def delete(uow: UnitOfWork, viewer: Viewer, *, review_id: UUID) -> UUID:
    """Take a review away: its author, or a moderator, whose deed is audited."""
    viewer_id = viewer.require_user()
    review = await _locked(uow, viewer, review_id)
    if not may_delete(review, viewer):
        raise Forbidden(path=("reviewId",))
    if review.author_id != viewer_id:
        audit.note(
            uow,
            viewer,
            "review.delete",
            subject_type="Review",
            subject_id=review.id,
            before={"event_id": str(review.event_id), "author_id": str(review.author_id), "rating": review.rating},
        )
    await uow.session.delete(review)
    uow.record(ReviewDeleted(subject_id=review.id, event_id=review.event_id, deleted_by_id=viewer_id))
    return review.id


def may_delete(review: Review, viewer: Viewer) -> bool:
    return review.author_id == viewer.id or viewer.can(Permission.REVIEW_MODERATE)


async def _locked(uow: UnitOfWork, viewer: Viewer, review_id: UUID) -> Review:
    found = await uow.session.scalar(
        reviews_visible_to(viewer).where(Review.id == review_id).with_for_update(of=Review)
    )
    if found is None:
        raise NotFound(path=("reviewId",))
    return found
