"""Nobody is flooded with mail through us, whoever causes it and by whatever kind."""

from __future__ import annotations

import pytest

from jobs.mail_limits import MailReason, mailbox_of, may_send
from models import ClubRole, JoinPolicy
from tests.api.people.signing import SIGN_UP, account
from tests.factories import make_club, make_membership, make_user

INVITE = "mutation ($input: InviteToClubInput!) { inviteToClub(input: $input) { membership { id } errors { code } } }"
REQUEST_RESET = "mutation ($input: RequestPasswordResetInput!) { requestPasswordReset(input: $input) { isAccepted } }"


MOST = 12


async def sent(ports, number: int, asking: MailReason, cause: str = "cause", to: str = "ada@example.org") -> int:
    """How many of so many mails go out, where 12 an hour may."""
    async with ports.database.writing() as uow:
        asked = [await may_send(uow, to=to, asking=asking, cause=cause.format(one), most=MOST) for one in range(number)]
    return sum(asked)


@pytest.mark.parametrize(
    ("asking", "cause", "most"),
    [
        (MailReason.UNASKED, "each another {}", 4),
        (MailReason.OWN, "one", 10),
        (MailReason.OWN, "each another {}", 12),
        (MailReason.RECIPIENT, "one", 15),
    ],
)
async def test_a_recipient_gets_so_much_mail_an_hour(ports, asking, cause, most):
    assert await sent(ports, 15, asking, cause) == most
    assert await sent(ports, 1, asking, cause, to="bob@example.org") == 1


async def test_strangers_use_up_nothing_but_their_share(ports):
    """What is held back counts for nothing else."""
    assert await sent(ports, 20, MailReason.UNASKED, "each another {}") == 4
    assert await sent(ports, 20, MailReason.OWN, "each another {}") == 8
    assert await sent(ports, 3, MailReason.RECIPIENT) == 3


@pytest.mark.parametrize(
    ("address", "mailbox"),
    [("Ada@example.org", "ada@example.org"), ("ada+news@example.org", "ada@example.org"), ("+@a.org", "+@a.org")],
)
def test_what_counts_as_one_recipient(address, mailbox):
    assert mailbox_of(address) == mailbox


async def test_a_stranger_who_invites_brings_a_handful_of_mails(client, save, ports, run_jobs):
    """And neither that nor sign-ups with the address keep back the link that its owner asks for."""
    victim = await account(save, ports, handle="victim", email="victim@example.org")
    stranger, clubs = make_user(), [make_club(join_policy=JoinPolicy.INVITE_ONLY) for _ in range(8)]
    await save(stranger, *clubs)
    await save(*(make_membership(club, stranger, role=ClubRole.OWNER) for club in clubs))
    for number, club in enumerate(clubs):
        invited = await client(stranger).execute(INVITE, clubId=club, userId=victim)
        assert invited.data["inviteToClub"]["errors"] == []
        plus = f"victim+{number}@example.org"
        await client().execute(SIGN_UP, handle=f"eve{number}", email=plus, displayName="E")

    mails = await run_jobs()
    await client().execute(REQUEST_RESET, login="victim")
    asked = await run_jobs()

    assert len([mail for mail in mails if mail.to == victim.email]) == 5
    assert len(mails) == 10
    assert ["reset-password" in mail.text for mail in asked] == [True]
