from __future__ import annotations

import strawberry

import dataloaders.venues
import models
from schema.node import Node


@strawberry.type(description="A place where events happen.")
class Venue(Node, row=models.Venue, by_id=dataloaders.venues.by_id):
    name: str = strawberry.field(description="Unique, whatever its case.")
    address: str | None = strawberry.field(description="Postal address.")
    time_zone: str = strawberry.field(description="IANA zone, such as Europe/Moscow.")
