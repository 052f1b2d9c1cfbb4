from __future__ import annotations

from typing import Any

import strawberry

import dataloaders.registrations
import dataloaders.users
from schema.access import PUBLIC
from schema.connections import Connection
from schema.context import Info
from schema.registrations import Registration
from schema.relations import connected, related
from schema.roots import query
from schema.users import User


@strawberry.type(description="The signed-in user as seen by themself.")
class Viewer:
    user: User | None = related(dataloaders.users.by_id, description="One's public face.")
    email: str | None = strawberry.field(description="Address for mail and sign-in.")
    registrations: Connection[Registration] = connected(
        dataloaders.registrations.by_user_id, description="One's registrations, newest first."
    )


@strawberry.type
class ViewerQueries:
    @query(description="The caller; null for a guest.", access=PUBLIC, graphql_type=Viewer | None)
    async def viewer(self, info: Info) -> Any:
        return info.context.viewer.user
