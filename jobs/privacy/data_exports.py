"""Making the copy of someone's data that they have asked for, and telling them of it."""

from __future__ import annotations

from datetime import timedelta

import structlog

from database import Database, UnitOfWork
from integrations.mail import Mailer
from integrations.mail_texts import compose
from jobs.mail_limits import MailReason, may_send
from models import DataExport, DataExportState, OutboxEvent, User
from resolvers.privacy import data_export_writing, data_exports
from resolvers.privacy.data_exports import DataExportRequested
from settings import Settings
from translations import Reader

log = structlog.get_logger()


async def make(uow: UnitOfWork, mailer: Mailer, settings: Settings, event: OutboxEvent) -> None:
    """Write the file in the transaction of the job: one that dies leaves nothing, and the next one begins anew."""
    export = await uow.session.get(DataExport, event.subject_id, with_for_update=True)
    user = await uow.session.get(User, export.user_id) if export is not None else None
    if export is None or user is None or export.state is not DataExportState.QUEUED or not user.is_active:
        return
    try:
        await data_export_writing.write(uow, export, user, kept=timedelta(seconds=settings.export_kept))
    except data_export_writing.TooLarge:
        log.error("data_export.too_large", export_id=str(export.id))
        await data_exports.fail(uow, export)
        return
    if user.email is None:
        return
    most = settings.mails_per_recipient
    await may_send(uow, to=user.email, asking=MailReason.RECIPIENT, cause="data export", most=most)
    mail = compose(
        "data_export",
        key=str(event.id),
        to=user.email,
        reader=Reader.of(user),
        # A page of the frontend, where one signs in: whoever reads the mail alone gets nothing.
        link=f"{settings.web_url.rstrip('/') or settings.url}/data-exports",
        ends_at=export.expires_at,
    )
    await mailer.send(mail)


async def expire(database: Database, _settings: Settings) -> int:
    async with database.writing() as uow:
        return await data_exports.expire(uow)


HANDLERS = {DataExportRequested.name: make}
