from __future__ import annotations

from sqlalchemy import Select, select

from auth.viewer import Viewer
from auth.visibility import registrations_visible_to
from dataloaders.base import one, pages
from dataloaders.pages import Key
from models import Registration


def own_registrations(viewer: Viewer) -> Select[Registration]:
    return select(Registration).where(Registration.user_id == viewer.id)


by_id = one(Registration, key=Registration.id, select=registrations_visible_to)
by_event_id = pages(
    Registration,
    key=Registration.event_id,
    select=registrations_visible_to,
    order_by=[Registration.created_at, Registration.id],
)
by_user_id = pages(
    Registration,
    key=Registration.user_id,
    select=own_registrations,
    order_by=[Key(Registration.created_at, descending=True), Key(Registration.id, descending=True)],
)
own_by_event_id = one(Registration, key=Registration.event_id, select=own_registrations)
