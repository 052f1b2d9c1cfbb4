"""Words that someone typed, as conditions: every Russian and English form of them, and unfinished words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, false, func, literal_column, or_
from sqlalchemy.dialects.postgresql import REGCONFIG

WORD = re.compile(r"[^\W_]+")
MOST_WORDS = 12


def words(text: str) -> list[str]:
    """The words of a text, ё folded as in the search columns; those beyond the twelfth are left out."""
    return [word.lower().replace("ё", "е") for word in WORD.findall(text)][:MOST_WORDS]


def has_all(text: str, within: Callable[[ColumnElement[Any]], ColumnElement[bool]]) -> list[ColumnElement[bool]]:
    """One condition for each word; `within` says where a word's query is to be looked for.

    Words that PostgreSQL leaves out of its indexes ("the", "of") are no condition. A text without words finds nothing.
    """
    queries = [_any_form(word) for word in words(text)]
    return [or_(within(query), func.numnode(query) == 0) for query in queries] or [false()]


def _any_form(word: str) -> ColumnElement[Any]:
    """A form or the beginning of a word, in either language."""
    russian, english = (
        func.to_tsquery(literal_column(f"'{name}'", REGCONFIG), f"{word}:*") for name in ("russian", "english")
    )
    return russian.op("||")(english).self_group()
