"""Moments that people give: instants that calendars know."""

from __future__ import annotations

from datetime import UTC, datetime

from errors import ErrorCode, OutsideKnownTime, UserError, _

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


LATEST = datetime(2200, 1, 1, tzinfo=UTC)


class TimeNeedsOffset(UserError):
    code = ErrorCode.INVALID
    message = _("A time must have an offset from UTC, such as +03:00.")


def check_moment(problems: list[UserError], moment: datetime, *path: str) -> bool:
    """Whether it is an instant, and one that calendars know."""
    if moment.tzinfo is None:
        problems.append(TimeNeedsOffset(path=path))
    elif not EARLIEST <= moment <= LATEST:
        problems.append(OutsideKnownTime(path=path, earliest=EARLIEST, latest=LATEST))
    else:
        return True
    return False


def in_utc(moment: datetime) -> datetime:
    """As the database gives it back, so that an answer does not depend on when it was read."""
    return moment.astimezone(UTC)
