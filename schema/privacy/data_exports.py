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
from schema.core.node_interface import Node
from schema.core.relations import computed
from schema.core.roots import MutationInput, Payload, mutation

enum(
    models.DataExportState,
    "The state of a copy of the caller's data.",
    QUEUED="The copy is being made.",
    READY="The copy can be downloaded until `expiresAt`.",
    FAILED="The copy could not be made. It may be requested again at once.",
    EXPIRED="The copy has expired and was removed.",
)
PATH = "/exports"


@strawberry.type(
    description="A copy of all data that belongs to the caller, as a JSON file. Only the caller can see it."
)
class DataExport(Node, row=models.DataExport, by_id=dataloaders.privacy.data_exports.data_export_by_id):
    state: models.DataExportState = strawberry.field(description="Whether the copy can be downloaded.")
    size: int | None = strawberry.field(
        description="The size of the compressed file in bytes, at most 64 MiB. Null until the copy is ready."
    )
    created_at: datetime = strawberry.field(description="When the copy was requested.")
    finished_at: datetime | None = strawberry.field(
        description="When the copy was finished or given up. Null while it is being made."
    )
    expires_at: datetime | None = strawberry.field(
        description="When the copy is removed, by default 7 days after it was made. Null until the copy is ready."
    )

    @computed(
        description="Where to download the file with GET and the owner's access token. The status is 409 before "
        "it is ready, 410 once it is removed, and 404 for anyone else."
    )
    def url(root: strawberry.Parent[Any], info: Info) -> str:
        return f"{info.context.ports.settings.url}{PATH}/{root.id}"


@strawberry.input(description="Input of `requestDataExport`. It has no fields of its own.")
class RequestDataExportInput(MutationInput):
    pass


@strawberry.type(description="The result of `requestDataExport`.")
class RequestDataExportPayload(Payload):
    data_export: models.DataExport | None = strawberry.field(
        default=None,
        graphql_type=DataExport | None,
        description="The copy that is being made. Null if the mutation was refused.",
    )


@strawberry.type
class DataExportMutations:
    @mutation(
        description="Request a copy of all data that belongs to the caller: profile, sessions, memberships, "
        "registrations, bookings, reviews, messages, notifications and more. A mail says when it is "
        "ready. Once a day.",
        access=SIGNED_IN,
    )
    async def request_data_export(self, info: Info, input: RequestDataExportInput) -> RequestDataExportPayload:
        async with info.context.writing() as uow:
            export = await rules.request(uow, info.context.viewer)
        return RequestDataExportPayload(data_export=export)
