"""Names of time zones, as people and venues have one."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from errors import ErrorCode, UserError, _

DEFAULT_ZONE = "Europe/Moscow"


class UnknownTimeZone(UserError):
    code = ErrorCode.INVALID_TIME_ZONE
    message = _("This is not a time zone of the IANA list, such as Europe/Moscow.")


@cache
def known_zones() -> frozenset[str]:
    """IANA names. Reading them takes a walk over the disk."""
    return frozenset(available_timezones())


def check_time_zone(problems: list[UserError], zone: str, *path: str) -> None:
    if zone not in known_zones():
        problems.append(UnknownTimeZone(path=path))
