"""Outcomes that a client is meant to handle. Each has a code; the message is for people and is translated."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, ClassVar, NamedTuple, TypedDict, Unpack
from unicodedata import combining, normalize


def _(message: str) -> str:
    """Mark a message for translation. It is put into words late, by `translations.Reader`."""
    return message


class Plural(NamedTuple):
    """A message whose words depend on a number, the parameter `by`. Other languages may have more forms than these."""

    one: str
    other: str
    by: str


def _n(one: str, other: str, *, by: str) -> Plural:
    """Mark a message for translation, as `_` does."""
    return Plural(one, other, by)


class ErrorCode(Enum):
    # shared
    ALREADY_EXISTS = "ALREADY_EXISTS"
    CONTRADICTION = "CONTRADICTION"
    FORBIDDEN = "FORBIDDEN"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    INVALID = "INVALID"
    INVALID_CURSOR = "INVALID_CURSOR"
    INVALID_ID = "INVALID_ID"
    NOT_FOUND = "NOT_FOUND"
    RATE_LIMITED = "RATE_LIMITED"
    REQUIRED = "REQUIRED"
    TOO_LONG = "TOO_LONG"
    TOO_SHORT = "TOO_SHORT"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    VERSION_CONFLICT = "VERSION_CONFLICT"
    # accounts and profile
    HANDLE_CHANGED_RECENTLY = "HANDLE_CHANGED_RECENTLY"
    HANDLE_TAKEN = "HANDLE_TAKEN"
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS"
    INVALID_EMAIL = "INVALID_EMAIL"
    INVALID_HANDLE = "INVALID_HANDLE"
    INVALID_PHONE = "INVALID_PHONE"
    INVALID_TIME_ZONE = "INVALID_TIME_ZONE"
    INVALID_TOKEN = "INVALID_TOKEN"
    LAST_WAY_IN = "LAST_WAY_IN"
    LAST_ADMINISTRATOR = "LAST_ADMINISTRATOR"
    PASSWORD_TOO_WEAK = "PASSWORD_TOO_WEAK"
    PROVIDER_NOT_CONFIGURED = "PROVIDER_NOT_CONFIGURED"
    PROVIDER_REFUSED = "PROVIDER_REFUSED"
    PROVIDER_UNAVAILABLE = "PROVIDER_UNAVAILABLE"
    SESSION_ENDED = "SESSION_ENDED"
    SIGN_IN_AGAIN = "SIGN_IN_AGAIN"
    SIGN_UP_CLOSED = "SIGN_UP_CLOSED"
    # clubs
    ALREADY_MEMBER = "ALREADY_MEMBER"
    INVITATION_NEEDED = "INVITATION_NEEDED"
    LAST_OWNER = "LAST_OWNER"
    NOT_MEMBER = "NOT_MEMBER"
    # events and services
    CAPACITY_BELOW_TAKEN = "CAPACITY_BELOW_TAKEN"
    CAPACITY_EXCEEDS_EVENT = "CAPACITY_EXCEEDS_EVENT"
    EVENT_IN_PAST = "EVENT_IN_PAST"
    HAS_PARTICIPANTS = "HAS_PARTICIPANTS"
    IS_HOST = "IS_HOST"
    INVALID_STATUS = "INVALID_STATUS"
    LAST_ORGANIZER = "LAST_ORGANIZER"
    OUTSIDE_EVENT = "OUTSIDE_EVENT"
    ALREADY_DECIDED = "ALREADY_DECIDED"
    # registrations and bookings
    ALREADY_BOOKED = "ALREADY_BOOKED"
    ALREADY_REGISTERED = "ALREADY_REGISTERED"
    BOOK_SERVICES_INSTEAD = "BOOK_SERVICES_INSTEAD"
    CLOSED = "CLOSED"
    FULL = "FULL"
    MEMBERS_ONLY = "MEMBERS_ONLY"
    NOT_BOOKED = "NOT_BOOKED"
    NOT_OPEN_YET = "NOT_OPEN_YET"
    NOT_REGISTERED = "NOT_REGISTERED"
    RESTRICTED = "RESTRICTED"
    TIME_CONFLICT = "TIME_CONFLICT"
    # reviews
    ALREADY_REVIEWED = "ALREADY_REVIEWED"
    REVIEW_NOT_ALLOWED = "REVIEW_NOT_ALLOWED"
    # chats
    CHAT_NOT_ALLOWED = "CHAT_NOT_ALLOWED"
    CHAT_READ_ONLY = "CHAT_READ_ONLY"
    LEFT_CHAT = "LEFT_CHAT"
    CLIENT_MESSAGE_ID_REUSED = "CLIENT_MESSAGE_ID_REUSED"


class StartError(Exception):
    """A process cannot start; the message says why, in plain words for an operator."""


class Params(TypedDict, total=False):
    """What a refusal may say beside its code. Each is a field of the GraphQL type `UserErrorDetails`, and may stand as
    a `{placeholder}` in a message.

    Values are raw: they are put into words late, in the reader's language and time zone. Null is left out.
    """

    capacity: int | None
    taken: int | None
    count: int | None
    minimum: int | None
    maximum: int | None
    maximum_amount: Decimal | None
    expected_version: int | None
    opens_at: datetime | None
    closes_at: datetime | None
    starts_at: datetime | None
    ends_at: datetime | None
    earliest: datetime | None
    latest: datetime | None
    time_zone: str | None
    """IANA name of the zone in which these times are told; the reader's own unless given."""
    status: Enum | None
    retry_after: int | None
    """Seconds. In a message it stands for "in 5 seconds"."""
    allowed: Sequence[str] | None
    conflicts_with: Sequence[Any] | None
    """Rows, which clients are told by their global ids."""


class UserError(Exception):
    """One expected refusal. Subclasses stand beside the rule that raises them.

    `path` leads from the mutation's input to the offending value, in GraphQL's spelling.
    `params` fill the `{placeholders}` of the message and are told as data, too.
    """

    code: ClassVar[ErrorCode]
    message: ClassVar[str | Plural]

    def __init__(self, *, path: Iterable[str] = (), **params: Unpack[Params]) -> None:
        self.path = tuple(path)
        self.params = params
        super().__init__(self.code.value)


class UserErrors(Exception):
    """Several refusals at once, so that a form can show them all."""

    def __init__(self, errors: Iterable[UserError]) -> None:
        self.errors = list(errors)
        super().__init__(", ".join(error.code.value for error in self.errors))


class NotFound(UserError):
    """Missing and hidden alike: nobody can tell them apart."""

    code = ErrorCode.NOT_FOUND
    message = _("Not found.")


class InvalidId(UserError):
    code = ErrorCode.INVALID_ID
    message = _("This is not the id of an object of the expected type.")


class InvalidCursor(UserError):
    code = ErrorCode.INVALID_CURSOR
    message = _("This cursor does not belong to this list.")


class BothWays(UserError):
    """A page that is asked for from both ends of a list."""

    code = ErrorCode.INVALID
    message = _("Give either first and after, or last and before.")


class Forbidden(UserError):
    """The object may be seen, but not changed, by this viewer."""

    code = ErrorCode.FORBIDDEN
    message = _("You are not allowed to do this.")


class Unauthenticated(UserError):
    code = ErrorCode.UNAUTHENTICATED
    message = _("Sign in first.")


class VersionConflict(UserError):
    code = ErrorCode.VERSION_CONFLICT
    message = _("Someone else has changed this since you read it. Current version: {expected_version}.")


class RateLimited(UserError):
    code = ErrorCode.RATE_LIMITED
    message: ClassVar[str | Plural] = _("Too many attempts. Try again {retry_after}.")


class IdempotencyKeyReused(UserError):
    code = ErrorCode.IDEMPOTENCY_KEY_REUSED
    message = _("This idempotency key was used with another input.")


class InvalidIdempotencyKey(UserError):
    code = ErrorCode.INVALID
    message = _n(
        "An idempotency key has between {minimum} and {maximum} character.",
        "An idempotency key has between {minimum} and {maximum} characters.",
        by="maximum",
    )


class Required(UserError):
    code = ErrorCode.REQUIRED
    message = _("This is required.")


class TooLong(UserError):
    code = ErrorCode.TOO_LONG
    message = _n("At most {maximum} character.", "At most {maximum} characters.", by="maximum")


class TooShort(UserError):
    code = ErrorCode.TOO_SHORT
    message = _n("At least {minimum} character.", "At least {minimum} characters.", by="minimum")


class TooMany(UserError):
    code = ErrorCode.INVALID
    message = _n("At most {maximum} item.", "At most {maximum} items.", by="maximum")


class NothingChosen(UserError):
    code = ErrorCode.REQUIRED
    message = _("Give at least one value, or leave this out.")


class Contradiction(UserError):
    """Values of a filter that no row can have together."""

    code = ErrorCode.CONTRADICTION
    message = _("Nothing can match this together with the rest of the filter.")


class OutOfRange(UserError):
    code = ErrorCode.INVALID
    message = _("Between {minimum} and {maximum}.")


class OutsideKnownTime(OutOfRange):
    message = _("Between {earliest} and {latest}.")


class InvalidStatus(UserError):
    code = ErrorCode.INVALID_STATUS
    message = _("This is not possible while the status is “{status}”.")


MISLEADING = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b\u202a-\u202e\u2060-\u2065"
    "\u206a-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\U000e0080-\U000e00ff\U000e01f0-\U000e0fff]"
    "|(?<=[\\sA-Za-z\u00aa-\u052f])[\u200c\u200d\ufe00-\ufe0f]+|[\u200c\u200d]+(?=[\\sA-Za-z\u00aa-\u052f])"
    "|(?<![\U0001f3f4\U000e0000-\U000e007f])[\U000e0000-\U000e007f]+"
)
"""Characters that are removed: control characters other than tab and line ends, marks that reverse the direction of
the text which follows, and characters that nobody sees. Joiners stay between letters that need them and within emoji,
tags within a flag, and isolates, the better means for mixed directions."""
SUSPICIOUS = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200d\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
"""Characters that `MISLEADING` looks at. Most texts have none, and looking for one of a set is quick."""
VISIBLE = re.compile(
    r"[^\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
"""All but spaces and what Unicode calls default ignorable: a name of those alone would be no name."""
MOST_MARKS = 30
"""Combining marks on one letter (UAX #15, Stream-Safe Text Format). No language needs more, and the time for
normalising a run of them grows with its square."""
PILE = re.compile(rf"[^\w\s\x00-\u02ff]{{{MOST_MARKS + 1},}}")
"""Runs in which there may be too many marks."""


LARGEST_LOSS = 4
"""A text that is so many times too long is not normalised first: that takes time and would not make it fit."""


def tidy(text: str, *, multiline: bool = False) -> str:
    """Return the text as it is stored: NFC, without outer spaces and misleading characters.

    Texts of one line get a space for each run of spaces, tabs and line ends.
    """
    if not multiline:
        text = " ".join(text.split())
    if SUSPICIOUS.search(text):
        text = MISLEADING.sub("", text)
    if not text.isascii():
        text = normalize("NFC", PILE.sub(_without_pile, text))
    return text.strip() if multiline else " ".join(text.split())


def _without_pile(found: re.Match[str]) -> str:
    kept, marks = [], 0
    for character in found[0]:
        marks = marks + 1 if combining(character) else 0
        if marks <= MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def check_text(
    problems: list[UserError],
    text: str | None,
    *path: str,
    maximum: int,
    minimum: int = 0,
    required: bool = False,
    multiline: bool = False,
) -> str | None:
    """Return the text as it is stored (`tidy`); empty becomes null. What is wrong with it goes to `problems`."""
    text = (text or "").strip()
    if len(text) > LARGEST_LOSS * maximum:
        problems.append(TooLong(path=path, maximum=maximum))
        return text
    text = tidy(text, multiline=multiline)
    if not VISIBLE.search(text):
        text = ""
    if required and not text:
        problems.append(Required(path=path))
    elif text and len(text) < minimum:
        problems.append(TooShort(path=path, minimum=minimum))
    elif len(text) > maximum:
        problems.append(TooLong(path=path, maximum=maximum))
    return text or None


def check_range(problems: list[UserError], number: float | None, *path: str, minimum: int, maximum: int) -> bool:
    """Whether the number lies between these, or is null."""
    if number is None or minimum <= number <= maximum:
        return True
    problems.append(OutOfRange(path=path, minimum=minimum, maximum=maximum))
    return False


def check_count(problems: list[UserError], items: Collection[Any], *path: str, maximum: int, minimum: int = 0) -> bool:
    """Whether there are so many different items."""
    found = len(set(items))
    if found > maximum:
        problems.append(TooMany(path=path, maximum=maximum))
    elif found < minimum:
        problems.append(Required(path=path))
    return minimum <= found <= maximum


def refuse(problems: list[UserError]) -> None:
    """Raise what was gathered, all at once; nothing if nothing was."""
    if problems:
        raise UserErrors(problems)
