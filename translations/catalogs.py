"""The catalogues of messages: English is what the code says, other languages lie beside this file as .po."""

from __future__ import annotations

from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po


def read_catalog(locale: str, area: str = "*") -> Catalog:
    """Return the messages of an area, or `translations/<locale>/*.po` together.

    What several areas say, or none, stands in the other files there.
    """
    merged = Catalog(locale=Locale.parse(locale))
    for file in sorted((Path(__file__).parent / locale).glob(f"{area}.po")):
        with file.open("rb") as source:
            for message in read_po(source, locale=Locale.parse(locale)):
                if message.id and message.string:
                    merged.add(message.id, message.string, context=message.context)
    return merged


@cache
def catalog(locale: str) -> NullTranslations:
    """Load the messages of a language, as `gettext` looks them up: with plural forms and contexts."""
    compiled = BytesIO()
    write_mo(compiled, read_catalog(locale))
    compiled.seek(0)
    return GNUTranslations(compiled)
