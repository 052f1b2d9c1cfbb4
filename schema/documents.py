"""Documents made ready once: parsed, within the limits, validated; kept for the next time they come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from graphql import (
    ASTValidationRule,
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    NameNode,
    OperationDefinitionNode,
    SelectionSetNode,
    SourceLocation,
    parse,
    specified_rules,
    validate,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from caches import TOKEN, Cache, weight_of
from schema.limits import MAX_ERRORS, MAX_TOKENS, check_document, check_text
from schema.variables import settle

RULES: tuple[type[ASTValidationRule], ...] = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)


@dataclass(frozen=True)
class Refusal:
    """An error of a document without what it came from: an exception holds its traceback, and by it the parser; a
    syntax tree holds all tokens and the text."""

    message: str
    locations: list[SourceLocation] | None
    extensions: dict[str, Any]
    original_error: Exception | None

    @staticmethod
    def of(error: GraphQLError) -> Refusal:
        original = error.original_error
        if original is not None:
            original.__traceback__ = original.__context__ = original.__cause__ = None
        return Refusal(error.message, error.locations, dict(error.extensions or {}), original)

    def error(self) -> GraphQLError:
        made = GraphQLError(self.message, original_error=self.original_error, extensions=dict(self.extensions))
        made.locations = self.locations
        return made

    @property
    def weight(self) -> int:
        return weight_of(self.message) + weight_of(self.extensions) + 1_000


@dataclass(frozen=True)
class Prepared:
    """`document` is null where the text is no GraphQL. With `errors` it must not be run, and its operations are there
    by type and name alone."""

    document: DocumentNode | None
    errors: tuple[Refusal, ...]
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
        """New ones: whoever presents an error rewrites it in place."""
        return [one.error() for one in self.errors]


class Documents:
    """The documents used last. Of one that is refused neither the text nor the tree is kept."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._kept: Cache[str, Prepared] = Cache("documents")
        self._refused: Cache[bytes, Prepared] = Cache("refused documents")

    def prepare(self, text: str) -> Prepared:
        found = self._kept.get(text)
        if found is not None:
            return found
        digest = sha256(text.encode("utf-8", "surrogatepass")).digest()
        found = self._refused.get(digest)
        if found is not None:
            return found
        found = self._prepare(text)
        if found.errors:
            weight = sum(one.weight for one in found.errors) + sum(_stub_weight(one) for one in found.operations)
            self._refused.put(digest, found, weight)
        else:
            self._kept.put(text, found, weight_of(text) + TOKEN * found.tokens)
        return found

    def _prepare(self, text: str) -> Prepared:
        if refusal := check_text(text):
            return Prepared(None, (Refusal.of(refusal),), 0)
        try:
            document = parse(text, max_lexical_tokens=MAX_TOKENS, max_comments=MAX_TOKENS)
        except GraphQLError as error:
            return Prepared(None, (Refusal.of(error),), 0)
        errors = check_document(document) or validate(self._schema, document, RULES, max_errors=MAX_ERRORS)
        operations = tuple(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
        if errors:
            stubs = tuple(_stub(node) for node in operations)
            refusals = tuple(Refusal.of(one) for one in errors)
            return Prepared(DocumentNode(definitions=stubs), refusals, document.token_count, stubs)
        return Prepared(document, (), document.token_count, operations)


def _stub(node: OperationDefinitionNode) -> OperationDefinitionNode:
    name = NameNode(value=node.name.value) if node.name is not None else None
    return OperationDefinitionNode(
        operation=node.operation,
        name=name,
        selection_set=SelectionSetNode(selections=()),
        variable_definitions=(),
        directives=(),
    )


def _stub_weight(node: OperationDefinitionNode) -> int:
    return 1_000 + (weight_of(node.name.value) if node.name is not None else 0)


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
