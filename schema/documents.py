"""Documents made ready once: parsed, within the limits, validated; kept for the next time they come."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    parse,
    specified_rules,
    validate,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from schema.limits import MAX_ERRORS, MAX_TOKENS, check_document, check_text
from schema.variables import settle

RULES: tuple[type[ASTValidationRule], ...] = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)
KEPT_TOKENS = 200_000
"""Of all kept documents together: a syntax tree takes about a kilobyte for a token."""


@dataclass(frozen=True)
class Prepared:
    """`document` is null where the text is no GraphQL. With `errors` it must not be run."""

    document: DocumentNode | None
    errors: tuple[GraphQLError, ...]
    tokens: int
    operations: tuple[OperationDefinitionNode, ...] = ()

    @property
    def fragments(self) -> dict[str, FragmentDefinitionNode]:
        definitions = self.document.definitions if self.document is not None else ()
        return {one.name.value: one for one in definitions if isinstance(one, FragmentDefinitionNode)}

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """The operation to run; null where the name fits none, or is missing with several to choose from."""
        found: Sequence[OperationDefinitionNode] = self.operations
        if name:
            found = [node for node in found if node.name and node.name.value == name]
        return found[0] if len(found) == 1 else None

    def fresh_errors(self) -> list[GraphQLError]:
        """Copies: whoever presents an error rewrites it in place."""
        return [
            GraphQLError(
                error.message,
                error.nodes,
                error.source,
                error.positions,
                error.path,
                error.original_error,
                dict(error.extensions or {}),
            )
            for error in self.errors
        ]


class Documents:
    """The documents used last, bounded by their tokens: a stranger's thousand documents cannot fill the memory."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._kept: OrderedDict[str, Prepared] = OrderedDict()
        self._tokens = 0

    def prepare(self, text: str) -> Prepared:
        found = self._kept.get(text)
        if found is not None:
            self._kept.move_to_end(text)
            return found
        found = self._prepare(text)
        self._kept[text] = found
        self._tokens += found.tokens
        while self._tokens > KEPT_TOKENS:
            self._tokens -= self._kept.popitem(last=False)[1].tokens
        return found

    def _prepare(self, text: str) -> Prepared:
        # The text's own length counts too: one long string is one token.
        weight = len(text) // 100 + 1
        if refusal := check_text(text):
            return Prepared(None, (refusal,), weight)
        try:
            document = parse(text, max_lexical_tokens=MAX_TOKENS, max_comments=MAX_TOKENS)
        except GraphQLError as error:
            return Prepared(None, (error,), weight)
        weight += document.token_count
        errors = check_document(document) or validate(self._schema, document, RULES, max_errors=MAX_ERRORS)
        operations = tuple(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
        return Prepared(document, tuple(errors), weight, operations)


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
            settled = settle(context.schema._schema, operation, prepared.fragments, context.variables or {})
            if isinstance(settled, list):
                errors = settled
            else:
                context.variables = settled
        context.pre_execution_errors = errors
        yield
