"""Telling many people: a batch of a broadcast at a time, each in a transaction of its own.

What was told and how far it got is written in one transaction, so whoever goes on after a crash neither repeats nor
leaves out anybody. Broadcasts of one object follow each other; those of several take turns.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, exists, func, select, update
from sqlalchemy.orm import aliased, defer

from database import Database, UnitOfWork
from models import Broadcast, Notification, NotificationType, User
from resolvers.notifications.broadcasts import LISTED, STOPPED
from resolvers.notifications.news import STANDING
from resolvers.notifications.notification_writing import is_so, withdraw_news
from resolvers.notifications.notifications import rows_of, tell

BATCH = 300
"""People for each transaction. It is short: others wait for their inboxes, and for what a reader has in a chat."""


@dataclass(frozen=True)
class Slice:
    """The next people of an audience."""

    people: Sequence[UUID]
    is_last: bool = False


Audience = Callable[[UnitOfWork, Broadcast, int], Awaitable[Slice]]
"""Finds at most so many of those who are next, and notes on the broadcast how far that is."""

AUDIENCES: dict[str, Audience] = {}
"""Areas fill it in their `news.py`."""


@dataclass(frozen=True)
class Told:
    """The outcome of a batch."""

    number: int
    is_stuck: bool = False
    """Whether those who are left were held by others: they are asked for again after a while."""


async def tell_next(database: Database, *, most: int = BATCH) -> Told | None:
    """Tell the next people of some broadcast; null where there is none that nobody else is at."""
    async with database.writing() as uow:
        broadcast = await uow.session.scalar(NEXT)
        return await _go_on(uow, broadcast, most) if broadcast is not None else None


def _next() -> Select[Broadcast]:
    earlier = aliased(Broadcast)
    is_first = ~exists().where(earlier.object_id == Broadcast.object_id, earlier.number < Broadcast.number)
    return (
        select(Broadcast)
        .options(defer(Broadcast.recipients))
        .where(is_first)
        .order_by(Broadcast.served_at, Broadcast.number)
        .limit(1)
        .with_for_update(skip_locked=True, of=Broadcast)
    )


NEXT = _next()


async def _go_on(uow: UnitOfWork, broadcast: Broadcast, most: int) -> Told:
    """Do the next part: first what ends, then who is told."""
    while broadcast.ends:
        if number := await _end_some(uow, broadcast, most):
            await _note(uow, broadcast)
            return Told(number)
    found = await AUDIENCES[broadcast.audience](uow, broadcast, most)
    if found.people:
        topics = [f"{topic}:{one}" for topic in broadcast.ends_of_each for one in found.people]
        if topics:
            await withdraw_news(uow, *topics, among=[_was_told_before(broadcast)])
        if STOPPED not in broadcast.notice:
            await tell(uow, rows_of([(broadcast.notice, found.people)]))
    if found.is_last:
        await uow.session.execute(delete(Broadcast).where(Broadcast.number == broadcast.number))
    else:
        await _note(uow, broadcast)
    return Told(len(found.people), is_stuck=not found.is_last and not found.people and broadcast.done_up_to is None)


async def _note(uow: UnitOfWork, broadcast: Broadcast) -> None:
    kept = {name: getattr(broadcast, name) for name in ("ends", "position", "done_up_to")}
    await uow.session.execute(
        update(Broadcast)
        .where(Broadcast.number == broadcast.number)
        .values(**kept, served_at=func.clock_timestamp())
        .execution_options(synchronize_session=False)
    )


async def _end_some(uow: UnitOfWork, broadcast: Broadcast, most: int) -> int:
    """End what the next people were told under the first of the topics. Answers how many; none ends the topic."""
    topic = broadcast.ends[0]
    after = [] if broadcast.done_up_to is None else [Notification.user_id > broadcast.done_up_to]
    told = select(Notification.user_id).where(Notification.topic == topic, is_so(), _was_told_before(broadcast), *after)
    people = (await uow.session.scalars(told.order_by(Notification.user_id).limit(most))).all()
    if not people:
        broadcast.ends, broadcast.done_up_to = broadcast.ends[1:], None
        return 0
    broadcast.done_up_to = people[-1]
    among = [_was_told_before(broadcast), Notification.user_id.in_(set(people))]
    if topic == broadcast.topic:
        changed = [(topic, one["field"]) for one in broadcast.notice["params"].get("changes", ())]
        await withdraw_news(uow, changed=changed, among=among)
    else:
        await withdraw_news(uow, topic, among=among)
    return len(people)


def _was_told_before(broadcast: Broadcast) -> ColumnElement[bool]:
    return func.coalesce(Notification.updated_at, Notification.created_at) <= broadcast.created_at


async def _listed(uow: UnitOfWork, broadcast: Broadcast, most: int) -> Slice:
    """Return the next of the list of whom that is still so."""
    begin = broadcast.position
    part = Broadcast.recipients[begin + 1 : begin + most]
    part_of = select(part).where(Broadcast.number == broadcast.number)
    listed = await uow.session.scalar(part_of) or []
    broadcast.position += len(listed)
    if not listed:
        return Slice([], is_last=True)
    standing = STANDING.get(NotificationType(broadcast.notice["type"]))
    concerned = [standing(User.id, UUID(broadcast.notice["subject_id"]))] if standing else []
    people = await uow.session.scalars(select(User.id).where(User.id.in_(listed), User.is_active, *concerned))
    return Slice(people.all(), is_last=len(listed) < most)


AUDIENCES[LISTED] = _listed
