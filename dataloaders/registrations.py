from __future__ import annotations

from typing import Any

from sqlalchemy import Select, literal, select

from auth.viewer import Viewer
from auth.visibility import registrations_visible_to
from dataloaders.base import one, pages, value
from dataloaders.pages import Key
from models import Event, EventHost, EventTiming, Registration, Service, utcnow


def own_registrations(viewer: Viewer) -> Select[Registration]:
    return select(Registration).where(Registration.user_id == viewer.id)


def by_admission(statement: Select[Any], _viewer: Viewer, filter: Any) -> Select[Any]:
    if filter.admission is None:
        return statement
    return statement.where(Registration.admission == filter.admission)


def by_timing(statement: Select[Any], _viewer: Viewer, filter: Any) -> Select[Any]:
    """Where the registration's event stands now."""
    if filter.timing is None:
        return statement
    now = utcnow()
    conditions = {
        EventTiming.UPCOMING: [Event.starts_at > now],
        EventTiming.ONGOING: [Event.starts_at <= now, Event.ends_at > now],
        EventTiming.PAST: [Event.ends_at <= now],
    }
    return statement.join(Event, Event.id == Registration.event_id).where(*conditions[filter.timing])


def _yes(*key: Any) -> Select[Any]:
    return select(*key, literal(True))


def hosting(viewer: Viewer) -> Select[Any]:
    return _yes(EventHost.event_id).where(EventHost.user_id == viewer.id)


def offering_services(_viewer: Viewer) -> Select[Any]:
    return _yes(Service.event_id).where(Service.cancelled_at.is_(None)).distinct()


by_id = one(Registration, key=Registration.id, select=registrations_visible_to)
by_event_id = pages(
    Registration,
    key=Registration.event_id,
    select=registrations_visible_to,
    order_by=[Registration.created_at, Registration.id],
    filter=by_admission,
)
by_user_id = pages(
    Registration,
    key=Registration.user_id,
    select=own_registrations,
    order_by=[Key(Registration.created_at, descending=True), Key(Registration.id, descending=True)],
    filter=by_timing,
)
own_by_event_id = one(Registration, key=Registration.event_id, select=own_registrations)
is_host_by_event_id = value(key=EventHost.event_id, select=hosting, default=False)
offers_services_by_event_id = value(key=Service.event_id, select=offering_services, default=False)
