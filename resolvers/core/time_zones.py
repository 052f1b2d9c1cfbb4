"""Names of time zones, as people and venues have one."""

from __future__ import annotations

from datetime import UTC, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from errors import ErrorCode, UserError, _

DEFAULT_ZONE = "Europe/Moscow"


class UnknownTimeZone(UserError):
    code = ErrorCode.INVALID_TIME_ZONE
    message = _("This is not an IANA time zone, such as Europe/Moscow.")


NOT_IANA = frozenset({"Factory", "localtime", "posixrules"})
"""Files that lie beside those of zones, and mean something else on every machine."""


@cache
def known_zones() -> frozenset[str]:
    """Return the IANA names. Reading them takes a walk over the disk."""
    return frozenset(available_timezones()) - NOT_IANA


def zone_of(name: str) -> tzinfo:
    """Return the zone of a row; UTC where this machine does not know it, so that one row cannot spoil a list."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return UTC


def check_time_zone(problems: list[UserError], zone: str, *path: str) -> None:
    if zone not in known_zones():
        problems.append(UnknownTimeZone(path=path))
