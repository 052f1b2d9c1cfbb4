"""Handlers of domain events that have work outside their transaction."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from database import UnitOfWork
from integrations.mail import Mailer
from jobs.notifications import mail as notification_mail
from jobs.people import mail as account_mail
from jobs.privacy import data_exports
from models import OutboxEvent
from settings import Settings

Handler = Callable[[UnitOfWork, Mailer, Settings, OutboxEvent], Awaitable[None]]
"""Runs in a unit of work of its own, which commits after it. Raising means: again later."""

HANDLERS: dict[str, Handler] = {**account_mail.HANDLERS, **data_exports.HANDLERS, **notification_mail.HANDLERS}
"""The handler, by the name of the event, whose class says `has_job`."""
