"""Documents made ready once: parsed, within the limits, validated; kept for the next time they come."""

from __future__ import annotations

from collections.abc import Sequence
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
    OverlappingFieldsCanBeMergedRule,
    SelectionSetNode,
    SourceLocation,
    specified_rules,
    validate,
)
from graphql.language.parser import Parser

from caches import TOKEN, Cache, weight_of
from documents.limits import (
    MAX_BRACKETS,
    MAX_ERRORS,
    MAX_FIELDS,
    MAX_REPEATS,
    MAX_TOKENS,
    check_document,
    check_text,
    too_much,
)
from documents.repeats import repeats
from documents.selections import fragments_of
from documents.slices import in_slices, pause_if_due


class PausingRule(ASTValidationRule):
    """No rule: lets validation pause at every node, where it runs in slices."""

    def enter(self, *_: Any) -> None:
        pause_if_due()


class PausingParser(Parser):
    """Pauses at every token, likewise."""

    def advance_lexer(self) -> None:
        pause_if_due()
        super().advance_lexer()


Rules = Sequence[type[ASTValidationRule]]


@dataclass(frozen=True)
class DocumentError:
    """An error of a document without what it came from: an exception holds its traceback, and by it the parser; a
    syntax tree holds all tokens and the text."""

    message: str
    locations: list[SourceLocation] | None
    extensions: dict[str, Any]
    original_error: Exception | None

    @staticmethod
    def of(error: GraphQLError) -> DocumentError:
        original = error.original_error
        if original is not None:
            original.__traceback__ = original.__context__ = original.__cause__ = None
        return DocumentError(error.message, error.locations, dict(error.extensions or {}), original)

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
    errors: tuple[DocumentError, ...]
    tokens: int
    operations: tuple[OperationDefinitionNode, ...] = ()

    @property
    def fragments(self) -> dict[str, FragmentDefinitionNode]:
        return fragments_of(self.document) if self.document is not None else {}

    def operation(self, name: str | None) -> OperationDefinitionNode | None:
        """Return the operation to run; null where the name fits none, or is missing with several to choose from."""
        found: Sequence[OperationDefinitionNode] = self.operations
        if name:
            found = [node for node in found if node.name and node.name.value == name]
        return found[0] if len(found) == 1 else None

    def fresh_errors(self) -> list[GraphQLError]:
        """Return new ones: whoever presents an error rewrites it in place."""
        return [one.error() for one in self.errors]


class Documents:
    """The documents used last. Of one that is refused neither the text nor the tree is kept.

    `more_rules` are checked beside those of the specification.
    """

    def __init__(self, schema: GraphQLSchema, more_rules: Rules = ()) -> None:
        self._schema = schema
        self._rules: Rules = (PausingRule, *specified_rules, *more_rules)
        self._rules_without_repeats = [one for one in self._rules if one is not OverlappingFieldsCanBeMergedRule]
        self._kept: Cache[str, Prepared] = Cache("documents")
        self._refused: Cache[bytes, Prepared] = Cache("refused documents")

    def known(self, text: str) -> Prepared | None:
        """Return what came before, and was kept."""
        return self._kept.get(text) or self._refused.get(_digest(text))

    def prepare(self, text: str) -> Prepared:
        found = self.known(text)
        if found is None:
            found = self._keep(text, self._prepare(text))
        return found

    async def prepare_in_slices(self, text: str) -> Prepared:
        """Prepare a document that is not known, with time for others meanwhile."""
        return self._keep(text, await in_slices(self._prepare, text))

    def _keep(self, text: str, found: Prepared) -> Prepared:
        if found.errors:
            weight = sum(one.weight for one in found.errors) + sum(_stub_weight(one) for one in found.operations)
            self._refused.put(_digest(text), found, weight)
        else:
            self._kept.put(text, found, weight_of(text) + TOKEN * found.tokens)
        return found

    def _prepare(self, text: str) -> Prepared:
        if refusal := check_text(text):
            return Prepared(None, (DocumentError.of(refusal),), 0)
        try:
            document = _parsed(text)
        except GraphQLError as error:
            return Prepared(None, (DocumentError.of(error),), 0)
        errors = check_document(document) or self._validated(document)
        operations = tuple(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
        if errors:
            stubs = tuple(_stub(node) for node in operations)
            refusals = tuple(DocumentError.of(one) for one in errors)
            return Prepared(DocumentNode(definitions=stubs), refusals, document.token_count, stubs)
        return Prepared(document, (), document.token_count, operations)

    def _validated(self, document: DocumentNode) -> list[GraphQLError]:
        found = repeats(self._schema, document, most=2 * MAX_FIELDS)
        if found is None:
            return [too_much("fields", MAX_FIELDS)]
        if found.pairs > MAX_REPEATS and not found.are_alike:
            return [too_much("repeats of a field", MAX_REPEATS)]
        rules = self._rules_without_repeats if found.are_alike else self._rules
        return validate(self._schema, document, rules, max_errors=MAX_ERRORS, hide_suggestions=True)


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


def _parsed(text: str) -> DocumentNode:
    """As graphql-core's `parse`. Raises `GraphQLError`."""
    try:
        return PausingParser(text, max_lexical_tokens=MAX_TOKENS, max_comments=MAX_TOKENS).parse_document()
    except RecursionError:
        raise too_much("levels", MAX_BRACKETS) from None


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
