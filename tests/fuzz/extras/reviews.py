"""A review that is hidden, and one without words."""

from __future__ import annotations

from models import ReviewStatus
from tests.factories import make_review
from tests.fuzz.extras.given import Given, Rows


def rows(given: Given) -> Rows:
    people, event = given.people, given.events["archived"]
    return [
        make_review(event, people["shy"], status=ReviewStatus.HIDDEN, rating=1, text="Ужас"),
        make_review(event, people["boris"], rating=4, text=None),
    ]
