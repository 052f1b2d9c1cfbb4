"""Signing in through an outside OpenID Provider."""

from __future__ import annotations

import re
import secrets
from datetime import timedelta

from sqlalchemy import delete, func, select

from auth.throttle import QUARTER, spend
from auth.tokens import secret_hash
from database import Database, UnitOfWork, on_conflict
from database.operation_slots import slot_released
from errors import ErrorCode, UserError, _, tidy
from integrations.mail_addresses import NotMailable, canonical
from integrations.oidc import Authorization, OpenIdProvider, ProviderNotConfigured, ProviderProfile, ProviderRefused
from models import Identity, ProviderSignIn, SecurityNoticeKind, User, utcnow
from resolvers.core.time_zones import known_zones
from resolvers.people import security_notices
from resolvers.people.accounts import EmailVerificationRequested, HandleTaken, announce
from resolvers.people.known_devices import Device, caller_limit
from resolvers.people.logins import is_named, owner_of_email
from resolvers.people.sessions import SessionIssuer, SignedIn, open_session
from resolvers.people.signing_up import SignUpClosed
from translations import negotiate

LIFETIME = timedelta(minutes=10)
"""The time that somebody has to sign in at the provider and come back."""
TRIES = 10
"""Attempts to find a handle that is free."""


class UnknownRedirect(UserError):
    code = ErrorCode.INVALID
    message = _("This return address is not allowed.")


async def start(
    database: Database,
    provider: OpenIdProvider,
    *,
    provider_id: str | None,
    redirect_uri: str,
    device: Device,
    most_per_address: int,
) -> Authorization:
    """Begin, with the only provider unless one is named. Raises `ProviderNotConfigured`, `UnknownRedirect`,
    `ProviderUnavailable`, `RateLimited`.
    """
    if not provider.is_configured or provider_id not in (None, provider.id):
        raise ProviderNotConfigured(path=("providerId",))
    if redirect_uri not in provider.redirect_uris:
        raise UnknownRedirect(path=("redirectUri",))
    await spend(database, await caller_limit(database, "provider-sign-in", device, most_per_address, QUARTER))
    async with slot_released():
        begun = await provider.authorization(redirect_uri)
    async with database.writing() as uow:
        uow.session.add(
            ProviderSignIn(
                state_hash=secret_hash(begun.state),
                nonce=begun.nonce,
                code_verifier=begun.code_verifier,
                redirect_uri=redirect_uri,
                expires_at=utcnow() + LIFETIME,
            )
        )
    return begun


async def bring_back(database: Database, provider: OpenIdProvider, *, state: str, code: str) -> ProviderProfile:
    """Return the person whom the provider sent back. A state is good once, whatever comes of it. Raises
    `ProviderNotConfigured`, `ProviderRefused`, `ProviderUnavailable`.
    """
    if not provider.is_configured:
        raise ProviderNotConfigured
    async with database.writing() as uow:
        begun = await uow.session.scalar(
            delete(ProviderSignIn).where(ProviderSignIn.state_hash == secret_hash(state)).returning(ProviderSignIn)
        )
    if begun is None or begun.expires_at <= utcnow():
        raise ProviderRefused(path=("state",))
    async with slot_released():
        return await provider.person(
            code=code, redirect_uri=begun.redirect_uri, code_verifier=begun.code_verifier, nonce=begun.nonce
        )


async def sign_in(
    uow: UnitOfWork, signing: SessionIssuer, person: ProviderProfile, device: Device, *, locale: str, is_open: bool
) -> SignedIn:
    """Open a session for the account that this outside identity belongs to; a new one if there is none, and the server
    `is_open` to new accounts.

    Raises `ProviderRefused` and `SignUpClosed`.
    """
    # Two first sign-ins of one person at once would make two accounts.
    mutex = func.hashtextextended(f"{person.issuer} {person.subject}", 0)
    await uow.session.execute(select(func.pg_advisory_xact_lock(mutex)))
    known = select(User).join(Identity, Identity.user_id == User.id)
    known = known.where(Identity.issuer == person.issuer, Identity.subject == person.subject)
    # Waits for a deletion of the account, so that no session is opened after it.
    user = await uow.session.scalar(known.with_for_update(read=True, of=User))
    if user is None:
        user = await _owner_of_email(uow, person)
        is_known = user is not None
        if not is_known and not is_open:
            raise SignUpClosed
        user = user or await _new_account(uow, person, locale)
        uow.session.add(Identity(user_id=user.id, issuer=person.issuer, subject=person.subject))
        if is_known:
            await security_notices.write(uow, user, SecurityNoticeKind.PROVIDER_LINKED, device=device)
    if not user.is_active:
        raise ProviderRefused
    return await open_session(uow, signing, user, device)


async def _owner_of_email(uow: UnitOfWork, person: ProviderProfile) -> User | None:
    """Return the account with the same address, proven on both sides: otherwise either could take over the other."""
    email = _mailable(person)
    if email is None or not person.is_email_verified:
        return None
    return await owner_of_email(uow, email)


def _mailable(person: ProviderProfile) -> str | None:
    """Their address as we keep addresses; null where none was given that mail can be sent to."""
    try:
        return canonical(person.email or "")
    except NotMailable:
        return None


async def _new_account(uow: UnitOfWork, person: ProviderProfile, locale: str) -> User:
    email = _mailable(person)
    is_free = email is not None and await uow.session.scalar(select(User.id).where(is_named(email.lower()))) is None
    is_proven = is_free and person.is_email_verified
    user = await _with_free_handle(
        uow,
        person.nickname or person.name or "",
        {
            "email": email if is_proven else None,
            "email_verified_at": utcnow() if is_proven else None,
            "claimed_email": None if is_proven else email,
            "display_name": tidy(person.name or person.nickname or "")[:100].strip(),
            "locale": negotiate((person.locale or "").replace("_", "-")) or locale,
            "privacy": {},
        }
        | ({"time_zone": person.time_zone} if person.time_zone in known_zones() else {}),
    )
    announce(uow, user)
    if email is not None and not is_proven:
        uow.record(EmailVerificationRequested(subject_id=user.id))
    return user


async def _with_free_handle(uow: UnitOfWork, wish: str, values: dict[str, object]) -> User:
    """Write a user with the free handle that is nearest to the wish. It is never made of the private e-mail address."""
    base = re.sub(r"[^A-Za-z0-9_.-]+", "", wish).lstrip("_.-")[:40]
    base = base if len(base) >= 3 else "user"
    for number in range(TRIES):
        handle = base if number == 0 and base != "user" else f"{base}-{secrets.token_hex(3)}"
        user = User(**values | {"handle": handle, "display_name": values["display_name"] or handle})
        try:
            async with on_conflict(uow.session, uq_users_handle=HandleTaken(), uq_users_email=ProviderRefused()):
                uow.session.add(user)
            return user
        except HandleTaken:
            continue
    raise ProviderRefused
