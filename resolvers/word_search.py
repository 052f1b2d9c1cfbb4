"""Words that someone typed, as conditions: every Russian and English form of them, and unfinished words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, false, func, literal_column
from sqlalchemy.dialects.postgresql import REGCONFIG

WORD = re.compile(r"[^\W_]+")
MOST_WORDS = 12
LEFT_OUT = (
    "i me my myself we our ours ourselves you your yours yourself yourselves he him his himself she her hers herself "
    "it its itself they them their theirs themselves what which who whom this that these those am is are was were be "
    "been being have has had having do does did doing a an the and but if or because as until while of at by for with "
    "about against between into through during before after above below to from up down in out on off over under "
    "again further then once here there when where why how all any both each few more most other some such no nor not "
    "only own same so than too very s t can will just don should now"
)
"""English words that PostgreSQL leaves out of its indexes: nobody can be asked to have them. Of the Russian ones
the English configuration keeps every one."""
UNINDEXED = frozenset(LEFT_OUT.split())


def words(text: str) -> list[str]:
    """The words of a text, ё folded as in the search columns; those beyond the twelfth are left out."""
    return [word.lower().replace("ё", "е") for word in WORD.findall(text)][:MOST_WORDS]


def has_all(text: str, within: Callable[[ColumnElement[Any]], ColumnElement[bool]]) -> list[ColumnElement[bool]]:
    """One condition for each word; `within` says where a word's query is to be looked for.

    Words that are in no index are no condition, unless there are no others. A text without words finds nothing.
    """
    found = words(text)
    asked = [word for word in found if word not in UNINDEXED] or found
    return [within(_any_form(word)) for word in asked] or [false()]


def _any_form(word: str) -> ColumnElement[Any]:
    """A form or the beginning of a word, in either language."""
    russian, english = (
        func.to_tsquery(literal_column(f"'{name}'", REGCONFIG), f"{word}:*") for name in ("russian", "english")
    )
    return russian.op("||")(english).self_group()
