from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry

import dataloaders.events.events
import dataloaders.people.users
import dataloaders.reviews.reviews
import models
from auth.permissions import Permission
from dataloaders.reviews.reviews import RATINGS
from errors import Forbidden, NotFound, OutOfRange, TooLong
from resolvers.reviews import reviews as rules
from resolvers.reviews import viewer_can
from schema.core import ids
from schema.core.access import SIGNED_IN
from schema.core.context import Info
from schema.core.enums import enum
from schema.core.filters import ALL_HOLD, Filter
from schema.core.input_checks import checked
from schema.core.node import Node
from schema.core.quotas import REVIEWS
from schema.core.relations import computed, related
from schema.core.roots import MutationInput, Payload, mutation
from schema.core.viewer_can import allowed
from schema.events.events import Event
from schema.people.users import User
from schema.reviews.viewer_can import ReviewViewerCan

enum(
    models.ReviewStatus,
    "Whether a review is out.",
    PUBLISHED="Everyone sees it.",
    HIDDEN="Taken down by a moderator: its author and moderators see it, and it does not count.",
)


@strawberry.type(description="A rating left by someone who took part in an event.")
class Review(Node, row=models.Review, by_id=dataloaders.reviews.reviews.by_id):
    rating: int = strawberry.field(description="1 to 5, 5 being the best.")
    text: str | None = strawberry.field(description="At most 5000 characters.")
    status: models.ReviewStatus = strawberry.field(description="HIDDEN ones are shown to author and moderators only.")
    created_at: datetime = strawberry.field(description="When it was posted.")
    updated_at: datetime = strawberry.field(description="When it was changed last.")
    author: User | None = related(
        dataloaders.people.users.by_id, key="author_id", description="Null when their profile is hidden."
    )
    event: Event | None = related(
        dataloaders.events.events.by_id, key="event_id", description="Null when it is no longer visible."
    )
    viewer_can = allowed(ReviewViewerCan, viewer_can.OfReview, "author_id")


@strawberry.input(description=f"Narrows a list of reviews. {ALL_HOLD}")
class ReviewFilter(Filter):
    ratings: list[int] | None = strawberry.field(
        default=None, description="With one of these ratings, 1 to 5.", metadata=checked(each=rules.check_rating)
    )
    statuses: list[models.ReviewStatus] | None = strawberry.field(
        default=None,
        description="In one of these statuses. HIDDEN ones of others are found by moderators who name that here.",
    )


@strawberry.type(description="What the published reviews of an event add up to.")
class RatingSummary:
    average: float | None = strawberry.field(description="Mean rating; null while there is none.")

    @computed(description="How many reviews.")
    def count(root: strawberry.Parent[Any]) -> int:
        return int(root.total)

    @computed(description="How many reviews gave 1, 2, 3, 4 and 5: always five numbers.")
    def histogram(root: strawberry.Parent[Any]) -> list[int]:
        return [getattr(root, f"of_{rating}") for rating in RATINGS]


@strawberry.input(description="A rating of an event one took part in.")
class CreateReviewInput(MutationInput):
    event_id: strawberry.ID = strawberry.field(description="The event, which has ended.")
    rating: int = strawberry.field(description="1 to 5, 5 being the best.", metadata=checked(rules.check_rating))
    text: str | None = strawberry.field(
        default=None, description="At most 5000 characters.", metadata=checked(rules.check_review_text)
    )


@strawberry.input(description="What to change; what is left out stays.")
class UpdateReviewInput(MutationInput):
    review_id: strawberry.ID = strawberry.field(description="One's own review.")
    rating: strawberry.Maybe[int] = strawberry.field(
        description="1 to 5, 5 being the best.", metadata=checked(rules.check_rating)
    )
    text: strawberry.Maybe[str | None] = strawberry.field(
        description="At most 5000 characters; null takes it away.", metadata=checked(rules.check_review_text)
    )


@strawberry.input(description="Which review to delete.")
class DeleteReviewInput(MutationInput):
    review_id: strawberry.ID = strawberry.field(description="The review.")


@strawberry.type(description="A review after its change.")
class ReviewPayload(Payload):
    review: models.Review | None = strawberry.field(default=None, graphql_type=Review | None, description="The review.")


@strawberry.type(description="What was deleted.")
class DeleteReviewPayload(Payload):
    deleted_review_id: strawberry.ID | None = strawberry.field(default=None, description="Id of the deleted review.")


@strawberry.type
class ReviewMutations:
    @mutation(
        description="Rate an event one took part in, once it has ended. Once per person and event.",
        access=Permission.REVIEW_WRITE,
        gathers=True,
        raises=[NotFound, OutOfRange, TooLong, rules.ReviewNotAllowed, rules.AlreadyReviewed],
        quotas=[REVIEWS],
    )
    async def create_review(self, info: Info, input: CreateReviewInput) -> ReviewPayload:
        event_id = ids.decode(input.event_id, "Event")
        async with info.context.writing() as uow:
            review = await rules.create(
                uow, info.context.viewer, event_id=event_id, rating=input.rating, text=input.text
            )
        return ReviewPayload(review=review)

    @mutation(
        description="Change one's own review.",
        access=Permission.REVIEW_WRITE,
        gathers=True,
        raises=[NotFound, Forbidden, OutOfRange, TooLong],
    )
    async def update_review(self, info: Info, input: UpdateReviewInput) -> ReviewPayload:
        review_id = ids.decode(input.review_id, "Review")
        given = {"rating": input.rating, "text": input.text}
        changes = {name: some.value for name, some in given.items() if some is not None}
        async with info.context.writing() as uow:
            review = await rules.update(uow, info.context.viewer, review_id=review_id, changes=changes)
        return ReviewPayload(review=review)

    @mutation(
        description="Delete a review: its author, or a moderator (audited).",
        access=SIGNED_IN,
        raises=[NotFound, Forbidden],
    )
    async def delete_review(self, info: Info, input: DeleteReviewInput) -> DeleteReviewPayload:
        review_id = ids.decode(input.review_id, "Review")
        async with info.context.writing() as uow:
            deleted = await rules.delete(uow, info.context.viewer, review_id=review_id)
        return DeleteReviewPayload(deleted_review_id=strawberry.ID(ids.encode("Review", deleted)))
