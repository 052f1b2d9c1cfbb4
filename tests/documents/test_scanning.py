"""The first look at a document counts what the parser counts."""

from __future__ import annotations

from pathlib import Path

import pytest
from graphql import get_introspection_query, parse
from graphql.language import Lexer, Source, TokenKind
from hypothesis import given
from hypothesis import strategies as st

from documents.scanning import scan

WORDS = ["a", "b_1", "12", "-1.5e-3", '"x"', '""', '"a\\"b"', '"""a"""', '"""\\"""\n"" """', "# {\n", '# "\n', "\n"]
PIECES = st.sampled_from([*WORDS, "...", *"{}[]()$:=!@&|,"])


def tokens(text: str) -> int:
    lexer = Lexer(Source(text))
    count = 0
    while (token := lexer.advance()).kind is not TokenKind.EOF:
        count += token.kind is not TokenKind.COMMENT
    return count


@given(st.lists(PIECES, max_size=30).map(" ".join))
def test_tokens_are_counted_as_the_parser_counts_them(text):
    assert scan(text).tokens == tokens(text)


@pytest.mark.parametrize("file", sorted(Path("benchmarks/documents").rglob("*.graphql")), ids=str)
def test_tokens_of_real_documents(file):
    assert scan(file.read_text()).tokens == parse(file.read_text()).token_count


def test_the_usual_introspection_is_shallow():
    text = get_introspection_query()

    assert scan(text).tokens == parse(text).token_count
    assert scan(text).depth == 10


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        ("", 0),
        ("{ a }", 1),
        ("{ a(b: [{c: 1}]) { d } }", 4),
        ('{ a(b: "[[[[") } # ((((((', 2),
        ("]]]] {", 0),
        ("[(}", 2),
    ],
)
def test_brackets_are_counted_outside_of_texts_and_comments(text, depth):
    assert scan(text).depth == depth


@pytest.mark.parametrize("piece", ['"', "\\", '"""', '\\"""', '"\\', "[", "-", " ", "#", '"x\n', '"""\\'], ids=repr)
def test_no_text_takes_longer_than_its_length(piece):
    """The pattern never goes back: this would take for ever, if it did."""
    assert scan(piece * 100_000).tokens <= 300_000
