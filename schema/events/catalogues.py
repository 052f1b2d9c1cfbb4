from __future__ import annotations

from typing import Any

import strawberry

import dataloaders.events.catalogues
import models
from dataloaders.core.pages import Listing
from resolvers.events import catalogues
from schema.core.access import PUBLIC
from schema.core.context import Info
from schema.core.filters import Filter
from schema.core.node import Node
from schema.core.prices import SEARCHED_NAMES
from schema.core.relations import computed, reads
from schema.core.roots import connection


@strawberry.type(description="What kind of event it is.")
class EventCategory(Node, row=models.EventCategory, by_id=dataloaders.events.catalogues.category_by_id):
    slug: str = strawberry.field(description="Stable name for programs.")

    @computed(description="Name in the reader's language.")
    @reads("name_ru", "name_en")
    def name(root: strawberry.Parent[Any], info: Info) -> str:
        return str(root.name_ru if info.context.locale == "ru" else root.name_en)


@strawberry.type(description="An entry of the catalogue of services, with what a service takes from it unless told.")
class ServiceType(Node, row=models.ServiceType, by_id=dataloaders.events.catalogues.service_type_by_id):
    slug: str = strawberry.field(description="Stable name for programs.")
    default_capacity: int = strawberry.field(description="Places of a service of this type.")
    default_window_days: int | None = strawberry.field(
        description="Days before the event on which booking opens; null means at once."
    )

    @computed(description="Name in the reader's language.")
    @reads("name_ru", "name_en")
    def name(root: strawberry.Parent[Any], info: Info) -> str:
        return str(root.name_ru if info.context.locale == "ru" else root.name_en)

    @computed(description="More about it, in the reader's language.")
    @reads("description_ru", "description_en")
    def description(root: strawberry.Parent[Any], info: Info) -> str | None:
        text: str | None = root.description_ru if info.context.locale == "ru" else root.description_en
        return text


@strawberry.input(description="Narrows the catalogue of services.")
class ServiceTypeFilter(Filter):
    text: str | None = strawberry.field(
        default=None,
        metadata=SEARCHED_NAMES,
        description="Words of name or description in any language, also unfinished ones; case and ё do not matter. At "
        "most 200 characters.",
    )


@strawberry.type
class CatalogueQueries:
    @connection(
        description="Kinds of events, by name in the reader's language.",
        access=PUBLIC,
        of=EventCategory,
    )
    def event_categories(
        self,
        info: Info,
    ) -> Listing:
        return catalogues.categories(locale=info.context.locale)

    @connection(
        description="Types of services, by name in the reader's language.",
        access=PUBLIC,
        of=ServiceType,
    )
    def service_types(
        self,
        info: Info,
        filter: ServiceTypeFilter | None = None,
    ) -> Listing:
        return catalogues.service_types(text=filter.text if filter else None, locale=info.context.locale)
