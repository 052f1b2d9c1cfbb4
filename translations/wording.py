"""Raw values in words: times, states, numbers, lists. Every text for people is filled in here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from itertools import pairwise
from math import ceil
from string import Formatter
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_timedelta, get_timezone_location
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal

from caches import for_short_texts
from errors import Plural
from translations.catalogs import catalog

LOCALES = ("ru", "en")
DEFAULT_LOCALE = "en"
DATE = "d MMMM y"
TIME = "d MMMM y, HH:mm"
WAITS = frozenset({"retry_after"})
"""Parameters that are seconds from now."""
LONG_NUMBER = 10_000
"""Numbers from here on are written in groups of digits: a year or a version is not."""


class LocalePreferences(Protocol):
    """What a user's row says of the way they read."""

    @property
    def locale(self) -> str: ...

    @property
    def time_zone(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom something is put into words. The zone is null where it is not known, as that of a guest."""

    locale: str = DEFAULT_LOCALE
    time_zone: str | None = None

    @classmethod
    def of(cls, user: LocalePreferences) -> Reader:
        """Someone who reads later, such as a mail."""
        return cls(user.locale if user.locale in LOCALES else DEFAULT_LOCALE, user.time_zone)

    def say(self, message: str | Plural, params: Mapping[str, Any] | None = None) -> str:
        """Return a message in the reader's language, filled with its parameters, which are raw values.

        Times are given in the zone of the parameter `time_zone`, such as that of an event, and otherwise in the
        reader's own. If the reader's clock shows another time, or may do so, the zone is named, once.
        """
        given = params or {}
        text = self._translated(message, given)
        if params is None:
            return text
        zone = given.get("time_zone")
        words = {
            name: self.wait(value) if name in WAITS and value is not None else self.word(value, zone=zone)
            for name, value in given.items()
        }
        times = [name for name in placeholders(text) if isinstance(given.get(name), datetime)]
        for name, following in pairwise(times):
            if self.zone_of(given[name], zone=zone) == self.zone_of(given[following], zone=zone):
                words[name] = self.time(given[name], zone=zone, named=False)
        return text.format_map(words)

    def _translated(self, message: str | Plural, given: Mapping[str, Any]) -> str:
        found = catalog(self.locale)
        if not isinstance(message, Plural):
            return found.gettext(message)
        number = given.get(message.by)
        return found.ngettext(message.one, message.other, 2 if number is None else int(number))

    def word(self, value: Any, *, zone: str | None = None) -> str:
        """Return a value in words."""
        match value:
            case None:
                return "–"
            case Enum():
                return self.name(value)
            case datetime():
                return self.time(value, zone=zone)
            case date():
                return format_date(value, DATE, locale=self.locale)
            case bool() | str():
                return str(value)
            case int():
                return str(value) if abs(value) < LONG_NUMBER else format_decimal(value, locale=self.locale)
            case Decimal():
                return format_decimal(value, "#,##0.00", locale=self.locale)
            case list() | tuple():
                return format_list([self.word(one, zone=zone) for one in value], locale=self.locale)
        return str(value)

    def money(self, amount: Decimal, currency: str) -> str:
        """Return a price with its currency, by its ISO 4217 code."""
        written = format_currency(amount, currency, locale=self.locale)
        # CLDR sets a code apart from digits, which Babel leaves out.
        return re.sub(r"(?<=[A-Z])(?=\d)", "\u00a0", written)

    def wait(self, seconds: int) -> str:
        """How long from now: "in 5 seconds". From two minutes on in minutes and hours, never too short."""
        if seconds >= 2 * 60:
            seconds = ceil(seconds / 60) * 60
        delta = timedelta(seconds=seconds)
        return format_timedelta(delta, granularity="second", threshold=2, add_direction=True, locale=self.locale)

    def name(self, member: Enum) -> str:
        """Return a member of an enum in words: EventStatus.PENDING_REVIEW is "pending review"."""
        return catalog(self.locale).pgettext(type(member).__name__, plain_name(member))

    def time(self, moment: datetime, *, zone: str | None = None, pattern: str = TIME, named: bool = True) -> str:
        """Return a moment in a zone, or in the reader's own."""
        shown = moment.astimezone(_zone(zone or self.time_zone or "UTC"))
        text = format_datetime(shown, pattern, tzinfo=shown.tzinfo, locale=self.locale)
        name = self.zone_of(moment, zone=zone) if named else ""
        return f"{text} ({name})" if name else text

    def zone_of(self, moment: datetime, *, zone: str | None = None) -> str:
        """Return the zone's name that `time` adds, such as "Moscow, UTC+3"; empty if the reader's clock agrees."""
        shown = moment.astimezone(_zone(zone or self.time_zone or "UTC"))
        if self.time_zone and moment.astimezone(_zone(self.time_zone)).utcoffset() == shown.utcoffset():
            return ""
        minutes = round((shown.utcoffset() or timedelta()).total_seconds()) // 60
        hours, rest = divmod(abs(minutes), 60)
        offset = "UTC" + (f"{'−' if minutes < 0 else '+'}{hours}" if minutes else "") + (f":{rest:02}" if rest else "")
        key = getattr(shown.tzinfo, "key", "UTC")
        if "/" not in key or key.startswith("Etc/"):
            return offset
        return f"{get_timezone_location(shown, locale=Locale.parse(self.locale), return_city=True)}, {offset}"


HYPHENATED = re.compile(r"^(co|no) ")


def plain_name(member: Enum) -> str:
    """Return a member of an enum in English: CO_ORGANIZER is "co-organizer"."""
    return HYPHENATED.sub(r"\1-", member.name.lower().replace("_", " "))


def one_line(text: str, *, most: int = 200) -> str:
    """Return the text fit for a title or a header: one line, no control characters, at most so many characters."""
    visible = text[: 10 * most]
    if not visible.isprintable():
        visible = "".join(letter if letter.isprintable() else " " for letter in visible)
    line = " ".join(visible.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


@for_short_texts
def placeholders(message: str) -> tuple[str, ...]:
    """Names that a message has to be given, in their order."""
    return tuple(name for _text, name, _spec, _conversion in Formatter().parse(message) if name)


@for_short_texts
def _zone(name: str) -> ZoneInfo:
    """UTC where it is not known, or not a zone."""
    try:
        return ZoneInfo(name)
    except (ValueError, OSError):
        return ZoneInfo("UTC")
