from __future__ import annotations

from sqlalchemy import Select, String, and_, func

from auth.viewer import Viewer
from auth.visibility import allows_reading, users_readable_by, users_visible_to
from dataloaders.base import one, pages
from models import HOLDING, Registration, User


def participants(viewer: Viewer) -> Select[User]:
    """Those who hold a place and let the viewer know it (C22)."""
    holding = and_(Registration.user_id == User.id, Registration.admission.in_(HOLDING))
    return users_visible_to(viewer).join(Registration, holding).where(allows_reading(viewer, User, "registrations"))


by_id = one(User, key=User.id, select=users_readable_by)
by_handle = one(User, key=func.lower(User.handle, type_=String), select=users_readable_by)
participants_by_event_id = pages(
    User,
    key=Registration.event_id,
    select=participants,
    order_by=[Registration.created_at, Registration.id],
    typical=20,
)
