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
from schema.core.node_interface import Node
from schema.core.prices import HASHING
from schema.core.relations import computed
from schema.core.roots import MutationInput, Payload, mutation
from schema.people.users import User


@strawberry.type(description="A device on which the caller is signed in. Only the caller can see it.")
class Session(Node, row=models.Session, by_id=dataloaders.people.sessions.session_by_id):
    user_agent: str | None = strawberry.field(
        description="The User-Agent header that the client sent when it signed in."
    )
    address: str | None = strawberry.field(description="The IP address at sign-in.")
    created_at: datetime = strawberry.field(description="When the device signed in.")
    last_used_at: datetime = strawberry.field(description="When the device last used its refresh token.")
    expires_at: datetime = strawberry.field(
        description="When the session ends unless it is used before. However often it is used, it ends 180 days "
        "after sign-in, unless the operator has set another time."
    )
    ended_at: datetime | None = strawberry.field(description="When the session ended. Null while it is open.")

    @computed(description="Whether this request was made with this session.")
    def is_current(root: strawberry.Parent[Any], info: Info) -> bool:
        return bool(root.id == info.context.viewer.session_id)


DEVICE_TOKEN = "The `deviceToken` from the last sign-in on this device, if there is one."


@strawberry.input(description="Input of `signIn`.")
class SignInInput(MutationInput):
    login: str = strawberry.field(description="The handle or the verified e-mail address, in any case.")
    password: str = strawberry.field(description="The password.")
    device_token: str | None = strawberry.field(default=None, description=DEVICE_TOKEN)


@strawberry.input(description="Input of `refreshSession`.")
class RefreshSessionInput(MutationInput):
    refresh_token: str = strawberry.field(description="The newest refresh token of the session.")


@strawberry.type(description="The tokens of a session. The result of every mutation that signs a person in.")
class SignInPayload(Payload):
    user: models.User | None = strawberry.field(
        default=None, graphql_type=User | None, description="Who signed in. Null if the mutation was refused."
    )
    access_token: str | None = strawberry.field(
        default=None,
        description="The token to send as `Authorization: Bearer …` with each request. Null if the mutation was "
        "refused.",
    )
    access_token_expires_at: datetime | None = strawberry.field(
        default=None,
        description="When the access token expires. Later requests with it are refused with the reason TOKEN_EXPIRED.",
    )
    refresh_token: str | None = strawberry.field(
        default=None, description="The token that `refreshSession` trades for new tokens, once."
    )
    device_token: str | None = strawberry.field(
        default=None,
        description="A token to keep on the device, even after signing out, and to send with the next sign-in. "
        "With it, failed sign-in attempts by strangers do not lock this device out. Null if a "
        "session was merely refreshed.",
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


@strawberry.input(description="Input of `signOut`. It has no fields of its own.")
class SignOutInput(MutationInput):
    pass


@strawberry.type(description="The result of `signOut`.")
class SignOutPayload(Payload):
    is_signed_out: bool = strawberry.field(
        default=False, description="True once both tokens of the session are refused."
    )


@strawberry.input(description="Input of `signOutEverywhere`. It has no fields of its own.")
class SignOutEverywhereInput(MutationInput):
    pass


@strawberry.type(description="The result of `signOutEverywhere`.")
class SignOutEverywherePayload(Payload):
    ended_count: int | None = strawberry.field(
        default=None,
        description="The number of sessions that were ended, including this one. Null if the mutation was refused.",
    )


@strawberry.input(description="Input of `revokeSession`.")
class RevokeSessionInput(MutationInput):
    session_id: strawberry.ID = strawberry.field(description="The session of the caller to end.")


@strawberry.type(description="The result of `revokeSession`.")
class RevokeSessionPayload(Payload):
    session: models.Session | None = strawberry.field(
        default=None, graphql_type=Session | None, description="The ended session. Null if the mutation was refused."
    )


def device_of(context: Context, token: str | None = None) -> Device:
    return Device(user_agent=context.caller.user_agent, address=context.caller.address, token=token)


@strawberry.type
class SessionMutations:
    @mutation(
        description="Sign in with a password. An unknown login and a wrong password get the same answer in the "
        "same time.",
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
        description="Trade a refresh token for new tokens. For 30 seconds, unless the operator has set another "
        "time, the same token returns the same new tokens, so it is safe to retry or to refresh from "
        "several tabs at once. Using it later, or after the new refresh token was used, ends the "
        "session.",
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
        description="End the current session. Its tokens are refused at once and its WebSocket connections are closed.",
        access=SIGNED_IN,
        quotas=[],
    )
    async def sign_out(self, info: Info, input: SignOutInput) -> SignOutPayload:
        async with info.context.writing() as uow:
            await rules.sign_out(uow, info.context.viewer)
        return SignOutPayload(is_signed_out=True)

    @mutation(description="End all sessions of the caller.", access=SIGNED_IN, quotas=[])
    async def sign_out_everywhere(self, info: Info, input: SignOutEverywhereInput) -> SignOutEverywherePayload:
        async with info.context.writing() as uow:
            ended = await rules.end_all(uow, info.context.viewer.require_user())
        return SignOutEverywherePayload(ended_count=ended)

    @mutation(description="End one session of the caller.", access=SIGNED_IN, raises=[NotFound], quotas=[])
    async def revoke_session(self, info: Info, input: RevokeSessionInput) -> RevokeSessionPayload:
        session_id = ids.decode(input.session_id, "Session")
        async with info.context.writing() as uow:
            session = await rules.revoke(uow, info.context.viewer, session_id=session_id)
        return RevokeSessionPayload(session=session)
