"""Copies of one's own data."""

from __future__ import annotations

from sqlalchemy import (
    Select,
    select,
)

from auth.viewer import Viewer
from models import (
    DataExport,
)


def data_exports_of(viewer: Viewer) -> Select[DataExport]:
    return select(DataExport).where(DataExport.user_id == viewer.id)
