"""Hosts of an event: giving people a role at it, changing the role, taking it away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import delete, func, or_, select

from auth.rights import acts_as_staff, part_at
from auth.viewer import GUEST, Viewer
from auth.visibility.events import events_visible_to, hosted_by
from auth.visibility.people import users_visible_to
from database import UnitOfWork, on_conflict
from dataloaders.events.viewer_can import other_organizers
from errors import ErrorCode, Forbidden, NotFound, TooMany, UserError, _
from models import HOLDING, Admission, DomainEvent, Event, EventHost, EventRole, NotificationType, Registration, User
from resolvers.booking.bookability import BookableState, Restricted
from resolvers.booking.locks import editable
from resolvers.chat import members
from resolvers.clubs.bans import ENDED_BY_REMOVAL, EndedByRemoval
from resolvers.clubs.clubs import share_of_event
from resolvers.core import audit
from resolvers.events import states
from resolvers.events.lifecycle import call_off
from resolvers.events.states import EventAction
from resolvers.notifications.notifications import Notice, notify_all, topic_of

MOST_HOSTS = 20
"""People with a role at one event."""


class AlreadyHost(UserError):
    code = ErrorCode.ALREADY_EXISTS
    message = _("This person already has a role at the event.")


class LastOrganizer(UserError):
    code = ErrorCode.LAST_ORGANIZER
    message = _("An event must have at least one organizer. Make someone else an organizer first.")


@dataclass(frozen=True, kw_only=True)
class EventHostsChanged(DomainEvent):
    """`role` is null where the person has none any more."""

    name: ClassVar[str] = "event.hosts.changed"
    subject_type: ClassVar[str] = "Event"
    user_id: UUID
    role: str | None


async def add(uow: UnitOfWork, viewer: Viewer, *, event_id: UUID, user_id: UUID, role: EventRole) -> Event:
    """Give someone a role. Who may edit the event appoints co-organizers and staff; organizers are appointed by
    organizers, by those who rule the event's club, and by staff of the platform."""
    await share_of_event(uow, event_id)
    event = await editable(uow, viewer, event_id)
    by_staff = await acts_as_staff(uow.session, viewer, event)
    await _check_rank(uow, viewer, event, role)
    if await uow.session.scalar(users_visible_to(viewer).where(User.id == user_id)) is None:
        raise NotFound(path=("userId",))
    if await _is_put_out(uow, event, user_id):
        raise Restricted(path=("userId",))
    hosts = await _hosts(uow, event)
    if user_id in hosts:
        raise AlreadyHost(path=("userId",))
    if len(hosts) >= MOST_HOSTS:
        raise TooMany(path=("userId",), maximum=MOST_HOSTS)
    # A trigger asks the same of whoever writes the row.
    async with on_conflict(uow.session, ck_event_hosts_not_put_out=Restricted(path=("userId",))):
        uow.session.add(EventHost(event_id=event.id, user_id=user_id, role=role))
    await members.join_event_chats(uow, [(event.id, user_id)])
    await _announce(uow, viewer, event, user_id, before=None, after=role, by_staff=by_staff)
    return event


async def change_role(uow: UnitOfWork, viewer: Viewer, *, event_id: UUID, user_id: UUID, role: EventRole) -> Event:
    """Give a host another role. Ranks are as in `add`, for the role that they have and for the one that they get."""
    event = await editable(uow, viewer, event_id)
    by_staff = await acts_as_staff(uow.session, viewer, event)
    host = _host(await _hosts(uow, event), user_id)
    before = host.role
    if before is role:
        return event
    await _check_rank(uow, viewer, event, before, role)
    await _keep_an_organizer(uow, event, host)
    host.role = role
    await uow.session.flush()
    await _announce(uow, viewer, event, user_id, before=before, after=role, by_staff=by_staff)
    return event


async def remove(uow: UnitOfWork, viewer: Viewer, *, event_id: UUID, user_id: UUID) -> Event | None:
    """Take a role away. Everyone may give up their own. Null where the viewer no longer sees the event."""
    is_own = user_id == viewer.require_user()
    event = await (_visible if is_own else editable)(uow, viewer, event_id)
    by_staff = not is_own and await acts_as_staff(uow.session, viewer, event)
    host = _host(await _hosts(uow, event), user_id)
    if not is_own:
        await _check_rank(uow, viewer, event, host.role)
    await _keep_an_organizer(uow, event, host)
    before = host.role
    await uow.session.delete(host)
    await uow.session.flush()
    if not await _holds_place(uow, event, user_id):
        await members.leave_event_chats(uow, event.id, [user_id])
    await _announce(uow, viewer, event, user_id, before=before, after=None, by_staff=by_staff)
    seen: Event | None = await uow.session.scalar(events_visible_to(viewer).where(Event.id == event.id))
    return seen


async def step_down(uow: UnitOfWork, user_id: UUID, events: Sequence[Event]) -> list[Notice]:
    """Take all of someone's roles away, whose coming events are locked. Where no organizer is left, the longest
    co-organizer becomes one; without any, the event is cancelled. Answers what people are to be told.
    """
    notices = []
    for event in events:
        hosts = await _hosts(uow, event)
        own = hosts.pop(user_id, None)
        if own is None or own.role is not EventRole.ORGANIZER:
            continue
        found = await uow.session.execute(
            select(User.id, User.deletion_at.is_not(None)).where(User.id.in_(hosts), User.is_active)
        )
        # Those who stay come before those who are about to go.
        left = sorted((goes, hosts[id].created_at, id) for id, goes in found)
        others = [hosts[id] for _goes, _since, id in left]
        if any(one.role is EventRole.ORGANIZER for one in others):
            continue
        if heir := _heir(others):
            notices.append(_hand_on(uow, event, heir))
        elif states.refusal(event, EventAction.CANCEL) is None:
            notices.append(await call_off(uow, GUEST, event, reason=None, actor_id=None))
    await uow.session.flush()
    given_up = await uow.session.scalars(
        delete(EventHost)
        .where(EventHost.user_id == user_id)
        .returning(EventHost.event_id)
        .execution_options(synchronize_session=False)
    )
    for event_id in sorted(given_up):
        uow.record(EventHostsChanged(subject_id=event_id, user_id=user_id, role=None))
    return notices


async def end_roles_in_club(
    uow: UnitOfWork, viewer: Viewer, user_id: UUID, club_id: UUID, *, by_staff: bool
) -> EndedByRemoval:
    """Take someone's roles at all events of a locked club away, past and deleted ones too, which are locked. They stay
    in the chats: the caller lets them out.

    Where no organizer is left, the longest co-organizer becomes one. Without any, the owners and administrators of
    the club run the event, and appoint whom they like.
    """
    of_club = select(Event.id).where(Event.club_id == club_id, Event.id.in_(hosted_by(user_id)))
    events = {event.id: event for event in await uow.session.scalars(select(Event).where(Event.id.in_(of_club)))}
    if not events:
        return EndedByRemoval()
    taken = await uow.session.execute(
        delete(EventHost)
        .where(EventHost.user_id == user_id, EventHost.event_id.in_(events))
        .returning(EventHost.event_id, EventHost.role)
        .execution_options(synchronize_session=False)
    )
    roles = {row.event_id: row.role for row in taken}
    found = await uow.session.scalars(
        select(EventHost)
        .join(User, User.id == EventHost.user_id)
        .where(EventHost.event_id.in_(events), User.is_active)
        .order_by(User.deletion_at.is_not(None), EventHost.created_at, EventHost.user_id)
        .execution_options(populate_existing=True)
    )
    others: dict[UUID, list[EventHost]] = {}
    for host in found:
        others.setdefault(host.event_id, []).append(host)
    notices = []
    for event_id in sorted(roles):
        event, left = events[event_id], others.get(event_id, [])
        uow.record(EventHostsChanged(subject_id=event_id, user_id=user_id, role=None))
        is_told = event.deleted_at is None and not states.is_event_over(event)
        if is_told:
            notices.append(_told_of_role(event, user_id, None, actor_id=viewer.id))
        heir = None if any(one.role is EventRole.ORGANIZER for one in left) else _heir(left)
        if by_staff:
            _leave_trail(uow, viewer, event, user_id, before=roles[event_id], after=None)
        if roles[event_id] is EventRole.ORGANIZER and heir is not None and event.deleted_at is None:
            inherited = _hand_on(uow, event, heir)
            notices += [inherited] if is_told else []
    await uow.session.flush()
    return EndedByRemoval(notices, [topic for id in roles for topic in _of_role(events[id], user_id)])


ENDED_BY_REMOVAL.append(end_roles_in_club)


def _heir(others: Sequence[EventHost]) -> EventHost | None:
    """Return the co-organizer who has been one for longest."""
    return next((one for one in others if one.role is EventRole.CO_ORGANIZER), None)


def _hand_on(uow: UnitOfWork, event: Event, heir: EventHost) -> Notice:
    _leave_trail(uow, GUEST, event, heir.user_id, before=heir.role, after=EventRole.ORGANIZER)
    heir.role = EventRole.ORGANIZER
    uow.record(EventHostsChanged(subject_id=event.id, user_id=heir.user_id, role=heir.role.value))
    return _told_of_role(event, heir.user_id, heir.role, actor_id=None, is_inherited=True)


def _of_role(event: Event, user_id: UUID) -> list[str]:
    """Topics of what someone was told of their role, or of having none, and is no longer so once that changes."""
    news = (NotificationType.EVENT_ROLE_GIVEN, NotificationType.EVENT_ROLE_TAKEN)
    return [topic_of(type, event.id, user_id) for type in news]


async def _visible(uow: UnitOfWork, viewer: Viewer, event_id: UUID) -> Event:
    """Return the event, locked as by `editable`."""
    event = await uow.session.scalar(
        events_visible_to(viewer)
        .where(Event.id == event_id)
        .with_for_update(key_share=True, of=Event)
        .execution_options(populate_existing=True)
    )
    if event is None:
        raise NotFound(path=("eventId",))
    return event


async def _hosts(uow: UnitOfWork, event: Event) -> dict[UUID, EventHost]:
    found = await uow.session.scalars(
        select(EventHost).where(EventHost.event_id == event.id).execution_options(populate_existing=True)
    )
    return {host.user_id: host for host in found}


def _host(hosts: dict[UUID, EventHost], user_id: UUID) -> EventHost:
    if user_id not in hosts:
        raise NotFound(path=("userId",))
    return hosts[user_id]


async def _check_rank(uow: UnitOfWork, viewer: Viewer, event: Event, *roles: EventRole) -> None:
    """Raise `Forbidden` where an organizer is appointed or dismissed by somebody who is less."""
    if EventRole.ORGANIZER in roles and not (await part_at(uow.session, viewer, event)).may_appoint_organizers:
        raise Forbidden(path=("userId",))


async def _keep_an_organizer(uow: UnitOfWork, event: Event, host: EventHost) -> None:
    has_other = bool(await uow.session.scalar(select(other_organizers(host.user_id, event))))
    if refusal := refusal_to_leave(host.role, has_other_organizer=has_other):
        raise refusal


def refusal_to_leave(role: EventRole, *, has_other_organizer: bool) -> UserError | None:
    """Return why a host with this role cannot give it up or get another one."""
    return LastOrganizer(path=("userId",)) if role is EventRole.ORGANIZER and not has_other_organizer else None


async def _is_put_out(uow: UnitOfWork, event: Event, user_id: UUID) -> bool:
    """Whether the person was put out of the event or of its club."""
    of_event = select(Registration.event_id).where(
        Registration.event_id == event.id,
        Registration.user_id == user_id,
        Registration.admission == Admission.REJECTED,
    )
    of_club = func.event_entry(event.id, user_id) == BookableState.RESTRICTED.value
    return bool(await uow.session.scalar(select(or_(of_event.exists(), of_club))))


async def _holds_place(uow: UnitOfWork, event: Event, user_id: UUID) -> bool:
    holding = select(Registration.id).where(
        Registration.event_id == event.id, Registration.user_id == user_id, Registration.admission.in_(HOLDING)
    )
    return await uow.session.scalar(holding) is not None


async def _announce(
    uow: UnitOfWork,
    viewer: Viewer,
    event: Event,
    user_id: UUID,
    *,
    before: EventRole | None,
    after: EventRole | None,
    by_staff: bool,
) -> None:
    """Record the change, audit it where staff made it at an event that they did not run, and tell the person."""
    uow.record(EventHostsChanged(subject_id=event.id, user_id=user_id, role=after.value if after else None))
    if by_staff:
        _leave_trail(uow, viewer, event, user_id, before=before, after=after)
    await notify_all(uow, [_told_of_role(event, user_id, after, actor_id=viewer.id)])


def _leave_trail(
    uow: UnitOfWork, viewer: Viewer, event: Event, user_id: UUID, *, before: EventRole | None, after: EventRole | None
) -> None:
    audit.note(
        uow, viewer, "event.host.change", subject_type="Event", subject_id=event.id,
        before={"role": before}, after={"role": after}, about={"userId": user_id},
    )  # fmt: skip


def _told_of_role(
    event: Event, user_id: UUID, role: EventRole | None, *, actor_id: UUID | None, is_inherited: bool = False
) -> Notice:
    type = NotificationType.EVENT_ROLE_GIVEN if role else NotificationType.EVENT_ROLE_TAKEN
    return Notice(
        recipients=[user_id],
        type=type,
        subject=event,
        actor_id=actor_id,
        params=({"role": role.value} if role else {}) | ({"is_inherited": True} if is_inherited else {}),
        topic=topic_of(type, event.id, user_id),
        ends=_of_role(event, user_id),
    )
