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
from schema.core.node_interface import Node
from schema.core.quotas import REVIEWS
from schema.core.relations import computed, related
from schema.core.roots import MutationInput, Payload, mutation
from schema.core.viewer_can import allowed
from schema.events.events import Event
from schema.people.users import User
from schema.reviews.viewer_can import ReviewViewerCan

enum(
    models.ReviewStatus,
    "Whether a review is visible.",
    PUBLISHED="Everyone can see it.",
    HIDDEN="Hidden by a moderator. Only its author and moderators see it, and it does not count in ratings.",
)


@strawberry.type(description="A rating, with an optional text, by a person who took part in an event.")
class Review(Node, row=models.Review, by_id=dataloaders.reviews.reviews.by_id):
    rating: int = strawberry.field(description="The rating from 1 (worst) to 5 (best).")
    text: str | None = strawberry.field(description="The text, at most 5,000 characters.")
    status: models.ReviewStatus = strawberry.field(
        description="Whether the review is published. Hidden ones are visible only to their author and to moderators."
    )
    created_at: datetime = strawberry.field(description="When the review was posted.")
    updated_at: datetime = strawberry.field(description="When the review last changed.")
    author: User | None = related(
        dataloaders.people.users.by_id, key="author_id", description="The author. Null if the caller cannot see them."
    )
    event: Event | None = related(
        dataloaders.events.events.by_id,
        key="event_id",
        description="The reviewed event. Null if the caller cannot see it.",
    )
    viewer_can = allowed(ReviewViewerCan, viewer_can.OfReview, "author_id")


@strawberry.input(description=f"Filters a list of reviews. {ALL_HOLD}")
class ReviewFilter(Filter):
    ratings: list[int] | None = strawberry.field(
        default=None,
        description="Keep reviews with one of these ratings, each from 1 to 5.",
        metadata=checked(each=rules.check_rating),
    )
    statuses: list[models.ReviewStatus] | None = strawberry.field(
        default=None,
        description="Keep reviews with one of these statuses. Hidden reviews of others are found by moderators "
        "who name HIDDEN here.",
    )


@strawberry.type(description="A summary of the published reviews of an event.")
class RatingSummary:
    average: float | None = strawberry.field(description="The average rating. Null if there are no reviews.")

    @computed(description="The number of reviews.")
    def count(root: strawberry.Parent[Any]) -> int:
        return int(root.total)

    @computed(description="The number of reviews with rating 1, 2, 3, 4 and 5, in this order. Always five numbers.")
    def histogram(root: strawberry.Parent[Any]) -> list[int]:
        return [getattr(root, f"of_{rating}") for rating in RATINGS]


@strawberry.input(description="Input of `createReview`.")
class CreateReviewInput(MutationInput):
    event_id: strawberry.ID = strawberry.field(description="The event to review. It has to have ended.")
    rating: int = strawberry.field(
        description="The rating from 1 (worst) to 5 (best).", metadata=checked(rules.check_rating)
    )
    text: str | None = strawberry.field(
        default=None, description="The text, at most 5,000 characters.", metadata=checked(rules.check_review_text)
    )


@strawberry.input(description="Input of `updateReview`. Fields that are omitted stay unchanged.")
class UpdateReviewInput(MutationInput):
    review_id: strawberry.ID = strawberry.field(description="The caller's review to edit.")
    rating: strawberry.Maybe[int] = strawberry.field(
        description="The rating from 1 (worst) to 5 (best).", metadata=checked(rules.check_rating)
    )
    text: strawberry.Maybe[str | None] = strawberry.field(
        description="The text, at most 5,000 characters. Null removes it.", metadata=checked(rules.check_review_text)
    )


@strawberry.input(description="Input of `deleteReview`.")
class DeleteReviewInput(MutationInput):
    review_id: strawberry.ID = strawberry.field(description="The review to delete.")


@strawberry.type(description="The result of a mutation that creates or edits a review.")
class ReviewPayload(Payload):
    review: models.Review | None = strawberry.field(
        default=None, graphql_type=Review | None, description="The review. Null if the mutation was refused."
    )


@strawberry.type(description="The result of `deleteReview`.")
class DeleteReviewPayload(Payload):
    deleted_review_id: strawberry.ID | None = strawberry.field(
        default=None, description="The id of the deleted review. Null if the mutation was refused."
    )


@strawberry.type
class ReviewMutations:
    @mutation(
        description="Review an event that the caller took part in, once it has ended. One review per person and event.",
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
        description="Edit the caller's own review.",
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
        description="Delete a review. Its author may do this, and moderators, whose calls are audited.",
        access=SIGNED_IN,
        raises=[NotFound, Forbidden],
    )
    async def delete_review(self, info: Info, input: DeleteReviewInput) -> DeleteReviewPayload:
        review_id = ids.decode(input.review_id, "Review")
        async with info.context.writing() as uow:
            deleted = await rules.delete(uow, info.context.viewer, review_id=review_id)
        return DeleteReviewPayload(deleted_review_id=strawberry.ID(ids.encode("Review", deleted)))
