"""The news that there are. Areas declare theirs in `resolvers/<area>/news.py`; this registry imports none of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement

from errors import _
from models import NotificationType


@dataclass(frozen=True)
class Wording:
    """The wording of one type: the first title, and every sentence, whose placeholders all have values.

    Placeholders: `name` of the subject, `when` it is, or the `services` that were booked there, `price` to pay,
    `person` who caused it, `service`, `changes`, `reason`, `text`, `role`; a role that nobody gave is `inherited`, and
    `own_role` one whose giver is not known any more.
    """

    titles: tuple[str, ...]
    sentences: tuple[str, ...]


WHEN = _("When: {when}.")
CANCELLED_BY = _("Cancelled by {person}.")
REASON = _("Reason: {reason}")
PRICE = _("To pay at the door: {price}.")
BOOKED, ITS_TIME = _("Booked: {services}."), _("It was: {services}.")
CHANGED_AGAIN = _("It was changed again later, or cancelled.")
"""Sentences that several areas say."""

WORDINGS: dict[NotificationType, Wording] = {}
WITHDRAWN_WORDINGS: dict[NotificationType, Wording] = {}
"""The wording of news that no longer holds, for each type of `PASSING`."""
PASSING: dict[NotificationType, str] = {}
"""News that can cease to be so, and how their topics begin. What ends them is said above each declaration.

The other types tell what was done or said, which stays so: what moderators approved, cancelled services, messages.
"""
Standing = Callable[[Any, Any], ColumnElement[bool]]
"""In SQL, whether news about a subject, by its id, still concern somebody, by theirs."""
STANDING: dict[NotificationType, Standing] = {}
"""Types that are told to many people, some later than others: they are told as long as this holds of them."""


def declare(
    type: NotificationType,
    wording: Wording,
    *,
    topic: str | None = None,
    withdrawn: Wording | None = None,
    standing: Standing | None = None,
) -> None:
    """Say how a type of news is told. One that can cease to be so has a topic, and other words for then."""
    if (topic is None) is not (withdrawn is None):
        raise ValueError(f"a topic comes with words for when it is no longer so: {type.name}")
    if type in WORDINGS:
        raise ValueError(f"declared twice: {type.name}")
    WORDINGS[type] = wording
    if standing is not None:
        STANDING[type] = standing
    if topic is not None and withdrawn is not None:
        PASSING[type], WITHDRAWN_WORDINGS[type] = topic, withdrawn
