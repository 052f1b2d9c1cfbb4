"""Notices to people: rows made in the transaction of what caused them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Select,
)

from database import UnitOfWork
from models import (
    Event,
    NotificationType,
    utcnow,
    uuid7,
)
from realtime.streams import inbox_stream
from resolvers.notifications import broadcasts
from resolvers.notifications.news import PASSING
from resolvers.notifications.notification_writing import WRITE, NotificationSent, NotificationShown, withdraw_news

Recipients = Iterable[UUID] | Select[UUID]
"""People, or the statement that finds them."""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """The same news for several people.

    `params` fill the words of its type (`notification_words.Wording`); the subject's name and time and the person's
    name are added here. The person is the one whose `user_id` is among the parameters, else the actor.
    """

    recipients: Recipients
    type: NotificationType
    subject: Any = None
    """An entity, or a row of one."""
    actor_id: UUID | None = None
    """The person who caused it. They get no notification of it."""
    params: Mapping[str, Any] = field(default_factory=dict)
    topic: str | None = None
    """From `topic_of`, of news that can cease to be so: by it they are ended. What was told under it of fields that are
    among the `changes` of the parameters now ends by itself.
    """
    is_of_each: bool = False
    """Whether there is such a topic for each of the recipients."""
    is_quiet: bool = False
    """Whether a repeat within a day updates what was told under the topic, instead of telling again."""
    withdraws: str | None = None
    """The topic of what the same people were told and is no longer so. As `ends`, for a statement that does it all."""
    ends: Sequence[str] = ()
    """Topics of what anybody was told and is no longer so. Of those `notify_all` alone takes care."""
    ends_of_each: Sequence[str] = ()
    """The same, of topics that there are for each of the recipients."""
    object_id: UUID | None = None
    """The event whose people these are. There may be so many that they are told after the commit, in batches: what
    happened to one event in the order in which it did.
    """


def topic_of(type: NotificationType, subject_id: UUID, person_id: UUID | None = None) -> str:
    """Names what may be so again and again, of an event, a club or a service, and of a person if it is about one."""
    return ":".join(str(part) for part in (PASSING[type], subject_id, person_id) if part)


MOST_AT_ONCE = 500
"""People who are told in the transaction of what caused it. More are told after it (`broadcasting.py`)."""


async def notify_all(uow: UnitOfWork, notices: Iterable[Notice], *, ends: Sequence[str] = ()) -> None:
    """All notices of a unit of work at once, in one statement. `ends` are topics as those of `Notice.ends`.

    Inboxes are locked in the order of their ids, so two calls in one unit of work could wait for each other with
    those of another. Call it once, after all other locks of the unit of work are taken.
    """
    found = [(notice, await _people(uow, notice)) for notice in notices]
    ended = [*ends, *(topic for notice, _ in found for topic in notice.ends)]
    of_each = [topic for notice, _ in found for topic in notice.ends_of_each]
    objects = {notice.object_id for notice, _ in found if notice.object_id}
    changed = [one for notice, _ in found for one in _changed(notice)]
    is_behind = await broadcasts.stop(uow, objects, [*ended, *of_each], changed)
    if objects and (is_behind or sum(len(people) for _, people in found) > MOST_AT_ONCE):
        later = [notice for notice, people in found if notice.object_id and people]
        found = [(notice, people) for notice, people in found if notice not in later]
        ended = await _put_off(uow, later, ended)
        changed = [one for notice, _ in found for one in _changed(notice)]
    ended += [f"{topic}:{one}" for notice, people in found for topic in notice.ends_of_each for one in people]
    if ended or changed:
        await withdraw_news(uow, *ended, changed=changed)
    await tell(uow, rows_of((template_of(notice), people) for notice, people in found))


async def _people(uow: UnitOfWork, notice: Notice) -> Collection[UUID]:
    """Return the recipients, or of those that a statement finds one more than are told at once."""
    if not isinstance(notice.recipients, Select):
        return sorted(set(notice.recipients))
    return (await uow.session.scalars(notice.recipients.limit(MOST_AT_ONCE + 1))).all()


def _changed(notice: Notice) -> list[tuple[str, str]]:
    """Return the topic with each field that changed."""
    if notice.topic is None:
        return []
    return [(notice.topic, one["field"]) for one in notice.params.get("changes", ())]


async def _put_off(uow: UnitOfWork, later: Sequence[Notice], ended: Sequence[str]) -> list[str]:
    """Leave it to workers to tell these. The first one ends what many may have been told; answers the other topics."""
    of_many = [topic for topic in ended if broadcasts.is_of_many(topic)]
    for notice in later:
        own = {topic for topic, _ in _changed(notice)}
        assert notice.object_id is not None
        await broadcasts.put_off(
            uow,
            notice.object_id,
            template_of(notice),
            notice.recipients,
            ends=[*of_many, *own],
            ends_of_each=notice.ends_of_each,
        )
        of_many = []
    return [topic for topic in ended if not broadcasts.is_of_many(topic)]


async def tell(uow: UnitOfWork, rows: Sequence[Mapping[str, Any]]) -> int:
    """Write notices as `rows_of` makes them. Answers how many were wanted and new."""
    if not rows:
        return 0
    await uow.session.flush()
    written = (await uow.session.execute(WRITE, {"notices": rows, "now": utcnow()})).all()
    for id, user_id, type, sequence, mailed in written:
        stream, kind = inbox_stream(user_id), NotificationSent if mailed else NotificationShown
        uow.record(kind(subject_id=id, stream=stream, sequence=sequence, user_id=user_id, type=type.value))
    return len(written)


def notice_rows(notices: Iterable[Notice]) -> list[dict[str, Any]]:
    """Return what a statement with `notices_parameter` is given, of notices whose recipients are known."""
    found = [(template_of(one), one.recipients) for one in notices if not isinstance(one.recipients, Select)]
    return rows_of(found)


def rows_of(told: Iterable[tuple[Mapping[str, Any], Iterable[UUID]]]) -> list[dict[str, Any]]:
    """Templates for each of their people."""
    rows: list[dict[str, Any]] = []
    for template, people in told:
        common = {name: template[name] for name in COMMON}
        for user_id in sorted(set(people)):
            if (person := str(user_id)) != template["actor_id"]:
                topic = f"{template['topic']}:{person}" if template["is_of_each"] else template["topic"]
                own = {"id": str(uuid7()), "user_id": person, "topic": topic, "position": len(rows)}
                rows.append(common | own | {"repeats": topic if template["is_quiet"] else None})
    return rows


COMMON = ("type", "subject_type", "subject_id", "actor_id", "person_id", "params", "withdraws")
"""What all rows of a template have."""


def template_of(notice: Notice) -> dict[str, Any]:
    """Make what a notice says to each of its people, as it can be kept."""
    return {
        "type": notice.type.value,
        "subject_type": notice.subject.__class__.__name__ if notice.subject is not None else None,
        "subject_id": None if notice.subject is None else str(notice.subject.id),
        "actor_id": str(notice.actor_id) if notice.actor_id else None,
        "person_id": _person(notice),
        "params": facts_of(notice.subject) | dict(notice.params),
        "topic": notice.topic,
        "is_of_each": bool(notice.topic) and notice.is_of_each,
        "is_quiet": notice.is_quiet,
        "withdraws": notice.withdraws,
    }


def _person(notice: Notice) -> str | None:
    known = notice.params.get("user_id") or notice.actor_id
    return str(known) if known else None


def facts_of(subject: Any) -> dict[str, Any]:
    """Return what the words say of a subject, or of the event of a service.

    Kept with the notice, so that reading it loads nothing.
    """
    if getattr(type(subject), "entity", type(subject)) is Event:
        return {
            "name": subject.title,
            "starts_at": subject.starts_at.isoformat(),
            "time_zone": subject.time_zone,
        }
    return {"name": getattr(subject, "name", None) or getattr(subject, "title", None)}
