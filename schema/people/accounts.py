"""Making an account and keeping it: sign-up, e-mail address, password, role."""

from __future__ import annotations

import strawberry

import models
from auth.permissions import Permission
from auth.throttle import QUARTER, level_time, spend
from errors import Forbidden, NotFound, RateLimited, Required, TooLong, TooShort
from resolvers.core.time_zones import DEFAULT_ZONE, UnknownTimeZone, check_time_zone
from resolvers.people import accounts, one_time_tokens, passwords, roles, signing_up
from resolvers.people.known_devices import caller_limit
from resolvers.people.profiles import check_display_name
from schema.core import ids
from schema.core.access import PUBLIC, SIGNED_IN
from schema.core.context import Info
from schema.core.enums import enum
from schema.core.input_checks import checked
from schema.core.prices import HASHING
from schema.core.roots import MutationInput, Payload, mutation
from schema.people.sessions import DEVICE_TOKEN, SignInPayload, device_of
from schema.people.users import User

enum(
    Permission,
    "A thing that not everyone may do.",
    CHAT_USE="Open chats and write in them.",
    CLUB_CREATE="Make clubs.",
    CLUB_JOIN="Join clubs.",
    EVENT_CREATE="Make events, which a moderator looks at first.",
    EVENT_MODERATE="Decide about events that wait for review, and publish without one.",
    EVENT_OFFER_SERVICES="Offer services at events.",
    REGISTER="Register for events and book services.",
    REGISTER_OTHERS="Register others and book for them.",
    REVIEW_MODERATE="Take down reviews of others.",
    REVIEW_WRITE="Review events.",
    ROLE_ASSIGN="Give people their platform roles.",
    USER_EDIT="Change profiles of others, which is audited.",
    USER_READ_ACCOUNT="Read the platform roles of others and whether they are active, and find people who are not.",
    USER_READ_EMAIL="Read the e-mail addresses of others, and whether they are proven.",
    USER_READ_PRIVATE="Read the full names and telephone numbers of others.",
    USER_TRUST="Say whose events go out without a moderator, which is audited.",
    VENUE_CREATE="Add venues.",
)


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


@strawberry.input(description="The token of a link sent by mail.")
class VerifyEmailInput(MutationInput):
    token: str = strawberry.field(description="Good once, for 24 hours.")


@strawberry.type(description="The account whose address is proven.")
class VerifyEmailPayload(Payload):
    user: models.User | None = strawberry.field(default=None, graphql_type=User | None, description="Its user.")


@strawberry.input(description="Nothing but the key.")
class ResendVerificationInput(MutationInput):
    pass


@strawberry.type(description="That the wish was heard.")
class ResendVerificationPayload(Payload):
    is_accepted: bool = strawberry.field(default=False, description="Whether a mail follows if it is needed.")


@strawberry.input(description="Whose password is forgotten.")
class RequestPasswordResetInput(MutationInput):
    login: str = strawberry.field(description="Handle or e-mail address.")
    device_token: str | None = strawberry.field(default=None, description=DEVICE_TOKEN)


@strawberry.type(description="That the wish was heard.")
class RequestPasswordResetPayload(Payload):
    is_accepted: bool = strawberry.field(
        default=False, description="True whether there is such an account or not; if there is, a mail follows."
    )


@strawberry.input(description="A new password, and the right to set it.")
class ResetPasswordInput(MutationInput):
    token: str = strawberry.field(description="Of the link sent by mail. Good once, for an hour.")
    new_password: str = strawberry.field(description="As at sign-up.", metadata=checked(accounts.check_password))


@strawberry.type(description="The account with its new password.")
class ResetPasswordPayload(Payload):
    user: models.User | None = strawberry.field(
        default=None, graphql_type=User | None, description="Its user. All sessions have ended: sign in anew."
    )
    device_token: str | None = strawberry.field(default=None, description="As that of `signIn`.")


@strawberry.input(description="Who gets which role.")
class AssignRoleInput(MutationInput):
    user_id: strawberry.ID = strawberry.field(description="The user.")
    role: models.Role = strawberry.field(description="Any but GUEST.")


@strawberry.type(description="The user in the new role.")
class AssignRolePayload(Payload):
    user: models.User | None = strawberry.field(default=None, graphql_type=User | None, description="The user.")


PASSWORD_REFUSALS = (TooShort, TooLong, accounts.PasswordTooWeak)


@strawberry.type
class AccountMutations:
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

    @mutation(
        description="Prove an e-mail address by the link sent to it, signed in to the account that it was sent for.",
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
        description="Have the link to prove one's e-mail address sent again, at most 5 times an hour.",
        access=SIGNED_IN,
        raises=[RateLimited],
        quotas=[],
    )
    async def resend_verification(self, info: Info, input: ResendVerificationInput) -> ResendVerificationPayload:
        async with info.context.writing() as uow:
            await accounts.resend_verification(uow, info.context.viewer)
        return ResendVerificationPayload(is_accepted=True)

    @mutation(
        description="Have a link to set a new password sent. The answer is the same whether there is such an account.",
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
        description="Set a new password by the link sent to one's e-mail address. All sessions end.",
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

    @mutation(
        description="Give someone a platform role. The last administrator keeps theirs.",
        access=Permission.ROLE_ASSIGN,
        raises=[NotFound, Forbidden, roles.RoleNotAssignable, roles.LastAdministrator],
    )
    async def assign_role(self, info: Info, input: AssignRoleInput) -> AssignRolePayload:
        user_id = ids.decode(input.user_id, "User")
        async with info.context.writing() as uow:
            user = await roles.assign(uow, info.context.viewer, user_id=user_id, role=input.role)
        return AssignRolePayload(user=user)
