"""The types of `viewerCan` for this area."""

from __future__ import annotations

import strawberry

from schema.core.viewer_can import WHAT_COUNTS, can


@strawberry.type(description=f"What the caller may do with a review now. {WHAT_COUNTS}")
class ReviewViewerCan:
    update: bool = can("updateReview", "Change it.")
    delete: bool = can("deleteReview", "Take it away.")
