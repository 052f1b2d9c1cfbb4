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


@strawberry.input(description="Input of `signUp`.")
class SignUpInput(MutationInput):
    handle: str = strawberry.field(
        description="The handle to use: 3 to 50 Latin letters, digits, dots, dashes or underscores, unique in "
        "any case. It is not reserved until the sign-up is completed.",
        metadata=checked(accounts.check_handle),
    )
    email: str = strawberry.field(
        description="The e-mail address. The link to complete the sign-up is sent there. Only ASCII characters "
        "are accepted before the @.",
        metadata=checked(accounts.check_email),
    )
    display_name: str = strawberry.field(
        description="The name shown to others, 1 to 100 characters.", metadata=checked(check_display_name)
    )
    locale: str | None = strawberry.field(
        default=None,
        description="The language of mail and messages, `ru` or `en`. Defaults to the Accept-Language header.",
        metadata=checked(accounts.check_locale),
    )
    time_zone: str | None = strawberry.field(
        default=None,
        description="The IANA time zone of the person. Defaults to Europe/Moscow.",
        metadata=checked(check_time_zone),
    )


@strawberry.type(description="The result of `signUp`.")
class SignUpPayload(Payload):
    is_accepted: bool = strawberry.field(
        default=False,
        description="Whether a mail with a link follows. The account exists only after `completeSignUp` with the "
        "token of that link.",
    )


@strawberry.input(description="Input of `completeSignUp`.")
class CompleteSignUpInput(MutationInput):
    token: str = strawberry.field(description="The token from the mailed link. It can be used once, within 24 hours.")
    password: str = strawberry.field(
        description="The password, 10 to 200 characters. Common passwords and ones that consist of little more "
        "than the handle, name or address are refused.",
        metadata=checked(accounts.check_password),
    )
    handle: str | None = strawberry.field(
        default=None,
        description="Another handle than at sign-up, in case that one was taken in the meantime. Defaults to the "
        "one from sign-up.",
        metadata=checked(accounts.check_handle),
    )


@strawberry.type
class SigningUpMutations:
    @mutation(
        description="Start creating an account. A mail with a link to complete the sign-up is sent. The answer "
        "does not reveal whether the address already has an account; its owner is told by mail "
        "instead.",
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
        description="Create the account with the token of the mailed link, and sign in. This also verifies the "
        "e-mail address.",
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
