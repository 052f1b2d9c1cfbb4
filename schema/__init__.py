"""The one GraphQL schema: every capability's root fields, added up."""

from __future__ import annotations

from typing import Any

import strawberry
from graphql import GraphQLError
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext

from schema.accounts import AccountMutations
from schema.availability import AvailabilitySubscriptions
from schema.context import Info
from schema.error_format import present
from schema.events import EventMutations, EventQueries
from schema.interests import InterestMutations, InterestQueries
from schema.nodes import NodeQueries
from schema.registrations import RegistrationMutations
from schema.viewer import ViewerQueries


@strawberry.type(description="Reading. Nothing here changes anything.")
class Query(EventQueries, NodeQueries, ViewerQueries, InterestQueries):
    pass


@strawberry.type(description="Changing. Each field is one transaction.")
class Mutation(AccountMutations, EventMutations, RegistrationMutations, InterestMutations):
    pass


@strawberry.type(description="Live streams. `after` continues where an earlier one stopped.")
class Subscription(AvailabilitySubscriptions):
    pass


class Schema(strawberry.Schema):
    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Give every error its code and hide what is not meant for clients, on every transport alike."""
        for error in errors:
            present(error, execution_context.context if execution_context else None)


def make_schema(extensions: list[Any] | None = None) -> Schema:
    return Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        config=StrawberryConfig(info_class=Info, disable_field_suggestions=True),
        extensions=[
            lambda: ParserCache(maxsize=1000),
            lambda: ValidationCache(maxsize=1000),
            *(extensions or []),
        ],
    )
