"""The end of one's account, which can be called off for a time."""

from __future__ import annotations

from datetime import datetime, timedelta

import strawberry

from resolvers.people.roles import LastAdministrator
from resolvers.privacy import account_deletion
from schema.core.access import SIGNED_IN
from schema.core.context import Info
from schema.core.roots import MutationInput, Payload, mutation
from schema.people.credentials import PROOF_REFUSALS, proof_of
from schema.people.sessions import DEVICE_TOKEN, device_of


@strawberry.input(description="Input of `deleteAccount`.")
class DeleteAccountInput(MutationInput):
    current_password: str | None = strawberry.field(
        default=None,
        description="The caller's current password. People without a password omit it and must have signed in "
        "within the last 10 minutes.",
    )
    device_token: str | None = strawberry.field(default=None, description=DEVICE_TOKEN)


@strawberry.input(description="Input of `cancelAccountDeletion`. It has no fields of its own.")
class CancelAccountDeletionInput(MutationInput):
    pass


@strawberry.type(description="The result of a mutation that schedules the deletion of an account or cancels it.")
class AccountDeletionPayload(Payload):
    deletion_at: datetime | None = strawberry.field(
        default=None,
        description="When the account will be deleted, unless `cancelAccountDeletion` is called before. Null if "
        "no deletion is scheduled.",
    )


@strawberry.type
class AccountDeletionMutations:
    @mutation(
        description="Schedule the deletion of the caller's account, after 14 days unless the operator has set "
        "another time. Until then the owner can sign in and cancel it. All other sessions end now, "
        "and the owner is told by mail when the account will be deleted and what remains. Refused "
        "for the only owner of clubs with other members, for the only organizer of upcoming events "
        "with participants (`details.conflictsWith` lists up to 20 of them), and for the last "
        "administrator.",
        access=SIGNED_IN,
        raises=[
            *PROOF_REFUSALS,
            account_deletion.SignInAgain,
            account_deletion.OnlyOwner,
            account_deletion.OnlyOrganizer,
            LastAdministrator,
        ],
    )
    async def delete_account(self, info: Info, input: DeleteAccountInput) -> AccountDeletionPayload:
        context, password = info.context, input.current_password
        proof = await proof_of(info, password, input.device_token) if password is not None else None
        grace = timedelta(seconds=context.ports.settings.account_deletion_grace)
        device = device_of(context, input.device_token)
        async with context.writing() as uow:
            user = await account_deletion.ask(uow, context.viewer, proof, grace=grace, device=device)
        return AccountDeletionPayload(deletion_at=user.deletion_at)

    @mutation(
        description="Cancel the scheduled deletion of the caller's account. The owner is told by mail. Does "
        "nothing if no deletion is scheduled.",
        access=SIGNED_IN,
    )
    async def cancel_account_deletion(self, info: Info, input: CancelAccountDeletionInput) -> AccountDeletionPayload:
        async with info.context.writing() as uow:
            user = await account_deletion.cancel(uow, info.context.viewer, device=device_of(info.context))
        return AccountDeletionPayload(deletion_at=user.deletion_at)
