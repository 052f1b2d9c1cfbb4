"""Copies of one's own data: asking for one, and what becomes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from sqlalchemy import delete, select, update

from auth.throttle import HOUR, AttemptLimit, forgive, spend, try_spend
from auth.viewer import Viewer
from auth.visibility.privacy import data_exports_of
from database import Database, UnitOfWork, on_conflict
from errors import NotFound, RateLimited, Unauthenticated
from models import DataExport, DataExportPart, DataExportState, DomainEvent, User, utcnow
from resolvers.people.accounts import NO_KEY

EVERY = timedelta(days=1)
GIVEN_UP = timedelta(hours=12)
"""A job that has not made the file by then does not make it any more."""
KEPT_AS_RECORD = timedelta(days=90)
DOWNLOADS = 20
"""Maximum number of downloads per person and hour."""


@dataclass(frozen=True, kw_only=True)
class DataExportRequested(DomainEvent):
    name: ClassVar[str] = "user.data_export.requested"
    subject_type: ClassVar[str] = "DataExport"
    has_job: ClassVar[bool] = True


async def request(uow: UnitOfWork, viewer: Viewer) -> DataExport:
    """Have a copy of one's data made. Once a day, unless the last one failed. Raises `RateLimited`."""
    user = await uow.session.get_one(User, viewer.require_user(), with_for_update=NO_KEY, populate_existing=True)
    if not user.is_active:
        raise Unauthenticated
    if (refusal := await try_spend(uow.session, once_a_day(user.id))) is not None:
        raise refusal
    export = DataExport(user_id=user.id, state=DataExportState.QUEUED)
    async with on_conflict(uow.session, uq_data_exports_queued=RateLimited(retry_after=HOUR.seconds)):
        uow.session.add(export)
    uow.record(DataExportRequested(subject_id=export.id))
    return export


def once_a_day(user_id: UUID) -> AttemptLimit:
    return AttemptLimit("data-export", str(user_id), 1, EVERY)


class NotReady(Exception):
    """The file is still being made."""


class ExportRemoved(Exception):
    """The file was removed, or never made."""


@dataclass(frozen=True)
class Download:
    """A file, compressed by gzip."""

    size: int
    asked_at: datetime
    parts: AsyncIterator[bytes]


async def download(database: Database, viewer: Viewer, export_id: UUID) -> Download:
    """Return the file of one's own export. Each call counts. Raises `NotFound`, `NotReady`, `ExportRemoved`,
    `RateLimited`.
    """
    async with database.reading() as session:
        export: DataExport | None = await session.scalar(data_exports_of(viewer).where(DataExport.id == export_id))
    if export is None:
        raise NotFound
    await spend(database, AttemptLimit("data-export-download", str(viewer.id), DOWNLOADS, HOUR))
    if export.state is DataExportState.QUEUED:
        raise NotReady
    is_kept = export.state is DataExportState.READY and export.expires_at is not None and export.expires_at > utcnow()
    if not is_kept or export.size is None:
        raise ExportRemoved
    return Download(export.size, export.created_at, _parts(database, export.id))


async def _parts(database: Database, export_id: UUID) -> AsyncIterator[bytes]:
    """Yield the file piece by piece. No connection is held while a reader takes its time."""
    position = 0
    while True:
        one = select(DataExportPart.content).where(
            DataExportPart.export_id == export_id, DataExportPart.position == position
        )
        async with database.reading() as session:
            content: bytes | None = await session.scalar(one)
        if content is None:
            return
        yield content
        position += 1


async def expire(uow: UnitOfWork) -> int:
    """Remove the files whose time is over, give up those that were never made, and forget old records."""
    now = utcnow()
    over = await uow.session.scalars(
        update(DataExport)
        .where(DataExport.state == DataExportState.READY, DataExport.expires_at <= now)
        .values(state=DataExportState.EXPIRED)
        .returning(DataExport.id)
        .execution_options(synchronize_session=False)
    )
    gone = over.all()
    await uow.session.execute(delete(DataExportPart).where(DataExportPart.export_id.in_(gone)))
    late = await uow.session.scalars(
        select(DataExport)
        .where(DataExport.state == DataExportState.QUEUED, DataExport.created_at <= now - GIVEN_UP)
        .with_for_update(skip_locked=True)
    )
    for export in (failed := late.all()):
        await fail(uow, export)
    await uow.session.execute(
        delete(DataExport).where(
            DataExport.state.in_((DataExportState.EXPIRED, DataExportState.FAILED)),
            DataExport.created_at <= now - KEPT_AS_RECORD,
        )
    )
    return len(gone) + len(failed)


async def fail(uow: UnitOfWork, export: DataExport) -> None:
    """Give an export up. Its owner may ask again at once."""
    export.state, export.finished_at = DataExportState.FAILED, utcnow()
    await uow.session.execute(delete(DataExportPart).where(DataExportPart.export_id == export.id))
    await forgive(uow.session, all_of=[once_a_day(export.user_id)])
