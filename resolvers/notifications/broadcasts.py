"""News for many people that are left to workers: writing them down, and stopping them where they are no longer so."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Select, Uuid, func, insert, literal, or_, select, update

from database import UnitOfWork
from models import Broadcast, utcnow

LISTED = "LISTED"
"""The audience whose people are known when it is written down."""
STOPPED = "stopped"
"""Mark of a notice that nobody is told any more."""
FORMER = "former"
"""Mark of a change, among those of a notification, whose field was changed again."""


def is_of_many(topic: str) -> bool:
    """Whether many people may be told under a topic: it names no person."""
    return topic.count(":") == 1


async def put_off(
    uow: UnitOfWork,
    object_id: UUID,
    template: Mapping[str, Any],
    recipients: Iterable[UUID] | Select[UUID],
    *,
    ends: Sequence[str],
    ends_of_each: Sequence[str],
) -> None:
    """Leave it to workers to tell people. The caller holds the lock of the object."""
    people: Any = literal(sorted(set(recipients)) if not isinstance(recipients, Select) else [], ARRAY(Uuid))
    if isinstance(recipients, Select):
        listed = recipients.subquery("listed")
        people = func.array(select(listed.c[0]).order_by(listed.c[0]).scalar_subquery(), type_=ARRAY(Uuid))
    await uow.session.flush()
    await uow.session.execute(
        insert(Broadcast).values(
            object_id=object_id,
            audience=LISTED,
            recipients=people,
            notice=dict(template),
            topic=template["topic"],
            ends=list(ends),
            ends_of_each=list(ends_of_each),
            created_at=utcnow(),
        )
    )


async def stop(
    uow: UnitOfWork, objects: Collection[UUID], ended: Iterable[str], changed: Sequence[tuple[str, str]] = ()
) -> bool:
    """Whoever was not told yet of what is no longer so is not told of it. `changed` as of `withdraw_news`.

    Answers whether people are still being told of one of the objects.
    """
    ended = {topic for topic in ended if is_of_many(topic)}
    topics = [*ended, *{topic for topic, _ in changed}]
    if not objects and not topics:
        return False
    found = await uow.session.execute(
        select(Broadcast.number, Broadcast.object_id, Broadcast.topic, Broadcast.notice, Broadcast.ends_of_each)
        .where(or_(Broadcast.object_id.in_(objects), Broadcast.topic.in_(topics)))
        .order_by(Broadcast.number)
        .with_for_update()
    )
    is_behind = False
    for number, object_id, topic, notice, ends_of_each in found.all():
        is_behind = is_behind or object_id in objects
        again = {field for one, field in changed if one == topic}
        changes = [
            one | {FORMER: True} if one["field"] in again else one for one in notice["params"].get("changes", ())
        ]
        values: dict[str, Any] = {}
        if topic in ended or (changes and all(FORMER in one for one in changes)):
            # What else they were told, and what it ends for each of them, is no longer so all the same.
            values = {"notice": notice | {STOPPED: True}} if ends_of_each else {"recipients": [], "position": 0}
        elif again:
            values = {"notice": notice | {"params": notice["params"] | {"changes": changes}}}
        if values:
            await uow.session.execute(update(Broadcast).where(Broadcast.number == number).values(values))
    return is_behind
