from __future__ import annotations

from typing import Any

from sqlalchemy import Select, literal, select

from auth.viewer import Viewer
from dataloaders.core.declarations import value
from models import Password


def with_password(viewer: Viewer) -> Select[Any]:
    """Whether one has a password."""
    columns: list[Any] = [Password.user_id, literal(True)]
    return select(*columns).where(Password.user_id == viewer.id)


has_password_by_user_id = value(key=Password.user_id, select=with_password, default=False)
