"""Signing in and out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry

import dataloaders.people.sessions
import models
from errors import NotFound, RateLimited
from resolvers.people import sessions as rules
from resolvers.people.known_devices import Device
from schema.core import ids
from schema.core.access import PUBLIC, SIGNED_IN
from schema.core.context import Context, Info
from schema.core.node import Node
from schema.core.prices import HASHING
from schema.core.relations import computed
from schema.core.roots import MutationInput, Payload, mutation
from schema.people.users import User


@strawberry.type(description="One signed-in device of the caller. Only they can see it.")
class Session(Node, row=models.Session, by_id=dataloaders.people.sessions.session_by_id):
    user_agent: str | None = strawberry.field(description="What the client called itself when it signed in.")
    address: str | None = strawberry.field(description="IP address at sign-in.")
    created_at: datetime = strawberry.field(description="When it signed in.")
    last_used_at: datetime = strawberry.field(description="When it last traded its refresh token.")
    expires_at: datetime = strawberry.field(
        description="When it ends unless it is used before. However much it is used, it ends after 180 days, or "
        "another time that the operator chose."
    )
    ended_at: datetime | None = strawberry.field(description="When it was ended; null while it is open.")

    @computed(description="Whether this very request was made in it.")
    def is_current(root: strawberry.Parent[Any], info: Info) -> bool:
        return bool(root.id == info.context.viewer.session_id)


DEVICE_TOKEN = "The `deviceToken` of this device's last sign-in, if it has one."


@strawberry.input(description="Who signs in, and their password.")
class SignInInput(MutationInput):
    login: str = strawberry.field(description="Handle, or proven e-mail address, whatever their case.")
    password: str = strawberry.field(description="The password.")
    device_token: str | None = strawberry.field(default=None, description=DEVICE_TOKEN)


@strawberry.input(description="The refresh token of a session.")
class RefreshSessionInput(MutationInput):
    refresh_token: str = strawberry.field(description="The newest one of the session.")


@strawberry.type(description="A session's tokens, or why there are none.")
class SignInPayload(Payload):
    user: models.User | None = strawberry.field(default=None, graphql_type=User | None, description="Who signed in.")
    access_token: str | None = strawberry.field(default=None, description="Send it as `Authorization: Bearer`.")
    access_token_expires_at: datetime | None = strawberry.field(
        default=None, description="When it ends; from then on requests are refused with the reason TOKEN_EXPIRED."
    )
    refresh_token: str | None = strawberry.field(default=None, description="Trade it in, once, for new tokens.")
    device_token: str | None = strawberry.field(
        default=None,
        description="Keep it on the device, beyond the session too, and send it with the next `signIn`: whatever "
        "strangers try then does not keep this device out. Null where a session only goes on.",
    )

    @classmethod
    def of(cls, done: rules.SignedIn) -> SignInPayload:
        return cls(
            user=done.user,
            access_token=done.access_token,
            access_token_expires_at=done.access_token_expires_at,
            refresh_token=done.refresh_token,
            device_token=done.device_token,
        )


@strawberry.input(description="Nothing but the key.")
class SignOutInput(MutationInput):
    pass


@strawberry.type(description="Whether the session has ended.")
class SignOutPayload(Payload):
    is_signed_out: bool = strawberry.field(default=False, description="True once its tokens are refused.")


@strawberry.input(description="Nothing but the key.")
class SignOutEverywhereInput(MutationInput):
    pass


@strawberry.type(description="What was ended.")
class SignOutEverywherePayload(Payload):
    ended_count: int | None = strawberry.field(default=None, description="Sessions that were open, this one included.")


@strawberry.input(description="Which session to end.")
class RevokeSessionInput(MutationInput):
    session_id: strawberry.ID = strawberry.field(description="One of one's own sessions.")


@strawberry.type(description="The session, ended.")
class RevokeSessionPayload(Payload):
    session: models.Session | None = strawberry.field(
        default=None, graphql_type=Session | None, description="The session."
    )


def device_of(context: Context, token: str | None = None) -> Device:
    return Device(user_agent=context.caller.user_agent, address=context.caller.address, token=token)


@strawberry.type
class SessionMutations:
    @mutation(
        description="Sign in by password. An unknown login and a wrong password get the same answer, in the same time.",
        access=PUBLIC,
        price=HASHING,
        raises=[rules.InvalidCredentials, RateLimited],
    )
    async def sign_in(self, info: Info, input: SignInInput) -> SignInPayload:
        context, ports = info.context, info.context.ports
        device = device_of(context, input.device_token)
        proof = await rules.prove(
            context.database,
            ports.passwords,
            login=input.login,
            password=input.password,
            device=device,
            most=ports.settings.sign_in_attempts,
            most_per_address=ports.settings.sign_in_attempts_per_address,
        )
        async with context.writing() as uow:
            done = await rules.sign_in(uow, ports.signing, proof, device)
        return SignInPayload.of(done)

    @mutation(
        description="Trade a refresh token for new tokens. For 30 seconds, or another time that the operator chose, "
        "the same token gets the same successor again: send it again when the answer is lost, or from several tabs at "
        "once. Later, or once the successor was traded, it ends its session.",
        access=PUBLIC,
        raises=[rules.SessionEnded],
    )
    async def refresh_session(self, info: Info, input: RefreshSessionInput) -> SignInPayload:
        ports = info.context.ports
        async with info.context.writing() as uow:
            done = await rules.refresh(uow, ports.signing, refresh_token=input.refresh_token)
        if not isinstance(done, rules.SignedIn):
            raise done
        return SignInPayload.of(done)

    @mutation(
        description="End the session of the access token. Both its tokens are refused at once and its sockets close.",
        access=SIGNED_IN,
        quotas=[],
    )
    async def sign_out(self, info: Info, input: SignOutInput) -> SignOutPayload:
        async with info.context.writing() as uow:
            await rules.sign_out(uow, info.context.viewer)
        return SignOutPayload(is_signed_out=True)

    @mutation(description="End all of one's sessions.", access=SIGNED_IN, quotas=[])
    async def sign_out_everywhere(self, info: Info, input: SignOutEverywhereInput) -> SignOutEverywherePayload:
        async with info.context.writing() as uow:
            ended = await rules.end_all(uow, info.context.viewer.require_user())
        return SignOutEverywherePayload(ended_count=ended)

    @mutation(description="End one of one's own sessions.", access=SIGNED_IN, raises=[NotFound], quotas=[])
    async def revoke_session(self, info: Info, input: RevokeSessionInput) -> RevokeSessionPayload:
        session_id = ids.decode(input.session_id, "Session")
        async with info.context.writing() as uow:
            session = await rules.revoke(uow, info.context.viewer, session_id=session_id)
        return RevokeSessionPayload(session=session)
