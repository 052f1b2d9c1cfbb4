from __future__ import annotations

from datetime import datetime

import strawberry

import models
from resolvers import accounts
from schema.access import PUBLIC
from schema.context import Info
from schema.roots import MutationInput, Payload, mutation
from schema.users import User


@strawberry.input
class SignUpInput(MutationInput):
    handle: str
    email: str
    password: str
    display_name: str


@strawberry.type
class SignUpPayload(Payload):
    user: models.User | None = strawberry.field(default=None, graphql_type=User | None, description="The new user.")


@strawberry.input
class SignInInput(MutationInput):
    login: str = strawberry.field(description="Handle or e-mail address.")
    password: str


@strawberry.type
class SignInPayload(Payload):
    user: models.User | None = strawberry.field(default=None, graphql_type=User | None, description="Who signed in.")
    access_token: str | None = strawberry.field(default=None, description="Send it as `Authorization: Bearer`.")
    access_token_expires_at: datetime | None = strawberry.field(default=None, description="When it ends.")
    refresh_token: str | None = strawberry.field(default=None, description="Trade it in, once, for new tokens.")


@strawberry.type
class AccountMutations:
    @mutation(description="Make an account.", access=PUBLIC, raises=[accounts.InvalidHandle, accounts.HandleTaken])
    async def sign_up(self, info: Info, input: SignUpInput) -> SignUpPayload:
        async with info.context.writing() as uow:
            user = await accounts.sign_up(
                uow,
                info.context.ports.passwords,
                handle=input.handle,
                email=input.email,
                password=input.password,
                display_name=input.display_name,
            )
        return SignUpPayload(user=user)

    @mutation(description="Sign in by password.", access=PUBLIC, raises=[accounts.InvalidCredentials])
    async def sign_in(self, info: Info, input: SignInInput) -> SignInPayload:
        ports = info.context.ports
        async with info.context.writing() as uow:
            done = await accounts.sign_in(
                uow,
                ports.passwords,
                ports.tokens,
                login=input.login,
                password=input.password,
                lifetime=ports.settings.session_lifetime,
            )
        return SignInPayload(
            user=done.user,
            access_token=done.access_token,
            access_token_expires_at=done.access_token_expires_at,
            refresh_token=done.refresh_token,
        )
