"""How tests of all mutations call those of this area (`tests/api/core/examples.py`)."""

from __future__ import annotations

from tests.api.core.examples import OWN, Deed, Example, Forbidden

MUTATIONS = {
    "createReview": Example("vera", {"eventId": "@Event.title=Archived", "rating": 5}, OWN),
    "updateReview": Example(
        "boris",
        {"reviewId": "@Review.author_id=boris", "text": "Хорошо"},
        Forbidden(lambda of: {"reviewId": of.review, "rating": 1}),
    ),
    "deleteReview": Example(
        "shy",
        {"reviewId": "@Review.text=Ужас"},
        [Deed("review.delete", lambda of: {"reviewId": of.review}, subject="review")],
    ),
}
