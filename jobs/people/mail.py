"""Mail about accounts. A secret is made here, when its mail is sent, and is written down nowhere else."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from database import UnitOfWork
from integrations.mail import Mailer
from integrations.mail_texts import compose
from jobs.mail_limits import MailReason, may_send
from models import OneTimePurpose, OutboxEvent, SecurityNotice, SecurityNoticeKind, SignUp, User
from resolvers.people import one_time_tokens
from resolvers.people.accounts import EmailVerificationRequested, UserUpdated
from resolvers.people.logins import owner_of_email
from resolvers.people.passwords import PasswordResetRequested
from resolvers.people.security_notices import SecurityNoticeWritten
from resolvers.people.signing_up import SignUpRequested
from settings import Settings
from translations import Reader, one_line


async def send_sign_up(uow: UnitOfWork, mailer: Mailer, settings: Settings, event: OutboxEvent) -> None:
    """Send a link to finish signing up, or word of the attempt to somebody who has an account with this address."""
    application = await uow.session.get(SignUp, event.subject_id)
    if application is not None:
        await _send_link(uow, mailer, settings, event, application, OneTimePurpose.SIGN_UP, application.email)


async def send_verification(uow: UnitOfWork, mailer: Mailer, settings: Settings, event: OutboxEvent) -> None:
    """Send a link to prove the address that an account claims, or word of the attempt to its owner."""
    user = await uow.session.get(User, event.subject_id)
    if user is None or not user.is_active or user.claimed_email is None or await _claims_anew(uow, event):
        return
    await _send_link(uow, mailer, settings, event, user, OneTimePurpose.VERIFY_EMAIL, user.claimed_email)


async def _claims_anew(uow: UnitOfWork, event: OutboxEvent) -> bool:
    """Whether the account has claimed an address since: the mail for that one is on its way, too."""
    later = select(OutboxEvent.id).where(
        OutboxEvent.subject_type == event.subject_type,
        OutboxEvent.subject_id == event.subject_id,
        OutboxEvent.name == UserUpdated.name,
        OutboxEvent.id > event.id,
        OutboxEvent.event_metadata["changed"].contains(["claimedEmail"]),
    )
    return await uow.session.scalar(later.limit(1)) is not None


async def send_reset(uow: UnitOfWork, mailer: Mailer, settings: Settings, event: OutboxEvent) -> None:
    """Only to a proven address: who reads the mail of another one may be somebody else."""
    user = await uow.session.get(User, event.subject_id)
    if user is not None and user.is_active and user.email is not None:
        await _send_link(uow, mailer, settings, event, user, OneTimePurpose.RESET_PASSWORD, user.email)


async def send_security_notice(uow: UnitOfWork, mailer: Mailer, settings: Settings, event: OutboxEvent) -> None:
    """Word of what happened to an account. It goes out whatever else was mailed: its owner must learn of it."""
    notice = await uow.session.get(SecurityNotice, event.subject_id)
    user = await uow.session.get(User, notice.user_id) if notice is not None else None
    if notice is None or user is None or _is_past(notice, user):
        return
    cause = f"security {notice.kind.value}"
    await may_send(uow, to=notice.email, asking=MailReason.RECIPIENT, cause=cause, most=settings.mails_per_recipient)
    known: dict[str, Any] = {"program": notice.user_agent, "address": notice.address}
    if user.deletion_at is not None:
        known["ends_at"] = user.deletion_at
    reader = Reader.of(user)
    await mailer.send(
        compose(
            f"security_{notice.kind.value}",
            key=str(event.id),
            to=notice.email,
            reader=reader,
            link=_link(settings, "security"),
            at=notice.created_at,
            **{name: one_line(value) if isinstance(value, str) else value for name, value in known.items() if value},
        )
    )


def _is_past(notice: SecurityNotice, user: User) -> bool:
    """Whether the deletion was taken back since, or asked for again: there is no more to do about what it tells."""
    match notice.kind:
        case SecurityNoticeKind.DELETION_ASKED:
            return user.deletion_at is None
        case SecurityNoticeKind.DELETION_CANCELLED:
            return user.deletion_at is not None
    return False


PAGES = {
    OneTimePurpose.SIGN_UP: "complete-sign-up",
    OneTimePurpose.VERIFY_EMAIL: "verify-email",
    OneTimePurpose.RESET_PASSWORD: "reset-password",
}
TEMPLATES = {
    OneTimePurpose.SIGN_UP: "sign_up",
    OneTimePurpose.VERIFY_EMAIL: "verify_email",
    OneTimePurpose.RESET_PASSWORD: "reset_password",
}


async def _send_link(
    uow: UnitOfWork,
    mailer: Mailer,
    settings: Settings,
    event: OutboxEvent,
    asking: User | SignUp,
    purpose: OneTimePurpose,
    address: str,
) -> None:
    wish = MailReason.RECIPIENT if purpose is OneTimePurpose.RESET_PASSWORD else MailReason.UNASKED
    cause = purpose.value if isinstance(asking, SignUp) else f"{purpose.value} {asking.id}"
    if not await may_send(uow, to=address, asking=wish, cause=cause, most=settings.mails_per_recipient):
        return
    owner = await owner_of_email(uow, address)
    if owner is None or owner is asking:
        secret, expires_at = await one_time_tokens.issue(uow, asking, purpose, email=address)
        known = {"ends_at": expires_at}
        template, reader, page = TEMPLATES[purpose], Reader.of(asking), f"{PAGES[purpose]}?token={secret}"
    else:
        template = "sign_up_repeated" if purpose is OneTimePurpose.SIGN_UP else "address_wanted"
        reader, page = Reader.of(owner), "sign-in"
        known = {}
        address = owner.email or address
    # Nothing that the one who asks has chosen: else anyone could write to strangers through us.
    mail = compose(template, key=str(event.id), to=address, reader=reader, link=_link(settings, page), **known)
    await mailer.send(mail)


def _link(settings: Settings, page: str) -> str:
    return f"{settings.web_url.rstrip('/') or settings.url}/{page}"


HANDLERS = {
    SignUpRequested.name: send_sign_up,
    EmailVerificationRequested.name: send_verification,
    PasswordResetRequested.name: send_reset,
    SecurityNoticeWritten.name: send_security_notice,
}
