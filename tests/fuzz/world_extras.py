"""What the demo data lacks: every state, kind and visibility that an answer can show, and rows that hide others."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select, update

import models
from models import (
    Admission,
    Attendance,
    Channel,
    ChatKind,
    ClubVisibility,
    EventRole,
    EventStatus,
    EventVisibility,
    JoinPolicy,
    MembershipState,
    ModerationState,
    NotificationType,
    ReviewStatus,
)
from resolvers.chat.members import direct_key
from schema.core.ports import Ports
from tests.factories import (
    in_days,
    make_booking,
    make_chat,
    make_club,
    make_event,
    make_host,
    make_member,
    make_membership,
    make_message,
    make_notification,
    make_registration,
    make_review,
    make_service,
    make_user,
    new_id,
    now,
)

People = dict[str, models.User]
Rows = list[models.Base]

FULL_NAME = {"first_name": "Анна", "last_name": "Смирнова", "patronymic": "Игоревна", "phone": "+79161234567"}
ANNA: dict[str, Any] = FULL_NAME | {
    "birth_date": date(1990, 2, 28),
    "location": "Москва",
    "comment": "Помогает с 2020 года.",
    "privacy": {"location": "EVERYONE", "clubs": "EVERYONE"},
}
HIDING = dict.fromkeys(("bio", "interests", "location", "clubs", "registrations"), "NOBODY")


async def extras(ports: Ports, people: People) -> Sequence[Rows]:
    """Rows in groups, each of which needs only those before it."""
    async with ports.database.writing() as uow:
        await uow.session.execute(update(models.User).where(models.User.handle == "anna").values(**ANNA))
        await uow.session.execute(update(models.Inbox).values(last_sequence=40))
    async with ports.database.reading() as session:
        given: dict[str, Any] = {
            "category": await session.scalar(select(models.EventCategory).order_by(models.EventCategory.slug)),
            "venue": await session.scalar(select(models.Venue).order_by(models.Venue.name)),
            "service_type": await session.scalar(select(models.ServiceType).order_by(models.ServiceType.slug)),
            "clubs": list(await session.scalars(select(models.Club).order_by(models.Club.name, models.Club.id))),
        }
    hidden = make_user(
        handle="shy", display_name="Ё", bio="Secret", location="Nowhere", privacy=HIDING, comment="",
        deletion_at=in_days(9), **FULL_NAME,
    )  # fmt: skip
    gone = make_user(handle="gone", is_active=False)
    others = people | {"shy": hidden, "gone": gone}
    private = make_club(
        name="Закрытый клуб",
        visibility=ClubVisibility.PRIVATE,
        join_policy=JoinPolicy.INVITE_ONLY,
        description="Только свои",
    )
    unlisted = make_club(name="Unlisted club", visibility=ClubVisibility.UNLISTED, join_policy=JoinPolicy.APPROVAL)
    events = _events(others, given["category"], given["venue"], private)
    services = _services(events["offering"], events["serving"], given["service_type"], others)
    return [
        [hidden, gone, private, unlisted],
        _memberships(others, private, unlisted, given["clubs"]),
        list(events.values()),
        [make_host(events["offering"], gone, EventRole.CO_ORGANIZER), *_hosts(events, others)],
        services,
        _taking_part(others, events),
        _bookings(others, services),
        _moderation(others, events),
        _changes(events["serving"], services[-1]),
        *_chats(others),
        [_identity(others[name]) for name in ("anna", "boris", "shy")],
        [
            models.DataExport(
                user_id=people["anna"].id,
                state=models.DataExportState.READY,
                size=9,
                finished_at=now(),
                expires_at=in_days(7),
            ),
            models.DataExport(user_id=people["anna"].id, state=models.DataExportState.FAILED, finished_at=now()),
        ],
        _news(others, events["offering"], services[0], private),
    ]


def _events(
    people: People, category: models.EventCategory, venue: models.Venue, private: models.Club
) -> dict[str, models.Event]:
    def made(author: str, title: str, **values: Any) -> models.Event:
        return make_event(people[author], category, venue, title=title, **values)

    return {
        "draft": made("boris", "Draft", status=EventStatus.DRAFT, published_at=None),
        "pending": made("boris", "Pending", status=EventStatus.PENDING_REVIEW, published_at=None, capacity=5),
        "archived": made(
            "anna", "Archived", status=EventStatus.ARCHIVED, archived_at=now(), starts_at=in_days(-30), description=None
        ),
        "cancelled": made("anna", "Cancelled", status=EventStatus.CANCELLED, cancelled_at=now(), cancel_reason="Дождь"),
        "removed": made(
            "anna", "Removed", status=EventStatus.CANCELLED, cancelled_at=now(), cancel_reason="Дождь", deleted_at=now()
        ),
        "unlisted": made("anna", "Unlisted", visibility=EventVisibility.UNLISTED, price_amount="0.50"),
        "inside": made("anna", "Inside", visibility=EventVisibility.CLUB, club=private),
        "offering": made("anna", "Offering", starts_at=in_days(-0.05), capacity=30, price_amount="1500"),
        "serving": made("anna", "Serving", starts_at=in_days(2), capacity=20, availability_sequence=3),
        "full": made("anna", "Full", capacity=1),
    }


def _identity(person: models.User) -> models.Identity:
    return models.Identity(id=new_id(), user_id=person.id, issuer="https://id.example.org", subject=person.handle)


def _hosts(events: dict[str, models.Event], people: People) -> Rows:
    rows: Rows = [
        make_host(event, people["anna"]) for name, event in events.items() if name not in ("draft", "pending")
    ]
    rows += [make_host(events["draft"], people["boris"]), make_host(events["pending"], people["boris"])]
    return [*rows, make_host(events["full"], people["boris"], EventRole.STAFF)]


def _memberships(people: People, private: models.Club, unlisted: models.Club, clubs: list[models.Club]) -> Rows:
    return [
        make_membership(private, people["anna"], role=models.ClubRole.OWNER),
        make_membership(private, people["shy"], role=models.ClubRole.ADMIN),
        make_membership(private, people["boris"], state=MembershipState.INVITED, joined_at=None),
        make_membership(unlisted, people["anna"], role=models.ClubRole.MODERATOR),
        make_membership(unlisted, people["shy"]),
        make_membership(unlisted, people["gone"], role=models.ClubRole.OWNER),
        make_membership(unlisted, people["boris"], state=MembershipState.PENDING, joined_at=None),
        make_membership(unlisted, people["vera"], state=MembershipState.LEFT),
        make_membership(
            unlisted, people["max"], state=MembershipState.BANNED, ban_reason="Реклама", banned_until=in_days(30)
        ),
        make_membership(clubs[0], people["shy"]),
        make_membership(clubs[0], people["gone"], state=MembershipState.REJECTED, joined_at=None),
    ]


def _services(
    event: models.Event, later: models.Event, service_type: models.ServiceType, people: People
) -> list[models.Base]:
    return [
        make_service(event, service_type, staff_person=people["vera"], window_days=3),
        make_service(event, service_type, capacity=1, staff_person=people["gone"]),
        make_service(event, service_type, cancelled_at=now(), window_days=0),
        make_service(event, service_type, cancelled_at=now(), deleted_at=now()),
        make_service(later, service_type, window_days=30),
        make_service(later, service_type, window_days=1),
    ]


def _taking_part(people: People, events: dict[str, models.Event]) -> Rows:
    offering = events["offering"]
    note = {"note": "Приду позже", "staff_note": "Позвонить", "recorded_by_id": people["vera"].id}
    session = {"user_agent": "oracle", "last_used_at": now()}
    return [
        make_registration(offering, people["boris"], **note),
        make_registration(offering, people["shy"]),
        make_registration(offering, people["gone"], attendance=Attendance.NO_SHOW),
        make_registration(offering, people["vera"], admission=Admission.CANCELLED, cancelled_at=now()),
        make_registration(events["full"], people["shy"]),
        make_registration(events["removed"], people["boris"]),
        make_registration(events["removed"], people["shy"], admission=Admission.CANCELLED, cancelled_at=now()),
        make_registration(events["unlisted"], people["boris"]),
        make_registration(events["archived"], people["vera"], attendance=Attendance.ATTENDED),
        make_registration(events["archived"], people["boris"], attendance=Attendance.ATTENDED),
        make_registration(events["archived"], people["shy"], attendance=Attendance.ATTENDED),
        make_registration(events["inside"], people["boris"], admission=Admission.WAITLISTED),
        make_registration(
            events["serving"], people["shy"], admission=Admission.REJECTED, cancelled_at=now(), cancel_reason="Спор"
        ),
        make_review(events["archived"], people["shy"], status=ReviewStatus.HIDDEN, rating=1, text="Ужас"),
        make_review(events["archived"], people["boris"], rating=4, text=None),
        *(
            models.Session(id=new_id(), user_id=person.id, expires_at=in_days(30), address=None, **session)
            for handle, person in people.items()
            if handle != "gone"
        ),
    ]


def _bookings(people: People, services: list[Any]) -> Rows:
    note = {"note": "Без сахара", "staff_note": "Аллергия", "recorded_by_id": people["vera"].id}
    return [
        make_booking(services[0], people["boris"], **note),
        make_booking(services[0], people["shy"]),
        make_booking(services[1], people["gone"]),
        make_booking(services[2], people["boris"], admission=Admission.CANCELLED, cancelled_at=now()),
        make_booking(services[3], people["boris"], admission=Admission.CANCELLED, cancelled_at=now()),
    ]


def _changes(event: models.Event, service: Any) -> Rows:
    places = {"id": str(service.id), "capacity": 10, "cancelled": False}
    return [
        models.AvailabilityChange(
            event_id=event.id,
            sequence=number,
            capacity=20 if number > 1 else None,
            taken=number,
            services=[places | {"taken": taken} for taken in range(number - 1)],
        )
        for number in (1, 2, 3)
    ]


def _moderation(people: People, events: dict[str, models.Event]) -> Rows:
    def item(name: str, **values: Any) -> models.ModerationItem:
        defaults = {"id": new_id(), "event_id": events[name].id, "submitted_by_id": people["boris"].id}
        return models.ModerationItem(**defaults | values)

    decided = {"decided_by_id": people["max"].id, "decided_at": now()}
    return [
        item("pending"),
        item("draft", state=ModerationState.REJECTED, reason="Мало сведений", **decided),
        item("draft", state=ModerationState.WITHDRAWN, submitted_by_id=people["gone"].id),
        item("offering", state=ModerationState.APPROVED, **decided),
        *_revisions(people, events),
    ]


def _revisions(people: People, events: dict[str, models.Event]) -> Rows:
    """One that waits, and what became of others."""
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


def _chats(people: People) -> Sequence[Rows]:
    """A DIRECT chat in which one has read less than the other, and a GROUP that someone left."""
    anna, boris = people["anna"], people["boris"]
    direct = make_chat(kind=ChatKind.DIRECT, direct_key=direct_key(anna.id, boris.id), last_sequence=4)
    group = make_chat(title="Поход", last_sequence=6, last_message_at=in_days(-1), created_by_id=anna.id)
    empty = make_chat(title="Empty")
    pair = [make_message(direct, (anna, boris)[number % 2], number + 1) for number in range(4)]
    talk = [make_message(group, people[("anna", "shy", "gone")[number % 3]], number + 1) for number in range(6)]
    return [
        [direct, group, empty],
        [
            make_member(direct, anna, read_sequence=4),
            make_member(direct, boris, read_sequence=2),
            make_member(group, anna, read_sequence=1),
            make_member(group, boris, joined_sequence=3, read_sequence=3),
            make_member(group, people["gone"]),
            make_member(group, people["vera"], left_at=now(), left_sequence=2),
            make_member(empty, anna, joined_at=in_days(-2)),
        ],
        [*pair, *talk],
    ]


def _news(people: People, event: models.Event, service: Any, private: models.Club) -> Rows:
    """One of each type, about something of each kind, some of it hidden from its reader."""
    subjects: list[tuple[str | None, Any]] = [
        ("Event", event.id), ("Service", service.id), ("Club", private.id), ("Chat", new_id()), (None, None),
        ("Review", new_id()), ("User", people["shy"].id),
    ]  # fmt: skip
    params = {
        "name": {"ru": "Встреча", "en": "Meeting"}, "starts_at": "2126-05-21T18:00:00+03:00", "reason": "Rain",
        "time_zone": "Europe/Moscow", "person": "Boris", "changes": ["startsAt", "venue"], "text": "Привет",
    }  # fmt: skip
    rows: Rows = []
    for reader in (people["anna"], people["boris"]):
        for number, type_ in enumerate(NotificationType):
            kind, key = subjects[number % len(subjects)]
            about = {"subject_type": kind, "subject_id": key, "type": type_, "params": params if number % 3 else {}}
            actor = (people["boris"].id, people["gone"].id, None)[number % 3]
            read_at = now() - timedelta(hours=1) if number % 4 == 0 else None
            rows.append(make_notification(reader, 10 + number, actor_id=actor, read_at=read_at, **about))
        for type_, channel in (
            (NotificationType.NEW_MESSAGE, Channel.IN_APP),
            (NotificationType.EVENT_CHANGED, Channel.EMAIL),
        ):
            rows.append(models.NotificationPreference(user_id=reader.id, type=type_, channel=channel, is_enabled=False))
    return rows
