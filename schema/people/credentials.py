"""What one changes about how one signs in."""

from __future__ import annotations

import strawberry

import models
from errors import NotFound, RateLimited, UserError
from resolvers.people import accounts
from resolvers.people import credentials as rules
from resolvers.people.sessions import Proof
from schema.core import ids
from schema.core.access import SIGNED_IN
from schema.core.context import Info
from schema.core.input_checks import checked
from schema.core.roots import MutationInput, Payload, mutation
from schema.people.accounts import PASSWORD_REFUSALS
from schema.people.provider_sign_in import Identity
from schema.people.sessions import DEVICE_TOKEN, device_of
from schema.people.users import User

CURRENT = "The caller's password. Who has none chooses one by `requestPasswordReset`."


@strawberry.input(description="The old password and the new one.")
class ChangePasswordInput(MutationInput):
    current_password: str = strawberry.field(description=CURRENT)
    new_password: str = strawberry.field(description="As at sign-up.", metadata=checked(accounts.check_password))
    device_token: str | None = strawberry.field(default=None, description=DEVICE_TOKEN)


@strawberry.type(description="The account with its new password.")
class ChangePasswordPayload(Payload):
    user: models.User | None = strawberry.field(default=None, graphql_type=User | None, description="Its user.")
    device_token: str | None = strawberry.field(
        default=None, description="As that of `signIn`, in the place of the old one."
    )


@strawberry.input(description="Another address, and the right to set it.")
class ChangeEmailInput(MutationInput):
    email: str = strawberry.field(description="The new address, as at sign-up.", metadata=checked(accounts.check_email))
    current_password: str = strawberry.field(description=CURRENT)
    device_token: str | None = strawberry.field(default=None, description=DEVICE_TOKEN)


@strawberry.type(description="That the wish was heard.")
class ChangeEmailPayload(Payload):
    is_accepted: bool = strawberry.field(
        default=False, description="Whether a mail follows to the new address. The old one counts until it is opened."
    )


@strawberry.input(description="Which identity to take away.")
class UnlinkIdentityInput(MutationInput):
    identity_id: strawberry.ID = strawberry.field(description="One of `viewer.identities`.")


@strawberry.type(description="What is left.")
class UnlinkIdentityPayload(Payload):
    identities: list[models.Identity] | None = strawberry.field(
        default=None, graphql_type=list[Identity] | None, description="The identities that stay, at most 20."
    )


async def proof_of(info: Info, password: str, device_token: str | None) -> Proof:
    """The caller knows their password. Raises `WrongPassword`, `RateLimited`."""
    context, settings = info.context, info.context.ports.settings
    return await rules.prove_password(
        context.database,
        context.ports.passwords,
        context.viewer,
        password=password,
        device=device_of(context, device_token),
        most=settings.sign_in_attempts,
        most_per_address=settings.sign_in_attempts_per_address,
    )


PROOF_REFUSALS: tuple[type[UserError], ...] = (rules.WrongPassword, RateLimited)


@strawberry.type
class CredentialMutations:
    @mutation(
        description="Set another password than the current one. All other sessions end; the owner is told by mail.",
        access=SIGNED_IN,
        raises=[*PROOF_REFUSALS, *PASSWORD_REFUSALS, rules.SamePassword],
    )
    async def change_password(self, info: Info, input: ChangePasswordInput) -> ChangePasswordPayload:
        context = info.context
        proof = await proof_of(info, input.current_password, input.device_token)
        new_hash = await rules.new_password_hash(
            context.ports.passwords, context.viewer, input.new_password, current=input.current_password
        )
        device = device_of(context, input.device_token)
        async with context.writing() as uow:
            user, token = await rules.change_password(uow, context.viewer, proof, new_hash=new_hash, device=device)
        return ChangePasswordPayload(user=user, device_token=token)

    @mutation(
        description="Ask for another e-mail address. The link sent there is for `verifyEmail`; until it is opened the "
        "old address counts. The old one is told now, and once it no longer counts. At most 5 an hour.",
        access=SIGNED_IN,
        raises=[*PROOF_REFUSALS, accounts.InvalidEmail],
    )
    async def change_email(self, info: Info, input: ChangeEmailInput) -> ChangeEmailPayload:
        context = info.context
        proof = await proof_of(info, input.current_password, input.device_token)
        device = device_of(context, input.device_token)
        async with context.writing() as uow:
            await rules.change_email(uow, context.viewer, proof, email=input.email, device=device)
        return ChangeEmailPayload(is_accepted=True)

    @mutation(
        description="Take the account at an outside provider away, so that it no longer signs in here. The last way to "
        "sign in stays. The owner is told by mail.",
        access=SIGNED_IN,
        raises=[NotFound, rules.LastWayIn],
    )
    async def unlink_identity(self, info: Info, input: UnlinkIdentityInput) -> UnlinkIdentityPayload:
        identity_id = ids.decode(input.identity_id, "Identity")
        device = device_of(info.context)
        async with info.context.writing() as uow:
            left = await rules.unlink_identity(uow, info.context.viewer, identity_id=identity_id, device=device)
        return UnlinkIdentityPayload(identities=list(left))
