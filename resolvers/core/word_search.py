"""Words that someone typed, looked for in columns of words. Both are cut and stemmed by functions of the database.

ADR 25 says how, and why PostgreSQL's own configurations do not do.
"""

from __future__ import annotations

import re
from typing import Any
from unicodedata import normalize

from sqlalchemy import BigInteger, ColumnElement, Select, Text, case, func, literal
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY

from dataloaders.core.compiled import SearchText

WORDS = re.compile(r"[^\W_]|[\u20a0-\u20cf\u2190-\u2bff\U0001f000-\U0001faff]")
ANYWHERE, IN_TITLE, IN_TAGS, IN_PLACE = 1, 2, 3, 4
"""Queries that `search_queries()` makes of a text. The later ones each include the one before."""


def narrow(statement: Select[Any], words: Any, text: str | None) -> Select[Any]:
    """Narrow the statement to rows that have the words of a text. A blank text keeps all of them."""
    query = query_of(text)
    return statement if query is None else statement.where(query.matches(words))


def query_of(text: str | None) -> WordQuery | None:
    """Return the query of a text, null if it has no words and narrows nothing."""
    return WordQuery(text) if text is not None and has_words(text) else None


def has_words(text: str) -> bool:
    """Whether there is anything to look for. Letters, digits and symbols are words for `search_words`, too."""
    return WORDS.search(normalize("NFKD", text.replace("№", " "))) is not None


class WordQuery:
    """A typed text as conditions. Words that say little are none, unless there are no others.

    PostgreSQL computes the queries once for each plan, as a constant that it knows the frequency of.
    """

    def __init__(self, text: str) -> None:
        typed = literal(SearchText(text), Text)
        self._queries: Any = func.search_queries(typed, type_=ARRAY(TSQUERY)).column_valued("asked")

    def matches(self, words: Any, where: int = ANYWHERE) -> ColumnElement[bool]:
        """Whether all words of the text, in any form, or begun only, are among these."""
        found: ColumnElement[bool] = words.bool_op("@@")(self._queries[where])
        return found

    def rank(self, words: Any) -> ColumnElement[int]:
        """Return 1 where the title has all words, 2 where title and tags have them, 3 with the place, else 4."""
        return case(
            (self.matches(words, IN_TITLE), literal(1, BigInteger)),
            (self.matches(words, IN_TAGS), literal(2, BigInteger)),
            (self.matches(words, IN_PLACE), literal(3, BigInteger)),
            else_=literal(4, BigInteger),
        )
