"""Reviews."""

from __future__ import annotations

from typing import Any

from models import ReviewStatus
from tests.api.core.viewer_can_stage import DELETED, GUEST, OVER, Case, Looked, a_stage, with_id
from tests.factories import make_review


async def world(save: Any) -> dict[str, Looked]:
    stage = a_stage()
    events = {"out": stage.event(**OVER), "hidden": stage.event(**OVER)}
    events["of a deleted event"] = stage.event(**OVER | DELETED)
    hidden = {"hidden": {"status": ReviewStatus.HIDDEN}}
    author = stage.users["participant"]
    found = {name: make_review(event, author, **hidden.get(name, {})) for name, event in events.items()}
    stage.add(3, *found.values())
    await stage.done(save)
    cases = [Case(name, one, with_id("reviewId", one, update={"rating": 1})) for name, one in found.items()]
    return {"Review": Looked(GUEST | stage.lookers, cases)}
