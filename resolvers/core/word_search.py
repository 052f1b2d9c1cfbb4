"""Words that someone typed, looked for in columns of words. Both are cut and stemmed by functions of the database.

ADR 25 says how, and why PostgreSQL's own configurations do not do.
"""

from __future__ import annotations

import re
from typing import Any
from unicodedata import normalize

from sqlalchemy import CTE, BigInteger, ColumnElement, Select, Text, case, func, literal, literal_column, null, select
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY

from dataloaders.core.compiled import SearchText

WORDS = re.compile(r"[^\W_]|[\u20a0-\u20cf\u2190-\u2bff\U0001f000-\U0001faff]")
ANYWHERE, IN_TITLE, IN_TAGS, IN_PLACE = 1, 2, 3, 4
"""Queries that `search_queries()` makes of a text. The later ones each include the one before."""
RANKS = (1, 2, 3, 4)
"""Where all words of a text are: in the title, there and in the tags, with the place, or anywhere."""
QUERIES = {1: IN_TITLE, 2: IN_TAGS, 3: IN_PLACE, 4: ANYWHERE}
"""The query by which the words are found in places up to a rank."""
PLACES = {1: "{a}", 2: "{a,b}", 3: "{a,b,c}"}
"""The weights of the words in places up to a rank."""


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
        self._typed = literal(SearchText(text), Text)
        self._queries: Any = func.search_queries(self._typed, type_=ARRAY(TSQUERY)).column_valued("asked")

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

    def asked(self) -> CTE:
        """Return the queries as a table. PostgreSQL does not know them while it plans, so it takes what they find for
        little and uses an index: for conditions that are stated only where that is so.
        """
        queries = func.search_queries(self._typed, type_=ARRAY(TSQUERY)).label("queries")
        return select(queries).cte("asked").prefix_with("MATERIALIZED", dialect="postgresql")

    def rank_of(self, asked: CTE, words: Any, *, of_all: bool) -> ColumnElement[int | None]:
        """Return the rank, null where these are not the words. If `of_all`, it is the same for all that have them."""
        has_none = (~_matches(asked, words, ANYWHERE), null())
        if of_all:
            return case(has_none, else_=literal(RANKS[0], BigInteger))
        ranks = [(_matches(asked, words, QUERIES[rank]), literal(rank, BigInteger)) for rank in RANKS[:-1]]
        return case(has_none, *ranks, else_=literal(RANKS[-1], BigInteger))

    def is_within(self, asked: CTE, words: Any, rank: int) -> ColumnElement[bool]:
        """Whether the rank is this one or a better one: a condition that an index of `event_words` has."""
        places = PLACES.get(rank)
        found = words if places is None else func.ts_filter(words, literal_column(f"'{places}'::\"char\"[]"))
        return _matches(asked, found, ANYWHERE)


def _matches(asked: CTE, words: Any, where: int) -> ColumnElement[bool]:
    found: ColumnElement[bool] = words.bool_op("@@")(select(asked.c.queries[where]).scalar_subquery())
    return found
