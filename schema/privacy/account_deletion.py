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


@strawberry.input(description="The right to delete one's account.")
class DeleteAccountInput(MutationInput):
    current_password: str | None = strawberry.field(
        default=None,
        description="The caller's password. Who has none signs in anew instead, at most 10 minutes before.",
    )
    device_token: str | None = strawberry.field(default=None, description=DEVICE_TOKEN)


@strawberry.input(description="Nothing but who calls.")
class CancelAccountDeletionInput(MutationInput):
    pass


@strawberry.type(description="When the account is deleted.")
class AccountDeletionPayload(Payload):
    deletion_at: datetime | None = strawberry.field(
        default=None,
        description="When it is carried out, unless `cancelAccountDeletion` comes before. Null where it stays.",
    )


@strawberry.type
class AccountDeletionMutations:
    @mutation(
        description="Have one's account deleted after a grace time: 14 days, if the operator chose no other. Until "
        "then one can sign in and take it back; all other sessions end now. The owner is told by mail when it happens "
        "and what stays. Refused while others would be left alone: for the only owner of clubs with other members and "
        "the only organizer of coming events with participants, of which `details.conflictsWith` names up to 20, and "
        "for the last administrator.",
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
        description="Keep one's account after all. The owner is told by mail. Nothing happens where no deletion was "
        "asked for.",
        access=SIGNED_IN,
    )
    async def cancel_account_deletion(self, info: Info, input: CancelAccountDeletionInput) -> AccountDeletionPayload:
        async with info.context.writing() as uow:
            user = await account_deletion.cancel(uow, info.context.viewer, device=device_of(info.context))
        return AccountDeletionPayload(deletion_at=user.deletion_at)
