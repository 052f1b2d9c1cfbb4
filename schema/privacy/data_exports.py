"""Copies of one's own data."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import strawberry

import dataloaders.privacy.data_exports
import models
from resolvers.privacy import data_exports as rules
from schema.core.access import SIGNED_IN
from schema.core.context import Info
from schema.core.enums import enum
from schema.core.node import Node
from schema.core.relations import computed
from schema.core.roots import MutationInput, Payload, mutation

enum(
    models.DataExportState,
    "What became of a copy of one's data.",
    QUEUED="It is being made.",
    READY="It can be downloaded until `expiresAt`.",
    FAILED="It could not be made. One may ask again at once.",
    EXPIRED="It was removed.",
)
PATH = "/exports"


@strawberry.type(description="A copy of all that is the caller's own, as a JSON file. Only they see it.")
class DataExport(Node, row=models.DataExport, by_id=dataloaders.privacy.data_exports.data_export_by_id):
    state: models.DataExportState = strawberry.field(description="Whether it can be downloaded.")
    size: int | None = strawberry.field(description="Bytes of the file as it travels, compressed. At most 64 MiB.")
    created_at: datetime = strawberry.field(description="When it was asked for.")
    finished_at: datetime | None = strawberry.field(description="When it was made, or given up.")
    expires_at: datetime | None = strawberry.field(
        description="When it is removed, as a rule a week after it was made."
    )

    @computed(
        description="Where to GET it, with the access token of its owner as for GraphQL: 409 before it is ready, 410 "
        "once it is gone, 404 for others."
    )
    def url(root: strawberry.Parent[Any], info: Info) -> str:
        return f"{info.context.ports.settings.url}{PATH}/{root.id}"


@strawberry.input(description="Nothing but who calls.")
class RequestDataExportInput(MutationInput):
    pass


@strawberry.type(description="The copy that is being made.")
class RequestDataExportPayload(Payload):
    data_export: models.DataExport | None = strawberry.field(
        default=None, graphql_type=DataExport | None, description="The copy, soon READY."
    )


@strawberry.type
class DataExportMutations:
    @mutation(
        description="Have a copy of all that is one's own made: profile, sessions, memberships, registrations, "
        "bookings, reviews, messages, notifications and more. A mail says when it is ready. Once a day.",
        access=SIGNED_IN,
    )
    async def request_data_export(self, info: Info, input: RequestDataExportInput) -> RequestDataExportPayload:
        async with info.context.writing() as uow:
            export = await rules.request(uow, info.context.viewer)
        return RequestDataExportPayload(data_export=export)
