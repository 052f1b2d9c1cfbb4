"""Registering by one statement: the place, and everything that happens with it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ARRAY, Select, Uuid, and_, exists, func, literal, select

from auth.viewer import Viewer
from database import RECORDING, RecordedEvents, recording
from database.rows import row_class
from dataloaders.core.rule_statements import Statement
from models import Chat, ChatMember, Event, EventHost, EventRole, Registration
from resolvers.booking import availability
from resolvers.booking.admission import RegistrationCreated
from resolvers.booking.admission_look import GIVEN, Scope, Sight, looking
from resolvers.booking.admission_write import MOMENT, PARAMETERS, changed_places
from resolvers.booking.time_conflicts import conflicts_column
from resolvers.chat import members
from resolvers.notifications.notification_writing import inserted_notifications, notices_parameter, notification_events


def _look(viewer: Viewer) -> Select[Any]:
    """Return what the rule asks, the hosts for its notices, and what else the viewer does at the time of the event."""
    scope = Scope(Sight.VISIBLE, has_services=False, clears=False)
    conflicts = conflicts_column(literal(viewer.id, Uuid()))
    return looking(viewer, scope, _organizers_of_event().label("organizers"), conflicts.label("conflicts"))


def _organizers_of_event() -> Any:
    hosting = select(EventHost.user_id).where(EventHost.event_id == Event.id, EventHost.role != EventRole.STAFF)
    return func.array(hosting.correlate(Event).scalar_subquery(), type_=ARRAY(Uuid))


def _take_place(_viewer: Viewer) -> Select[Any]:
    """Return the registration, its entry in the availability stream, its person in the event's chat, notices, and what
    happened. In the order of locks: each part waits for what it reads of the one before.
    """
    now, changed = MOMENT, changed_places()
    placed = select(changed).where(changed.c.kind == "registration").cte("placed")
    entry = select(changed).where(changed.c.kind == "entry").cte("entry")
    joining = members.joining(Chat.event_id == placed.c.event_id, placed.c.user_id, now=now)
    joined = joining.returning(ChatMember.chat_id).cte("joined")
    # Counted, so that the chat is locked before the inboxes are.
    in_chat = select(func.count()).select_from(joined).scalar_subquery() >= 0
    told = inserted_notifications(notices_parameter(), now, and_(exists(select(placed.c.id)), in_chat))
    created = {name: placed.c[name] for name in ("event_id", "user_id", "recorded_by_id")}
    happened = [
        RecordedEvents(RegistrationCreated, placed, {"subject_id": placed.c.id, **created}),
        availability.announced(entry),
        notification_events(told),
    ]
    return select(*changed.c).add_cte(*recording(happened))


LOOK = Statement(_look, given=GIVEN, rows=row_class(Event))
TAKE_PLACE = Statement(_take_place, given=(*PARAMETERS, "notices", *RECORDING), rows=row_class(Registration))
