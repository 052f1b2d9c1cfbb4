from __future__ import annotations

import strawberry

import dataloaders.users
import models
from schema.node import Node


@strawberry.type(description="A person, as others see them.")
class User(Node, row=models.User, by_id=dataloaders.users.by_id):
    handle: str = strawberry.field(description="Unique short name, case-insensitive.")
    display_name: str = strawberry.field(description="The name shown to others.")
