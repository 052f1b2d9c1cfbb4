from __future__ import annotations

from sqlalchemy import Select

from auth.viewer import Viewer
from auth.visibility.people import sessions_of
from dataloaders.core.declarations import one, pages
from dataloaders.core.keyset_pages import Key
from models import Session, utcnow


def open_sessions(viewer: Viewer) -> Select[Session]:
    """One's own sessions that have not ended."""
    return sessions_of(viewer).where(Session.ended_at.is_(None), Session.expires_at > utcnow())


session_by_id = one(Session, key=Session.id, select=sessions_of)
sessions_by_user_id = pages(
    Session,
    key=Session.user_id,
    select=open_sessions,
    order_by=[Key(Session.created_at, descending=True), Key(Session.id, descending=True)],
    typical=3,
)
