"""What a question about the big dataset may take, and why where that is not the usual.

Fixing a list that is slower than its bar ends with its line here, or with a lower figure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

USUAL = 20.0
"""Milliseconds within which 95 of 100 answers come, one request at a time on two shared cores."""


@dataclass(frozen=True)
class BigBar:
    """A bar for the questions whose `field: way` the pattern matches."""

    pattern: str
    milliseconds: float
    reason: str


BARS = (
    BigBar(r"Chat\.lastMessage|Viewer\.chats: everything", 10, "one entry of an index for each chat"),
    BigBar(r"Chat\.messages: totalCount", 5, "a difference of two numbers"),
    BigBar(r"Query\.(events|services): text “(зимородок|квазар)”", 10, "few rows, known at once"),
    BigBar(r"Query\.events: interestIds 39", 10, "few rows, known at once"),
    BigBar(r"Query\.(events|services): text “", 50, "very many rows have the words, and the best of them come first"),
    BigBar(r"Query\.events: (timings PAST|archived true)$", 10, "the end of an index"),
    BigBar(r"Query\.venues: (first|last|next)|Query\.events: hostedByViewer true$", 10, "the end of an index"),
    BigBar(r"(Event\.(participants|reviews)|Club\.members|Viewer\.chats): ", 15, "an index has their order"),
)
"""The first that matches counts."""


def bar_for(subject: str) -> float:
    return next((bar.milliseconds for bar in BARS if re.search(bar.pattern, subject)), USUAL)
