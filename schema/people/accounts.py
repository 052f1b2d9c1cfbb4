"""Making an account and keeping it: sign-up, e-mail address, password, role."""

from __future__ import annotations

import strawberry

import models
from errors import RateLimited, TooLong, TooShort
from resolvers.people import accounts, one_time_tokens
from schema.core.access import SIGNED_IN
from schema.core.context import Info
from schema.core.roots import MutationInput, Payload, mutation
from schema.people.users import User


@strawberry.input(description="Input of `verifyEmail`.")
class VerifyEmailInput(MutationInput):
    token: str = strawberry.field(description="The token from the mailed link. It can be used once, within 24 hours.")


@strawberry.type(description="The result of `verifyEmail`.")
class VerifyEmailPayload(Payload):
    user: models.User | None = strawberry.field(
        default=None,
        graphql_type=User | None,
        description="The user whose address is verified. Null if the mutation was refused.",
    )


@strawberry.input(description="Input of `resendVerification`. It has no fields of its own.")
class ResendVerificationInput(MutationInput):
    pass


@strawberry.type(description="The result of `resendVerification`.")
class ResendVerificationPayload(Payload):
    is_accepted: bool = strawberry.field(
        default=False, description="Whether the request was accepted. A mail follows if there is an address to verify."
    )


PASSWORD_REFUSALS = (TooShort, TooLong, accounts.PasswordTooWeak)


@strawberry.type
class AccountMutations:
    @mutation(
        description="Verify an e-mail address with the token of the mailed link. The caller has to be signed in "
        "to the account that the link was sent for.",
        access=SIGNED_IN,
        raises=[one_time_tokens.InvalidToken, RateLimited],
        quotas=[],
    )
    async def verify_email(self, info: Info, input: VerifyEmailInput) -> VerifyEmailPayload:
        context = info.context
        await one_time_tokens.check(
            context.database,
            input.token,
            models.OneTimePurpose.VERIFY_EMAIL,
            address=context.caller.address,
            most_per_address=context.ports.settings.sign_in_attempts_per_address,
        )
        async with context.writing() as uow:
            user = await accounts.verify_email(uow, context.viewer, token=input.token)
        return VerifyEmailPayload(user=user)

    @mutation(
        description="Send the link that verifies the caller's e-mail address again, at most 5 times per hour.",
        access=SIGNED_IN,
        raises=[RateLimited],
        quotas=[],
    )
    async def resend_verification(self, info: Info, input: ResendVerificationInput) -> ResendVerificationPayload:
        async with info.context.writing() as uow:
            await accounts.resend_verification(uow, info.context.viewer)
        return ResendVerificationPayload(is_accepted=True)
