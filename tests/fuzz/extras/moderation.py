"""What waits for a moderator, and what was decided."""

from __future__ import annotations

from typing import Any

import models
from models import ModerationState
from tests.factories import in_days, new_id, now
from tests.fuzz.extras.given import Given, Rows


def rows(given: Given) -> Rows:
    people, events = given.people, given.events

    def item(name: str, **values: Any) -> models.ModerationItem:
        defaults = {"id": new_id(), "event_id": events[name].id, "submitted_by_id": people["boris"].id}
        return models.ModerationItem(**defaults | values)

    decided = {"decided_by_id": people["max"].id, "decided_at": now()}
    return [
        item("pending"),
        item("draft", state=ModerationState.REJECTED, reason="Мало сведений", **decided),
        item("draft", state=ModerationState.WITHDRAWN, submitted_by_id=people["gone"].id),
        item("offering", state=ModerationState.APPROVED, **decided),
        *_revisions(given),
    ]


def _revisions(given: Given) -> Rows:
    """One that waits, and what became of others."""
    people, events = given.people, given.events
    venue_id = events["full"].venue_id

    def revision(name: str, **values: Any) -> models.EventRevision:
        return models.EventRevision(id=new_id(), event_id=events[name].id, **values)

    def item(one: models.EventRevision, **values: Any) -> models.ModerationItem:
        anna = people["anna"].id
        return models.ModerationItem(
            id=new_id(), event_id=one.event_id, revision_id=one.id, submitted_by_id=anna, **values
        )

    dates = {"starts_at": in_days(9), "ends_at": in_days(9.5), "moves_services": True}
    waiting = revision("serving", title="Иначе", venue_id=venue_id, **dates)
    rejected = revision("full", removes_description=True)
    again = revision("cancelled", reactivates=True, **dates)
    decided = {"decided_by_id": people["max"].id, "decided_at": now()}
    return [
        waiting, rejected, again,
        item(waiting),
        item(rejected, state=ModerationState.REJECTED, reason="Нужно описание", **decided),
        item(again, state=ModerationState.WITHDRAWN),
    ]  # fmt: skip
