"""Setting a forgotten password anew."""

from __future__ import annotations

import strawberry

import models
from auth.throttle import QUARTER, level_time, spend
from errors import RateLimited
from resolvers.people import accounts, one_time_tokens, passwords
from resolvers.people.known_devices import caller_limit
from schema.core.access import PUBLIC
from schema.core.context import Info
from schema.core.input_checks import checked
from schema.core.prices import HASHING
from schema.core.roots import MutationInput, Payload, mutation
from schema.people.accounts import PASSWORD_REFUSALS
from schema.people.sessions import DEVICE_TOKEN, device_of
from schema.people.users import User


@strawberry.input(description="Input of `requestPasswordReset`.")
class RequestPasswordResetInput(MutationInput):
    login: str = strawberry.field(description="The handle or e-mail address of the account.")
    device_token: str | None = strawberry.field(default=None, description=DEVICE_TOKEN)


@strawberry.type(description="The result of `requestPasswordReset`.")
class RequestPasswordResetPayload(Payload):
    is_accepted: bool = strawberry.field(
        default=False,
        description="Whether the request was accepted. True whether or not the account exists; if it does, a "
        "mail follows.",
    )


@strawberry.input(description="Input of `resetPassword`.")
class ResetPasswordInput(MutationInput):
    token: str = strawberry.field(description="The token from the mailed link. It can be used once, within one hour.")
    new_password: str = strawberry.field(
        description="The new password, under the rules of `CompleteSignUpInput.password`.",
        metadata=checked(accounts.check_password),
    )


@strawberry.type(description="The result of `resetPassword`.")
class ResetPasswordPayload(Payload):
    user: models.User | None = strawberry.field(
        default=None,
        graphql_type=User | None,
        description="The user. All of their sessions have ended, so they have to sign in again. Null if the "
        "mutation was refused.",
    )
    device_token: str | None = strawberry.field(
        default=None, description="A device token, as described at `SignInPayload.deviceToken`."
    )


@strawberry.type
class PasswordMutations:
    @mutation(
        description="Send a mail with a link to set a new password. The answer is the same whether or not the "
        "account exists.",
        access=PUBLIC,
        raises=[RateLimited],
    )
    async def request_password_reset(self, info: Info, input: RequestPasswordResetInput) -> RequestPasswordResetPayload:
        context = info.context
        device = device_of(context, input.device_token)
        most = context.ports.settings.sign_in_attempts_per_address
        await spend(
            context.database, await caller_limit(context.database, "password-reset-from", device, most, QUARTER)
        )
        async with level_time(passwords.LEVEL), context.writing() as uow:
            await passwords.request_reset(uow, login=input.login, device=device)
        return RequestPasswordResetPayload(is_accepted=True)

    @mutation(
        description="Set a new password with the token of the mailed link. All sessions of the account end.",
        access=PUBLIC,
        price=HASHING,
        raises=[one_time_tokens.InvalidToken, RateLimited, *PASSWORD_REFUSALS],
    )
    async def reset_password(self, info: Info, input: ResetPasswordInput) -> ResetPasswordPayload:
        context, ports = info.context, info.context.ports
        new_hash = await passwords.prepare_reset(
            context.database,
            ports.passwords,
            token=input.token,
            new_password=input.new_password,
            address=context.caller.address,
            most_per_address=ports.settings.sign_in_attempts_per_address,
        )
        async with context.writing() as uow:
            user, device_token = await passwords.reset(
                uow,
                token=input.token,
                new_password=input.new_password,
                new_hash=new_hash,
                device=device_of(context),
                most=ports.settings.sign_in_attempts,
            )
        return ResetPasswordPayload(user=user, device_token=device_token)
