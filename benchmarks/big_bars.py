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
    BigBar(r"Chat\.lastMessage|Viewer\.chats: everything", 10, "one index entry for each chat"),
    BigBar(r"Chat\.messages: totalCount", 10, "from the numbers of messages, not from the messages"),
    BigBar(r"(events|services): .*text “(зимородок|квазар)”", 10, "few ids are known at once"),
    BigBar(r"Query\.(events|services): .*text “", 50, "many rows have the words, and the best come first"),
    BigBar(r"Query\.venues|Query\.events: hostedByViewer", 10, "ordered by an index"),
)
"""The first that matches counts."""


def bar_for(subject: str) -> float:
    return next((bar.milliseconds for bar in BARS if re.search(bar.pattern, subject)), USUAL)
