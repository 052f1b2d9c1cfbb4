from __future__ import annotations

from typing import Any

import strawberry

import dataloaders.events.catalogues
import models
from dataloaders.core.keyset_pages import Listing
from resolvers.events import catalogues
from schema.core.access import PUBLIC
from schema.core.context import Info
from schema.core.filters import Filter
from schema.core.node_interface import Node
from schema.core.prices import SEARCHED_NAMES
from schema.core.relations import computed, reads
from schema.core.roots import connection


@strawberry.type(description="A kind of event, such as concert or lecture. An entry of the catalogue of categories.")
class EventCategory(Node, row=models.EventCategory, by_id=dataloaders.events.catalogues.category_by_id):
    slug: str = strawberry.field(description="A stable name for use in programs, such as in links.")

    @computed(description="The name in the caller's language.")
    @reads("name_ru", "name_en")
    def name(root: strawberry.Parent[Any], info: Info) -> str:
        return str(root.name_ru if info.context.locale == "ru" else root.name_en)


@strawberry.type(
    description="A kind of service, such as massage. An entry of the catalogue, with default values for services of "
    "this type."
)
class ServiceType(Node, row=models.ServiceType, by_id=dataloaders.events.catalogues.service_type_by_id):
    slug: str = strawberry.field(description="A stable name for use in programs, such as in links.")
    default_capacity: int = strawberry.field(
        description="The capacity of a service of this type unless another one is given, in bookings."
    )
    default_window_days: int | None = strawberry.field(
        description="How many days before the event booking opens unless another number is given. Null means at once."
    )

    @computed(description="The name in the caller's language.")
    @reads("name_ru", "name_en")
    def name(root: strawberry.Parent[Any], info: Info) -> str:
        return str(root.name_ru if info.context.locale == "ru" else root.name_en)

    @computed(description="More about the service, in the caller's language.")
    @reads("description_ru", "description_en")
    def description(root: strawberry.Parent[Any], info: Info) -> str | None:
        text: str | None = root.description_ru if info.context.locale == "ru" else root.description_en
        return text


@strawberry.input(description="Filters the catalogue of service types.")
class ServiceTypeFilter(Filter):
    text: str | None = strawberry.field(
        default=None,
        metadata=SEARCHED_NAMES,
        description="Words to search for in names and descriptions, in any language. Matches beginnings of "
        "words, and ignores case and the difference between е and ё. At most 200 characters.",
    )


@strawberry.type
class CatalogueQueries:
    @connection(
        description="The catalogue of event categories, sorted by name in the caller's language.",
        access=PUBLIC,
        of=EventCategory,
    )
    def event_categories(
        self,
        info: Info,
    ) -> Listing:
        return catalogues.categories(locale=info.context.locale)

    @connection(
        description="The catalogue of service types, sorted by name in the caller's language.",
        access=PUBLIC,
        of=ServiceType,
    )
    def service_types(
        self,
        info: Info,
        filter: ServiceTypeFilter | None = None,
    ) -> Listing:
        return catalogues.service_types(text=filter.text if filter else None, locale=info.context.locale)
