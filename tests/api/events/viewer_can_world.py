"""Events in each state."""

from __future__ import annotations

from typing import Any

import models
from models import EventRole, EventVisibility, ModerationItem, uuid7
from tests.api.core.viewer_can_stage import (
    ARCHIVED,
    CANCELLED,
    DELETED,
    DRAFT,
    GUEST,
    OVER,
    WAITING,
    Case,
    Inputs,
    Looked,
    a_stage,
)
from tests.factories import in_days, make_host, make_review


async def world(save: Any) -> dict[str, Looked]:
    stage = a_stage()
    users = stage.users
    found = {
        "draft": stage.event(with_people=False, **DRAFT),
        "waiting": stage.event(with_people=False, **WAITING),
        "waiting, over": stage.event(with_people=False, **WAITING | OVER),
        "published": stage.event(),
        "with nobody": stage.event(with_people=False, capacity=None),
        "full": stage.event(capacity=1),
        "without crew": stage.event(with_crew=False),
        "with services": stage.event(),
        "for the club": stage.event(visibility=EventVisibility.CLUB),
        "of no club": stage.event(of_club=False),
        "with a revision": stage.event(),
        "with one organizer more": stage.event(),
        "over": stage.event(**OVER),
        "over and reviewed": stage.event(**OVER),
        "cancelled": stage.event(**CANCELLED),
        "cancelled draft": stage.event(with_people=False, **DRAFT | CANCELLED),
        "archived": stage.event(**ARCHIVED),
        "archived, over": stage.event(**ARCHIVED | OVER),
        "deleted": stage.event(**DELETED),
    }
    stage.service(found["with services"])
    stage.add(2, make_host(found["with one organizer more"], users["friend"], EventRole.ORGANIZER))
    stage.add(2, make_review(found["over and reviewed"], users["participant"]))
    [revision, no_revision] = (
        models.EventRevision(id=uuid7(), event_id=found["with a revision"].id, title="Other") for _ in range(2)
    )
    stage.add(2, revision)
    item = {"event_id": revision.event_id, "revision_id": revision.id, "submitted_by_id": users["organizer"].id}
    stage.add(3, ModerationItem(id=uuid7(), **item))
    await stage.done(save)

    def inputs(event: Any) -> Inputs:
        begin, end = event.starts_at.isoformat(), event.ends_at.isoformat()

        def made(field: str, person: Any) -> dict[str, Any]:
            if field == "withdrawRevision":
                return {"revisionId": revision if event.id == revision.event_id else no_revision}
            given = {
                "update": {"title": "Another", "expectedVersion": 1},
                "reactivate": {"startsAt": in_days(20).isoformat(), "endsAt": in_days(21).isoformat()},
                "addHost": {"userId": users["stranger"], "role": "STAFF"},
                "addOrganizer": {"userId": users["stranger"], "role": "ORGANIZER"},
                "changeHostRole": {"userId": users["spare"], "role": "CO_ORGANIZER"},
                "removeHost": {"userId": users["spare"]},
                "giveUpRole": {"userId": person or users["stranger"]},
                "addService": {"serviceTypeId": stage.service_type, "startsAt": begin, "endsAt": end, "capacity": 1},
                "review": {"rating": 5},
            }
            return {"eventId": event, **given.get(field, {})}

        return made

    return {"Event": Looked(GUEST | stage.lookers, [Case(name, one, inputs(one)) for name, one in found.items()])}
