"""Accounts as clients use them: with tokens, passwords and the mail that comes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from sqlalchemy import select

from auth.viewer import Viewer
from integrations.mail import Mail
from jobs.people.mail import HANDLERS
from models import OutboxEvent, Password, User
from schema.core.context import Context
from schema.core.ports import Ports
from tests.clients import Client
from tests.factories import make_user
from transport.operations.authentication import claims_of, viewer_of

PASSWORD = "a quiet place by the river"

SIGN_UP = """
mutation ($input: SignUpInput!) {
  signUp(input: $input) { isAccepted errors { code path } }
}
"""
COMPLETE = """
mutation ($input: CompleteSignUpInput!) {
  completeSignUp(input: $input) { user { handle displayName } accessToken refreshToken errors { code path } }
}
"""
SIGN_IN = """
mutation ($input: SignInInput!) {
  signIn(input: $input) {
    user { handle } accessToken accessTokenExpiresAt refreshToken deviceToken
    errors { code message path details { retryAfter } }
  }
}
"""
REFRESH = """
mutation ($input: RefreshSessionInput!) {
  refreshSession(input: $input) { user { handle } accessToken refreshToken errors { code path } }
}
"""


@dataclass
class TokenClient(Client):
    """Speaks as whoever an access token stands for, session included."""

    viewer: Viewer = field(default_factory=Viewer)

    def context(self, *, is_socket: bool = False) -> Context:
        context = super().context(is_socket=is_socket)
        context.become(self.viewer)
        return context


@dataclass
class ClientAt(Client):
    """A guest who comes from some address."""

    address: str = ""

    def context(self, *, is_socket: bool = False) -> Context:
        context = super().context(is_socket=is_socket)
        context.caller = replace(context.caller, address=self.address)
        return context


async def with_token(ports: Ports, schema: Any, token: str) -> TokenClient:
    """Raises `TokenRefused`, as every transport does."""
    viewer = await viewer_of(ports, claims_of(ports, token))
    return TokenClient(schema, ports, viewer.user, "en", viewer)


async def account(save: Any, ports: Ports, *, password: str = PASSWORD, **values: Any) -> User:
    """A user who can sign in."""
    user = make_user(**values)
    await save(user)
    await save(Password(user_id=user.id, hash=await ports.passwords.hash(password)))
    return user


async def sign_in(client: Any, user: User, password: str = PASSWORD) -> dict[str, Any]:
    answer = await client().execute(SIGN_IN, login=user.handle, password=password)
    assert answer.data["signIn"]["errors"] == []
    return dict(answer.data["signIn"])


@dataclass
class Mailbox:
    mails: list[Mail] = field(default_factory=list)

    async def send(self, mail: Mail) -> None:
        self.mails.append(mail)


async def deliver(ports: Ports) -> list[Mail]:
    """Do what the outbox asks for, and show the mail that this sends."""
    mailbox = Mailbox()
    async with ports.database.reading() as session:
        events = (
            await session.scalars(
                select(OutboxEvent).where(OutboxEvent.name.in_(HANDLERS)).order_by(OutboxEvent.occurred_at)
            )
        ).all()
    for event in events:
        async with ports.database.writing() as uow:
            await HANDLERS[event.name](uow, mailbox, ports.settings, event)
    return mailbox.mails


async def new_account(client: Any, ports: Ports, **application: Any) -> dict[str, Any]:
    """Sign up and follow the link: the payload of `completeSignUp`."""
    applied = await client().execute(SIGN_UP, **application)
    assert applied.data["signUp"] == {"isAccepted": True, "errors": []}
    mail = (await deliver(ports))[-1]
    answer = await client().execute(COMPLETE, token=token_in(mail), password=PASSWORD)
    return dict(answer.data["completeSignUp"])


def token_in(mail: Mail) -> str:
    link = next(word for word in mail.text.split() if "token=" in word)
    return parse_qs(urlsplit(link).query)["token"][0]
