"""How much one document and its variables may ask for. Checked before validation, whose cost grows with the document.

A real client's largest document has a few hundred tokens and a depth of ten. What an operation costs in rows is
another question; these limits only keep a single document from being an attack on the parser, the validator or the
executor.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    IntValueNode,
    ListTypeNode,
    ListValueNode,
    Node,
    NonNullTypeNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    StringValueNode,
    TypeNode,
)

from documents.scanning import scan
from documents.selections import Fragments, fragments_of, walk

MAX_LENGTH = 50_000
"""Characters of a document: data belongs into variables, which only the body's size limits."""
MAX_TOKENS = 2_000
"""The usual introspection query has 160, a screen of 20 events with seven relations 80."""
MAX_TOKEN_LENGTH = 10_000
"""Characters of one token or comment, and of what stands between two: the lexer reads them one by one."""
MAX_DEPTH = 20
"""Nested fields. The usual introspection query needs 13; a page in a page in a page about as many."""
MAX_BRACKETS = 80
"""Brackets of all kinds within each other: the parser and the rules of validation call themselves for each."""
MAX_FIELDS = 1_000
"""Fields of an operation with its fragments written out, so that fragments within fragments cannot multiply."""
MAX_ALIASES = 100
MAX_DIRECTIVES = 50
MAX_DEFINITIONS = 100
"""Operations and fragments of a document. Comparing overlapping fragments is quadratic."""
MAX_VARIABLES = 100
MAX_MUTATIONS = 20
"""Root fields of one mutation: each is a transaction, and some hash a password."""
MAX_ITEMS = 100
"""Items of a list in the input, unless the input field's metadata says otherwise (`max_items`)."""
MAX_INPUT_DEPTH = 30
"""Lists and objects within each other, in variables, in literals and in the types of variables. The deepest input of
ours needs six."""
MAX_LITERAL_DIGITS = 19
MAX_REPEATS = 1_000
"""Pairs of fields with one name in the answer, where they are not all the same field with the same arguments.
Validation compares each with each."""
MAX_ERRORS = 5
"""Validation errors of one document that are told, and one more that says so."""


LIMIT = {"reason": "LIMIT"}


def too_much(what: str, maximum: int, node: Node | None = None) -> GraphQLError:
    return GraphQLError(f"The operation has too many {what}: at most {maximum}.", node, extensions=LIMIT)


@dataclass
class Size:
    """The size of a selection set with its fragments written out."""

    fields: int = 0
    depth: int = 0
    roots: int = 0


@dataclass
class _Measure:
    """Sizes of a document's selection sets, each fragment measured once and counted wherever it is spread."""

    fragments: Fragments
    sizes: dict[str, Size | None] = field(default_factory=dict)
    aliases: int = 0
    directives: int = 0
    errors: list[GraphQLError] = field(default_factory=list)

    def size(self, selections: SelectionSetNode | None) -> Size:
        total = Size()
        for _, node in walk([(None, selections)], {}) if selections else ():
            self.directives += len(node.directives or ())
            if isinstance(node, FieldNode):
                self.aliases += node.alias is not None
                for argument in node.arguments or ():
                    self.literal(argument.value)
                inner = self.size(node.selection_set)
                total.fields += 1 + inner.fields
                total.depth = max(total.depth, 1 + inner.depth)
                total.roots += 1
            elif isinstance(node, FragmentSpreadNode):
                inner = self.fragment(node.name.value)
                total.fields += inner.fields
                total.depth = max(total.depth, inner.depth)
                total.roots += inner.roots
            for directive in node.directives or ():
                for argument in directive.arguments or ():
                    self.literal(argument.value)
        return total

    def fragment(self, name: str) -> Size:
        if name not in self.sizes:
            # Null while it is being measured: a fragment within itself counts as nothing and fails validation.
            self.sizes[name] = None
            definition = self.fragments.get(name)
            self.sizes[name] = self.size(definition.selection_set) if definition else Size()
        return self.sizes[name] or Size()

    def literal(self, node: Any, level: int = 0) -> None:
        """Check a value that is written into the document."""
        if level >= MAX_INPUT_DEPTH and isinstance(node, ListValueNode | ObjectValueNode):
            self.errors.append(too_much("levels in a value", MAX_INPUT_DEPTH, node))
        elif isinstance(node, StringValueNode):
            if problem := text_problem(node.value):
                self.errors.append(GraphQLError(problem, node))
        elif isinstance(node, IntValueNode):
            if len(node.value.lstrip("-")) > MAX_LITERAL_DIGITS:
                message = f"An integer is too large: at most {MAX_LITERAL_DIGITS} digits."
                self.errors.append(GraphQLError(message, node, extensions=LIMIT))
        elif isinstance(node, ListValueNode):
            if len(node.values) > MAX_ITEMS:
                self.errors.append(too_much("items in a list", MAX_ITEMS, node))
            else:
                for value in node.values:
                    self.literal(value, level + 1)
        else:
            for item in getattr(node, "fields", ()):
                self.literal(item.value, level + 1)

    def type(self, node: TypeNode) -> None:
        level = 0
        while isinstance(node, NonNullTypeNode | ListTypeNode):
            level += isinstance(node, ListTypeNode)
            node = node.type
        if level > MAX_INPUT_DEPTH:
            self.errors.append(too_much("levels in a type", MAX_INPUT_DEPTH, node))


def check_text(text: str) -> GraphQLError | None:
    """Return the error of a text that is too large to be parsed."""
    if len(text) > MAX_LENGTH:
        return too_much("characters", MAX_LENGTH)
    found = scan(text)
    if found.tokens > MAX_TOKENS:
        return too_much("tokens", MAX_TOKENS)
    if found.comments > MAX_TOKENS:
        return too_much("comments", MAX_TOKENS)
    if found.depth > MAX_BRACKETS:
        return too_much("levels", MAX_BRACKETS)
    if found.longest > MAX_TOKEN_LENGTH:
        return too_much("characters in one token", MAX_TOKEN_LENGTH)
    return None


def check_document(document: DocumentNode) -> list[GraphQLError]:
    """Return the errors of a parsed document that asks for too much."""
    if len(document.definitions) > MAX_DEFINITIONS:
        return [too_much("definitions", MAX_DEFINITIONS)]
    measured = _Measure(fragments_of(document))
    try:
        for definition in document.definitions:
            if isinstance(definition, FragmentDefinitionNode):
                # Measured for itself too: a fragment that no operation uses is no way around the limits.
                measured.directives += len(definition.directives or ())
                measured.errors += _check_size(measured.fragment(definition.name.value), definition)
            elif isinstance(definition, OperationDefinitionNode):
                measured.errors += _check_operation(measured, definition)
    except RecursionError:
        return [too_much("levels", MAX_DEPTH)]
    if measured.aliases > MAX_ALIASES:
        measured.errors.append(too_much("aliases", MAX_ALIASES))
    if measured.directives > MAX_DIRECTIVES:
        measured.errors.append(too_much("directives", MAX_DIRECTIVES))
    return measured.errors[:MAX_ERRORS]


def _check_size(size: Size, definition: Node) -> Iterator[GraphQLError]:
    if size.depth > MAX_DEPTH:
        yield too_much("levels", MAX_DEPTH, definition)
    if size.fields > MAX_FIELDS:
        yield too_much("fields", MAX_FIELDS, definition)


def _check_operation(measured: _Measure, operation: OperationDefinitionNode) -> Iterator[GraphQLError]:
    size = measured.size(operation.selection_set)
    measured.directives += len(operation.directives or ())
    variables = operation.variable_definitions or ()
    if len(variables) > MAX_VARIABLES:
        yield too_much("variables", MAX_VARIABLES, operation)
        return
    for variable in variables:
        measured.directives += len(variable.directives or ())
        measured.literal(variable.default_value)
        measured.type(variable.type)
    if operation.operation is OperationType.MUTATION and size.roots > MAX_MUTATIONS:
        yield too_much("mutations", MAX_MUTATIONS, operation)
    yield from _check_size(size, operation)


HOLDERS = frozenset((dict, list))


def text_problem(text: str) -> str | None:
    """PostgreSQL keeps neither NUL nor half a surrogate pair, and no text needs them."""
    if "\x00" in text:
        return "A text has the character NUL."
    try:
        text.encode()
    except UnicodeEncodeError:
        return "A text has a lone surrogate, which is not Unicode."
    return None


def is_too_deep(value: Any, levels: int = MAX_INPUT_DEPTH) -> bool:
    """Whether lists and objects lie within each other more often than this, as JSON was read. Never calls itself."""
    layer = [value] if type(value) in HOLDERS else []
    for _level in range(levels):
        if not layer:
            return False
        inner: list[Any] = []
        for one in layer:
            held = one.values() if type(one) is dict else one
            # Most lists hold texts and numbers alone, and there may be very many.
            if not HOLDERS.isdisjoint(map(type, held)):
                inner += [each for each in held if type(each) in HOLDERS]
        layer = inner
    return bool(layer)
