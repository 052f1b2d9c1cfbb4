"""Messages in the reader's language. English is what the code says; other languages lie beside this file as .po."""

from __future__ import annotations

from babel import negotiate_locale

from caches import for_short_texts
from translations.accept import preferences
from translations.wording import DEFAULT_LOCALE, LOCALES, Reader, one_line, placeholders

__all__ = ["DEFAULT_LOCALE", "LOCALES", "Reader", "negotiate", "one_line", "placeholders"]


@for_short_texts
def negotiate(accept_language: str) -> str | None:
    """Return the best of our languages for an Accept-Language header (RFC 9110, section 12.5.4), or null."""
    wanted = sorted((one for one in preferences(accept_language) if one.quality > 0), key=lambda one: -one.quality)
    return negotiate_locale([one.value.replace("-", "_") for one in wanted], LOCALES)
