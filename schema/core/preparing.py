"""Strawberry is given the prepared document, and variables that were checked."""

from __future__ import annotations

from collections.abc import Iterator

from strawberry.extensions import SchemaExtension

from documents.documents import Documents
from schema.core.metadata import graphql_schema_of
from schema.core.variables import settle


class Preparing(SchemaExtension):
    """Gives Strawberry the prepared document, and checks the variables, whichever way an operation comes in."""

    documents: Documents

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        prepared = self.documents.prepare(context.query or "")
        if prepared.document is None:
            raise prepared.fresh_errors()[0]
        context.graphql_document = prepared.document
        yield

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        prepared = self.documents.prepare(context.query or "")
        errors = prepared.fresh_errors()
        operation = prepared.operation(context.operation_name)
        if not errors and operation is not None:
            settled = settle(graphql_schema_of(context.schema), operation, prepared.fragments, context.variables or {})
            if isinstance(settled, list):
                errors = settled
            else:
                context.variables = settled
        context.pre_execution_errors = errors
        yield
