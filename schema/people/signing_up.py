"""Applying for an account and completing it."""

from __future__ import annotations

import strawberry

from errors import RateLimited, Required, TooLong
from resolvers.core.time_zones import DEFAULT_ZONE, UnknownTimeZone, check_time_zone
from resolvers.people import accounts, one_time_tokens, signing_up
from resolvers.people.profiles import check_display_name
from schema.core.access import PUBLIC
from schema.core.context import Info
from schema.core.input_checks import checked
from schema.core.prices import HASHING
from schema.core.roots import MutationInput, Payload, mutation
from schema.people.accounts import PASSWORD_REFUSALS
from schema.people.sessions import SignInPayload, device_of


@strawberry.input(description="An application for an account.")
class SignUpInput(MutationInput):
    handle: str = strawberry.field(
        description="3 to 50 Latin letters, digits, dots, dashes or underscores; unique, whatever its case. It is not "
        "kept free until the sign-up is completed.",
        metadata=checked(accounts.check_handle),
    )
    email: str = strawberry.field(
        description="Where the link to complete the sign-up goes. Nobody is told whether it is known here. In any "
        "spelling; before the @ only ASCII.",
        metadata=checked(accounts.check_email),
    )
    display_name: str = strawberry.field(
        description="The name shown to others, at most 100 characters.", metadata=checked(check_display_name)
    )
    locale: str | None = strawberry.field(
        default=None,
        description="`ru` or `en`; null: as Accept-Language says.",
        metadata=checked(accounts.check_locale),
    )
    time_zone: str | None = strawberry.field(
        default=None, description="IANA zone; null: Europe/Moscow.", metadata=checked(check_time_zone)
    )


@strawberry.type(description="That the application was heard.")
class SignUpPayload(Payload):
    is_accepted: bool = strawberry.field(
        default=False,
        description="Whether a mail follows. There is no account before the link in it is opened: `completeSignUp`.",
    )


@strawberry.input(description="The token of a link sent by mail, and the password of the new account.")
class CompleteSignUpInput(MutationInput):
    token: str = strawberry.field(description="Good once, for 24 hours.")
    password: str = strawberry.field(
        description="10 to 200 characters: none of the commonest passwords, and more than handle, name or address.",
        metadata=checked(accounts.check_password),
    )
    handle: str | None = strawberry.field(
        default=None,
        description="Another one than at sign-up, where that has been taken since; null: as at sign-up.",
        metadata=checked(accounts.check_handle),
    )


@strawberry.type
class SigningUpMutations:
    @mutation(
        description="Have a link sent by which an account is made. Whether the e-mail address is known here does not "
        "show: its owner is told by mail instead.",
        access=PUBLIC,
        raises=[
            Required,
            TooLong,
            accounts.InvalidHandle,
            accounts.HandleTaken,
            accounts.InvalidEmail,
            accounts.UnknownLocale,
            UnknownTimeZone,
            RateLimited,
            signing_up.SignUpClosed,
        ],
    )
    async def sign_up(self, info: Info, input: SignUpInput) -> SignUpPayload:
        context = info.context
        application = await signing_up.prepare(
            context.database,
            handle=input.handle,
            email=input.email,
            display_name=input.display_name,
            locale=input.locale or context.locale,
            time_zone=input.time_zone or DEFAULT_ZONE,
            address=context.caller.address,
            most_per_address=context.ports.settings.sign_ups_per_address,
            is_open=context.ports.settings.is_sign_up_open,
        )
        async with context.writing() as uow:
            await signing_up.apply(uow, application)
        return SignUpPayload(is_accepted=True)

    @mutation(
        description="Make the account that was signed up for, by the link sent to its e-mail address, and sign in. The "
        "address is proven by this.",
        access=PUBLIC,
        price=HASHING,
        raises=[
            one_time_tokens.InvalidToken,
            accounts.InvalidHandle,
            accounts.HandleTaken,
            RateLimited,
            *PASSWORD_REFUSALS,
        ],
    )
    async def complete_sign_up(self, info: Info, input: CompleteSignUpInput) -> SignInPayload:
        context, ports = info.context, info.context.ports
        password_hash = await signing_up.prepare_completion(
            context.database,
            ports.passwords,
            token=input.token,
            password=input.password,
            handle=input.handle,
            address=context.caller.address,
            most_per_address=ports.settings.sign_in_attempts_per_address,
        )
        async with context.writing() as uow:
            done = await signing_up.complete(
                uow,
                ports.signing,
                token=input.token,
                password=input.password,
                password_hash=password_hash,
                handle=input.handle,
                device=device_of(context),
            )
        return SignInPayload.of(done)
