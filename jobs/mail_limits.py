"""Limits of mail to one recipient, of all kinds together, whoever causes it: nobody is to be flooded through us."""

from __future__ import annotations

from contextvars import ContextVar
from enum import Enum

from auth.throttle import HOUR, AttemptLimit, try_spend
from database import UnitOfWork

MOST_OF_ONE_CAUSE = {"UNASKED": 5, "OWN": 10}
"""Mails an hour to one recipient: from one stranger, or by sign-ups; from one organiser, of one type."""
SHARE_OF_STRANGERS = 3
"""The part of all mails that strangers may cause, so that they use up nobody's own."""


is_repeat: ContextVar[bool] = ContextVar("is_repeat", default=False)
"""Whether an earlier attempt, which may not have sent this mail, has counted it already."""


class MailReason(Enum):
    """The cause of a mail."""

    RECIPIENT = "RECIPIENT"
    """Their own wish, which was counted when they expressed it: it is never held back."""
    OWN = "OWN"
    """It is about what the recipient takes part in, or has to decide."""
    UNASKED = "UNASKED"
    """Anybody can cause it."""


async def may_send(uow: UnitOfWork, *, to: str, asking: MailReason, cause: str, most: int) -> bool:
    """Whether this mail may go out, which is counted with it. `most` of all kinds are sent to one recipient in an hour.

    What is held back by a narrower limit does not count for the wider one, which it could use up otherwise.
    """
    if is_repeat.get():
        return True
    box = mailbox_of(to)
    total = AttemptLimit("mail-to", box, most, HOUR)
    if asking is MailReason.RECIPIENT:
        await try_spend(uow.session, total)
        return True
    steps = [AttemptLimit("mail-of-one", f"{cause} {box}", MOST_OF_ONE_CAUSE[asking.value], HOUR)]
    if asking is MailReason.UNASKED:
        steps.append(AttemptLimit("mail-unasked", box, max(1, most // SHARE_OF_STRANGERS), HOUR))
    for limit in (*steps, total):
        if await try_spend(uow.session, limit) is not None:
            return False
    return True


def mailbox_of(address: str) -> str:
    """Return the mailbox that counts as one recipient: `ada+news@` arrives where `ada@` does."""
    local, _, domain = address.lower().rpartition("@")
    return f"{local.partition('+')[0] or local}@{domain}"
