from __future__ import annotations

from typing import Any

from sqlalchemy import Select, literal, select

from auth.viewer import Viewer
from auth.visibility import data_exports_of, identities_of, sessions_of
from dataloaders.base import many, one, pages, value
from dataloaders.pages import Key
from models import DataExport, Identity, Password, Session, utcnow


def open_sessions(viewer: Viewer) -> Select[Session]:
    """One's own sessions that have not ended."""
    return sessions_of(viewer).where(Session.ended_at.is_(None), Session.expires_at > utcnow())


def with_password(viewer: Viewer) -> Select[Any]:
    """Whether one has a password."""
    columns: list[Any] = [Password.user_id, literal(True)]
    return select(*columns).where(Password.user_id == viewer.id)


data_export_by_id = one(DataExport, key=DataExport.id, select=data_exports_of)
data_exports_by_user_id = pages(
    DataExport,
    key=DataExport.user_id,
    select=data_exports_of,
    order_by=[Key(DataExport.created_at, descending=True), Key(DataExport.id, descending=True)],
    typical=1,
)
identity_by_id = one(Identity, key=Identity.id, select=identities_of)
identities_by_user_id = many(
    Identity,
    key=Identity.user_id,
    select=identities_of,
    order_by=[Identity.created_at, Identity.id],
    limit=20,
    typical=1,
)
has_password_by_user_id = value(key=Password.user_id, select=with_password, default=False)
session_by_id = one(Session, key=Session.id, select=sessions_of)
sessions_by_user_id = pages(
    Session,
    key=Session.user_id,
    select=open_sessions,
    order_by=[Key(Session.created_at, descending=True), Key(Session.id, descending=True)],
    typical=3,
)
