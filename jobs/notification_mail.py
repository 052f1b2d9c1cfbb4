"""Mail for a notification, if its reader still wants it by the time it is sent (S0-77)."""

from __future__ import annotations

from sqlalchemy import select

from database import UnitOfWork
from integrations.mail import Mailer
from integrations.mail_texts import compose
from models import Channel, Notification, OutboxEvent, User
from resolvers.notification_preferences import is_wanted
from resolvers.notification_words import words_of
from resolvers.notifications import NotificationSent
from settings import Settings
from translations import Reader


async def send(uow: UnitOfWork, mailer: Mailer, settings: Settings, event: OutboxEvent) -> None:
    found = await uow.session.execute(
        select(Notification, User)
        .join(User, User.id == Notification.user_id)
        .where(
            Notification.id == event.subject_id,
            Notification.read_at.is_(None),
            User.is_active,
            User.email_verified_at.is_not(None),
            User.email.is_not(None),
        )
    )
    row = found.one_or_none()
    if row is None or not await is_wanted(uow.session, row.User.id, row.Notification.type, Channel.EMAIL):
        return
    reader = Reader.of(row.User)
    words = words_of(row.Notification, reader)
    mail = compose(
        "notification",
        key=str(row.Notification.id),
        to=row.User.email,
        reader=reader,
        title=words.title,
        body=words.body,
        link=f"{settings.web_url.rstrip('/') or settings.url}/notifications",
    )
    await mailer.send(mail)


HANDLERS = {NotificationSent.name: send}
