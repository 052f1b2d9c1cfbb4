"""Mail about accounts. A secret is made here, when its mail is sent, and is written down nowhere else."""

from __future__ import annotations

from auth.throttle import HOUR, Limit, try_spend
from database import UnitOfWork
from integrations.mail import Mailer
from integrations.mail_texts import compose
from models import OneTimePurpose, OutboxEvent, User
from resolvers import one_time_tokens
from resolvers.accounts import EmailVerificationRequested
from resolvers.logins import owner_of_email
from resolvers.passwords import PasswordResetRequested
from settings import Settings
from translations import Reader

MOST_PER_HOUR = 5
"""To one address, whoever asked for them: nobody is to be flooded through us."""


async def send_verification(uow: UnitOfWork, mailer: Mailer, settings: Settings, event: OutboxEvent) -> None:
    """A link to prove the address; to somebody else who has proven it already, word of the repeated sign-up."""
    user = await uow.session.get(User, event.subject_id)
    if user is None or user.claimed_email is None:
        return
    owner = await owner_of_email(uow, user.claimed_email)
    if owner is None:
        await _send_link(uow, mailer, settings, event, user, OneTimePurpose.VERIFY_EMAIL)
    elif owner.email is not None and await _may_mail(uow, owner.email):
        mail = compose(
            "sign_up_repeated",
            key=str(event.id),
            to=owner.email,
            reader=Reader.of(owner),
            name=owner.display_name,
            link=_link(settings, "sign-in"),
        )
        await mailer.send(mail)


async def send_reset(uow: UnitOfWork, mailer: Mailer, settings: Settings, event: OutboxEvent) -> None:
    user = await uow.session.get(User, event.subject_id)
    if user is not None:
        await _send_link(uow, mailer, settings, event, user, OneTimePurpose.RESET_PASSWORD)


PAGES = {OneTimePurpose.VERIFY_EMAIL: "verify-email", OneTimePurpose.RESET_PASSWORD: "reset-password"}
TEMPLATES = {OneTimePurpose.VERIFY_EMAIL: "verify_email", OneTimePurpose.RESET_PASSWORD: "reset_password"}


async def _send_link(
    uow: UnitOfWork, mailer: Mailer, settings: Settings, event: OutboxEvent, user: User, purpose: OneTimePurpose
) -> None:
    address = user.email or user.claimed_email
    if address is None or not await _may_mail(uow, address):
        return
    secret = await one_time_tokens.issue(uow, user.id, purpose)
    if secret is None:
        return
    mail = compose(
        TEMPLATES[purpose],
        key=str(event.id),
        to=address,
        reader=Reader.of(user),
        # Not the display name: whoever signs up with a stranger's address could write to them through it.
        name=user.handle,
        link=_link(settings, f"{PAGES[purpose]}?token={secret}"),
    )
    await mailer.send(mail)


async def _may_mail(uow: UnitOfWork, address: str) -> bool:
    return await try_spend(uow.session, Limit("mail-to", address.lower(), MOST_PER_HOUR, HOUR)) is None


def _link(settings: Settings, page: str) -> str:
    return f"{settings.web_url.rstrip('/') or settings.url}/{page}"


HANDLERS = {EmailVerificationRequested.name: send_verification, PasswordResetRequested.name: send_reset}
