"""Giving a place at an event: by one statement for who registers, and as a part of other rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import ARRAY, CTE, Executable, Select, Uuid, and_, bindparam, exists, func, literal, select
from sqlalchemy.dialects.postgresql import Insert, insert

from auth.viewer import Viewer
from auth.visibility.events import events_visible_to
from database import RECORDING, Happened, recording
from database.rows import attributes, row_class
from dataloaders.booking.registrations import entry, standing_of
from dataloaders.core.rule_statements import Statement
from dataloaders.core.selects import columns_of
from models import (
    Admission,
    Attendance,
    Chat,
    ChatMember,
    DomainEvent,
    Event,
    EventHost,
    EventRole,
    Registration,
    utcnow,
)
from resolvers.booking import availability
from resolvers.booking.time_conflicts import conflicts_column
from resolvers.chat import members
from resolvers.notifications.notifications import given_notices, sent, telling


@dataclass(frozen=True, kw_only=True)
class RegistrationCreated(DomainEvent):
    name: ClassVar[str] = "event.registration.created"
    subject_type: ClassVar[str] = "Registration"
    event_id: UUID
    user_id: UUID
    recorded_by_id: UUID


LOOKED_AT = (
    "id", "title", "status", "time_zone", "starts_at", "ends_at", "capacity", "taken", "updated_at", "price_amount",
    "price_currency",
)  # fmt: skip


def _look(viewer: Viewer) -> Select[Any]:
    """What the rule and its notices read of an event that is visible, of the viewer's registration, and its hosts."""
    columns = columns_of(Event, LOOKED_AT)
    return (
        events_visible_to(viewer)
        .where(Event.id == bindparam("asked_id", type_=Uuid()))
        .with_only_columns(
            *columns,
            *standing_of(viewer),
            _organizers_of_event().label("organizers"),
            conflicts_column(literal(viewer.id, Uuid())).label("conflicts"),
        )
    )


def _organizers_of_event() -> Any:
    hosting = select(EventHost.user_id).where(EventHost.event_id == Event.id, EventHost.role != EventRole.STAFF)
    return func.array(hosting.correlate(Event).scalar_subquery(), type_=ARRAY(Uuid))


def _take_place(viewer: Viewer) -> Select[Any]:
    """Under the event's lock: the registration, its entry in the availability stream, its person in the event's chat,
    notices, and what happened. In the order of locks: each part waits for what it reads of the one before.
    """
    now, person_id = literal(utcnow()), literal(viewer.id, Uuid())
    admitted = _admitted(person_id, now)
    entry = availability.announcing(Event.id == admitted.c.event_id, now=now, coming=1).cte("entry")
    joining = members.joining(Chat.event_id == entry.c.event_id, person_id, now=now)
    joined = joining.returning(ChatMember.chat_id).cte("joined")
    # Counted, so that the chat is locked before the inboxes are.
    in_chat = select(func.count()).select_from(joined).scalar_subquery() >= 0
    told = telling(given_notices(), now, and_(exists(select(entry.c.event_id)), in_chat))
    created = {name: admitted.c[name] for name in ("event_id", "user_id", "recorded_by_id")}
    happened = [
        Happened(RegistrationCreated, admitted, {"subject_id": admitted.c.id, **created}),
        availability.announced(entry),
        sent(told),
    ]
    own = [admitted.c[name] for name in attributes(Registration)]
    return select(*own, entry.c.taken.label("event_taken")).select_from(admitted, entry).add_cte(*recording(happened))


def _admitted(person_id: Any, now: Any) -> CTE:
    """The registration, if the event is still as it was seen; nothing otherwise.

    `updated_at` changes with everything but the number of places, of which the check on the table lets none be given
    twice. Whether there are services now, and what the club says to the person, is asked under the lock.
    """
    held = (
        select(Event.id, Event.club_id)
        .where(Event.id == bindparam("asked_id", type_=Uuid()))
        .where(Event.updated_at == bindparam("seen_at", type_=Event.updated_at.type))
        .with_for_update(key_share=True)
        .cte("held")
    )
    values = {
        "id": bindparam("new_id", type_=Uuid()),
        "event_id": held.c.id,
        "user_id": person_id,
        "admission": literal(Admission.CONFIRMED, Registration.admission.type),
        "attendance": literal(Attendance.EXPECTED, Registration.attendance.type),
        "recorded_by_id": person_id,
        "note": bindparam("remark", type_=Registration.note.type),
        "created_at": now,
        "updated_at": now,
    }
    placed = select(*values.values()).where(
        func.event_offers_services(held.c.id).is_(False), entry(person_id, held.c) == "OPEN"
    )
    writing = insert(Registration.__table__).from_select(list(values), placed, include_defaults=False)  # type: ignore[arg-type]  # typed as FromClause, is a Table
    as_seen = Registration.admission == bindparam("seen_admission", type_=Registration.admission.type)
    return _reviving(writing, as_seen).returning(*Registration.__table__.c).cte("admitted")


LOOK = Statement(_look, given=("asked_id",), rows=row_class(Event))
TAKE_PLACE = Statement(
    _take_place,
    given=("asked_id", "seen_at", "seen_admission", "new_id", "remark", "notices", *RECORDING),
    rows=row_class(Registration),
)


def _admit() -> Executable:
    """The trigger on the table counts the place, and the check on the event refuses one too many."""
    columns = Registration.__table__.c
    names = ("id", "event_id", "user_id", "admission", "attendance", "recorded_by_id", "note")
    values: dict[str, Any] = {name: bindparam(name, type_=columns[name].type) for name in names}
    now = bindparam("now", type_=columns.updated_at.type)
    statement = insert(Registration.__table__).values(**values, created_at=now, updated_at=now)  # type: ignore[arg-type]  # typed as FromClause, is a Table
    written = _reviving(statement).returning(Registration)
    return select(Registration).from_statement(written).execution_options(populate_existing=True)


def _reviving(statement: Insert, where: Any = None) -> Insert:
    """Write a registration, or bring the one that is there back to life, with its own note unless there is a new one.

    Where there is one that does not fit `where`, nothing is written.
    """
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=["event_id", "user_id"],
        set_={
            "admission": new.admission,
            "attendance": new.attendance,
            "recorded_by_id": new.recorded_by_id,
            "cancelled_at": None,
            "cancel_reason": None,
            "note": func.coalesce(new.note, Registration.note),
            "updated_at": new.updated_at,
        },
        where=where,
    )


ADMIT = _admit()
