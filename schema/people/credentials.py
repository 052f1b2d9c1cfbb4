"""What one changes about how one signs in."""

from __future__ import annotations

import strawberry

import models
from errors import NotFound, RateLimited, UserError
from resolvers.people import accounts
from resolvers.people import credentials as rules
from resolvers.people.sessions import PasswordProof
from schema.core import ids
from schema.core.access import SIGNED_IN
from schema.core.context import Info
from schema.core.input_checks import checked
from schema.core.roots import MutationInput, Payload, mutation
from schema.people.accounts import PASSWORD_REFUSALS
from schema.people.provider_sign_in import Identity
from schema.people.sessions import DEVICE_TOKEN, device_of
from schema.people.users import User

CURRENT = "The caller's current password. People without a password set one with `requestPasswordReset` first."


@strawberry.input(description="Input of `changePassword`.")
class ChangePasswordInput(MutationInput):
    current_password: str = strawberry.field(description=CURRENT)
    new_password: str = strawberry.field(
        description="The new password, under the rules of `CompleteSignUpInput.password`.",
        metadata=checked(accounts.check_password),
    )
    device_token: str | None = strawberry.field(default=None, description=DEVICE_TOKEN)


@strawberry.type(description="The result of `changePassword`.")
class ChangePasswordPayload(Payload):
    user: models.User | None = strawberry.field(
        default=None, graphql_type=User | None, description="The user. Null if the mutation was refused."
    )
    device_token: str | None = strawberry.field(
        default=None,
        description="A new device token that replaces the old one, as described at `SignInPayload.deviceToken`.",
    )


@strawberry.input(description="Input of `changeEmail`.")
class ChangeEmailInput(MutationInput):
    email: str = strawberry.field(
        description="The new address, under the rules of `SignUpInput.email`.", metadata=checked(accounts.check_email)
    )
    current_password: str = strawberry.field(description=CURRENT)
    device_token: str | None = strawberry.field(default=None, description=DEVICE_TOKEN)


@strawberry.type(description="The result of `changeEmail`.")
class ChangeEmailPayload(Payload):
    is_accepted: bool = strawberry.field(
        default=False,
        description="Whether a mail with a link goes to the new address. The old address stays in use until the "
        "link is opened.",
    )


@strawberry.input(description="Input of `unlinkIdentity`.")
class UnlinkIdentityInput(MutationInput):
    identity_id: strawberry.ID = strawberry.field(description="The identity to remove, one of `viewer.identities`.")


@strawberry.type(description="The result of `unlinkIdentity`.")
class UnlinkIdentityPayload(Payload):
    identities: list[models.Identity] | None = strawberry.field(
        default=None,
        graphql_type=list[Identity] | None,
        description="The remaining identities, at most 20. Null if the mutation was refused.",
    )


async def proof_of(info: Info, password: str, device_token: str | None) -> PasswordProof:
    """Check that the caller knows their password. Raises `WrongPassword`, `RateLimited`."""
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
        description="Set a new password, which must differ from the current one. All other sessions end, and the "
        "owner is told by mail.",
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
        description="Ask for another e-mail address. A link is sent to the new address; `verifyEmail` with its "
        "token makes the change. Until then the old address stays in use. The old address is told "
        "now and again when the change is made. At most 5 times per hour.",
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
        description="Remove an account at an outside provider, so that it can no longer sign in here. The last "
        "way to sign in cannot be removed. The owner is told by mail.",
        access=SIGNED_IN,
        raises=[NotFound, rules.LastWayIn],
    )
    async def unlink_identity(self, info: Info, input: UnlinkIdentityInput) -> UnlinkIdentityPayload:
        identity_id = ids.decode(input.identity_id, "Identity")
        device = device_of(info.context)
        async with info.context.writing() as uow:
            left = await rules.unlink_identity(uow, info.context.viewer, identity_id=identity_id, device=device)
        return UnlinkIdentityPayload(identities=list(left))
