"""What costs without being a row of the answer, in the unit of `engine/cost.py`.

The prices were measured (`docs/adr/0013`): one unit is about four microseconds of the server's and PostgreSQL's time
together. What is narrowed or searched is looked at in a table that grows, so these prices are on the high side.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from documents.limits import MAX_LENGTH, MAX_TOKENS
from documents.scanning import scan
from schema.core.metadata import COST_KEY

Price = Callable[[Any], int]

READING = 20
"""A root field that asks for something: a statement."""
TOTAL_COUNT = 20
ROOT_TOTAL_COUNT = 500
"""Counting a list as one viewer sees it, up to a bound (`dataloaders/core/counting.py`)."""
CONDITION = 50
"""An argument that narrows or sorts a root list."""
ITEM = 5
"""An item of such an argument, or an id that is looked up."""
MUTATION = 200
HASHING = 10_000
"""A mutation that hashes a password."""

TOKEN = 25
"""A token of a document that is not known yet. Parsing and validating take it six units; the rest is for those who send
ever new documents, which no client does."""
DOCUMENT = 100
"""A document that is not known yet, however short."""
FREE_BYTES = 4_096
BYTES_FOR_ONE = 10
"""Bytes of a body beyond the first ones that cost one unit."""

INTROSPECTION = 50
"""Asking the schema about itself."""
DESCRIBED = 2
"""A field of what the schema answers about itself."""
BESIDE_ROWS = 10
"""Times as much it costs beside rows, where it runs in one go."""

WORD = re.compile(r"[^\W_]+")
MOST_WORDS = 20
"""Maximum number of words that are counted. A longer text is refused."""


@dataclass(frozen=True)
class WordSearchPrice:
    """The price of a text whose words are searched for: each is a condition of its own, which may fit most of what
    there is."""

    first: int
    each: int

    def __call__(self, text: Any) -> int:
        if not isinstance(text, str):
            return 0
        found = len(WORD.findall(text[:1_000]))
        return self.first + self.each * min(found, MOST_WORDS) if found else 0


SEARCHED = {COST_KEY: WordSearchPrice(1_500, 500)}
"""Metadata of an input field whose words are searched for among events."""
SEARCHED_NAMES = {COST_KEY: WordSearchPrice(100, 50)}
"""The same among what has names alone, of which there are fewer."""


def price_of_bytes(size: int) -> int:
    """Return the price of a body, or of a message of a socket. What clients send for a screen is free."""
    return max(0, size - FREE_BYTES) // BYTES_FOR_ONE


def price_of_description(size: int) -> int:
    """Return the price of a kept answer about the schema, whose size is in bytes."""
    return size // 100


def price_of_document(text: str) -> int:
    """Return the price of preparing a document. One that is too long is refused before it is read."""
    if len(text) > MAX_LENGTH:
        return DOCUMENT
    return DOCUMENT + TOKEN * min(scan(text).tokens, MAX_TOKENS)


def condition(value: Any) -> int:
    """Return the price of an argument without one of its own."""
    return CONDITION + (ITEM * len(value) if isinstance(value, list) else 0)
