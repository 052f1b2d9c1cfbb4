"""Messages in the reader's language. English is what the code says; other languages lie beside this file as .po."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from babel import Locale, negotiate_locale
from babel.messages.pofile import read_po

LOCALES = ("ru", "en")
DEFAULT_LOCALE = "en"


@cache
def catalog(locale: str) -> Mapping[str, str]:
    """English message to translated message, of all `translations/<locale>/*.po` together."""
    messages: dict[str, str] = {}
    for file in sorted((Path(__file__).parent / locale).glob("*.po")):
        with file.open("rb") as source:
            for message in read_po(source, locale=Locale.parse(locale)):
                if message.id and message.string:
                    messages[str(message.id)] = str(message.string)
    return messages


def translate(locale: str, message: str, params: Mapping[str, Any] | None = None) -> str:
    text = catalog(locale).get(message, message)
    if not params:
        return text
    return text.format_map({name: word(value) for name, value in params.items() if value is not None})


def word(value: Any) -> Any:
    """A raw value in words."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.name
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else value


@lru_cache(maxsize=512)
def negotiate(accept_language: str) -> str | None:
    """The best of our languages for an Accept-Language header (RFC 9110, 12.5.4), or null."""
    wanted: list[tuple[float, str]] = []
    for part in accept_language[:200].split(",")[:20]:
        tag, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((-float(weight or 1), tag.strip().replace("-", "_")))
        except ValueError:
            continue
    names = [tag for weight, tag in sorted(wanted, key=lambda item: item[0]) if tag and weight < 0]
    return negotiate_locale(names, LOCALES)
