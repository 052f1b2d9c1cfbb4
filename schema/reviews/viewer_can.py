"""The types of `viewerCan` for this area."""

from __future__ import annotations

import strawberry

from schema.core.viewer_can import WHAT_COUNTS, can


@strawberry.type(description=f"What the caller can do with a review now. {WHAT_COUNTS}")
class ReviewViewerCan:
    update: bool = can("updateReview", "Whether the caller can edit the review.")
    delete: bool = can("deleteReview", "Whether the caller can delete the review.")
