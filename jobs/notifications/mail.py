"""Mail for a notification, if its reader still wants it by the time it is sent."""

from __future__ import annotations

from sqlalchemy import select

from database import UnitOfWork
from integrations.mail import Mailer
from integrations.mail_texts import compose
from jobs.mail_limits import MailReason, may_send
from models import Channel, Notification, NotificationType, OutboxEvent, User
from resolvers.notifications.notification_writing import NotificationSent
from resolvers.notifications.preferences import is_wanted
from resolvers.notifications.words import is_withdrawn, words_of
from settings import Settings
from translations import Reader

BY_ANYBODY = frozenset({NotificationType.CLUB_INVITATION, NotificationType.CLUB_JOIN_REQUESTED})
"""News that people whom the reader has nothing to do with can cause."""


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
    if (
        row is None
        or is_withdrawn(row.Notification)
        or not await is_wanted(uow.session, row.User.id, row.Notification.type, Channel.EMAIL)
    ):
        return
    asking = MailReason.UNASKED if row.Notification.type in BY_ANYBODY else MailReason.OWN
    cause = f"{row.Notification.actor_id} {row.Notification.type.value}"
    most = settings.mails_per_recipient
    if not await may_send(uow, to=row.User.email, asking=asking, cause=cause, most=most):
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
