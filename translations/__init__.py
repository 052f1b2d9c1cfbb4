"""Messages in the reader's language. English is what the code says; other languages lie beside this file as .po."""

from __future__ import annotations

from functools import lru_cache

from babel import negotiate_locale

from translations.wording import DEFAULT_LOCALE, LOCALES, Reader, placeholders

__all__ = ["DEFAULT_LOCALE", "LOCALES", "Reader", "negotiate", "placeholders"]


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
