"""Rules of `viewerCan`, by the functions that mutations ask (`docs/viewer-can.md`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from auth.viewer import Viewer
from resolvers.reviews import reviews


@dataclass(frozen=True)
class OfReview:
    review: Any
    viewer: Viewer

    @property
    def update(self) -> bool:
        return reviews.may_update(self.review, self.viewer)

    @property
    def delete(self) -> bool:
        return reviews.may_delete(self.review, self.viewer)
