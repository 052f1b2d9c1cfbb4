"""One example of each mutation, brought by its area: `tests/api/<area>/mutations.py`.

The fuzzer calls each once, and a test of the audit lets staff do it to others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import Any

import models
from models import ClubRole, EventStatus, MembershipState, ModerationItem, Role
from tests.factories import (
    in_days,
    make_booking,
    make_category,
    make_club,
    make_event,
    make_host,
    make_interest,
    make_membership,
    make_registration,
    make_review,
    make_service,
    make_service_type,
    make_user,
    make_venue,
)

Input = dict[str, Any]


@dataclass
class Things:
    """Of Ada, who hosts events and owns a club, and of Bob, who takes part. The staff have a part in none of it."""

    rows: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        return self.rows[name]


async def things(save: Any) -> Things:
    ada, bob, cy, dan, eve = (make_user() for _ in range(5))
    staff = {role.name.lower(): make_user(role=role) for role in (Role.VOLUNTEER, Role.MODERATOR, Role.ADMIN)}
    category, venue, club, kind, jazz = make_category(), make_venue(), make_club(), make_service_type(), make_interest()
    await save(ada, bob, cy, dan, eve, *staff.values(), category, venue, club, kind, jazz)
    members = {
        "member": make_membership(club, bob),
        "asking": make_membership(club, cy, state=MembershipState.PENDING),
        "banned": make_membership(club, dan, state=MembershipState.BANNED),
    }
    made = {
        "event": make_event(ada, category, venue),
        "empty": make_event(ada, category, venue),
        "draft": make_event(ada, category, venue, status=EventStatus.DRAFT, published_at=None),
        "waiting": make_event(ada, category, venue, status=EventStatus.PENDING_REVIEW, published_at=None),
        "called_off": make_event(ada, category, venue, status=EventStatus.CANCELLED, cancelled_at=in_days(-1)),
        "held": make_event(ada, category, venue, status=EventStatus.ARCHIVED, starts_at=in_days(-3)),
        "offering": make_event(ada, category, venue),
    }
    await save(make_membership(club, ada, role=ClubRole.OWNER), *members.values(), *made.values())
    revision = models.EventRevision(id=models.uuid7(), event_id=made["empty"].id, title="Another")
    service, idle = make_service(made["offering"], kind), make_service(made["offering"], kind)
    item = ModerationItem(id=models.uuid7(), event_id=made["waiting"].id, submitted_by_id=ada.id)
    review = make_review(made["held"], bob)
    await save(revision, service, idle, item, review, *(make_host(event, ada) for event in made.values()))
    registration = make_registration(made["event"], bob)
    put_out = make_registration(made["event"], dan, admission=models.Admission.REJECTED)
    await save(registration, put_out, make_host(made["event"], cy, models.EventRole.CO_ORGANIZER))
    proposal = ModerationItem(
        id=models.uuid7(), event_id=made["empty"].id, revision_id=revision.id, submitted_by_id=ada.id
    )
    await save(proposal, *(make_registration(made[name], bob) for name in ("held", "offering")))
    booking = make_booking(service, bob)
    await save(booking)
    people = {"ada": ada, "bob": bob, "eve": eve, **staff}
    others = {
        "category": category, "venue": venue, "club": club, "kind": kind, "jazz": jazz, "revision": revision,
        "service": service, "idle": idle, "item": item, "proposal": proposal, "review": review, "booking": booking,
        "registration": registration, "put_out": put_out, "cohost": cy,
    }  # fmt: skip
    return Things(people | members | made | others)


@dataclass(frozen=True)
class Deed:
    """What a member of staff asks for, and the action that the entry names."""

    action: str
    input: Callable[[Things], dict[str, Any]]
    who: str = "moderator"
    subject: str | None = None


class Unaudited(Enum):
    """Why a mutation leaves no entry, whoever calls it."""

    OWN = "What everyone does with their own, and in chats of which they are members: the role opens nothing more."
    ACCOUNT = "About signing in: staff have no way into the account of somebody else."


OWN, ACCOUNT = Unaudited.OWN, Unaudited.ACCOUNT


@dataclass(frozen=True)
class Forbidden:
    """The input names a thing of somebody else, which staff may not change either."""

    input: Callable[[Things], Input]


@dataclass(frozen=True)
class Example:
    """Who calls a mutation of the fuzzer's world with what, and what the audit says of staff who call it.

    `@Type.column=value` in an input stands for the id of the newest such row. `is_refused` where it needs a secret that
    is not kept anywhere, or a provider.
    """

    who: str
    input: Input
    audit: list[Deed] | Forbidden | Unaudited
    is_refused: bool = False


def _of_all_areas() -> dict[str, Example]:
    found: dict[str, Example] = {}
    for file in sorted(Path(__file__).parent.parent.glob("*/mutations.py")):
        found |= import_module(f"tests.api.{file.parent.name}.mutations").MUTATIONS
    return found


EXAMPLES = _of_all_areas()
