"""The catalogues that events choose from: categories, and types of services."""

from __future__ import annotations

from sqlalchemy import select

from dataloaders.core.keyset_pages import Key, Listing
from models import EventCategory, ServiceType, name_key
from resolvers.core import word_search


def categories(*, locale: str) -> Listing:
    """By name in the reader's language."""
    name = EventCategory.name_ru if locale == "ru" else EventCategory.name_en
    return Listing(select(EventCategory), (Key(name_key(name)), Key(EventCategory.id)))


def service_types(*, text: str | None, locale: str) -> Listing:
    """By name in the reader's language. `text` is looked for in names and descriptions of every language."""
    statement = word_search.narrow(select(ServiceType), ServiceType.search, text)
    name = ServiceType.name_ru if locale == "ru" else ServiceType.name_en
    return Listing(statement, (Key(name_key(name)), Key(ServiceType.id)))
