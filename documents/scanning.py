"""A first look at a document: how many tokens it has and how deep its brackets go, quicker than parsing by far.

What it counts is what the parser would find in a document without syntax errors. Whoever gets round it by writing one
with errors meets the parser's own limits.
"""

from __future__ import annotations

import re
from typing import NamedTuple

TOKEN = re.compile(
    r'"""[^"\\]*+(?:(?:\\(?:""")?|"(?!""))[^"\\]*+)*+(?:""")?'
    r'|"[^"\\\r\n]*+(?:\\.[^"\\\r\n]*+)*+"?'
    r"|\#[^\r\n]*+"
    r"|[_A-Za-z][_0-9A-Za-z]*+"
    r"|-?[0-9][.0-9A-Za-z_+-]*+"
    r"|\.\.\."
    r"|[!$&()=:@\[\]{|}]"
    r"|[\s,\ufeff]++"
)
IGNORED = frozenset(" \t\r\n,\ufeff\v\f")
OPENING = frozenset("([{")
CLOSING = frozenset(")]}")


class Scan(NamedTuple):
    """`tokens` are without the `comments`, as the parser counts them; `depth` is that of the brackets of all kinds;
    `longest` is the longest token or comment, or what stands between two, in characters."""

    tokens: int
    comments: int
    depth: int
    longest: int


def scan(text: str) -> Scan:
    found = TOKEN.findall(text)
    comments = ignored = depth = deepest = 0
    for token in found:
        if token[0] in IGNORED:
            ignored += 1
        elif token in OPENING:
            depth += 1
            deepest = max(deepest, depth)
        elif token in CLOSING:
            depth -= 1
        elif token[0] == "#":
            comments += 1
    return Scan(len(found) - comments - ignored, comments, deepest, max(map(len, found), default=0))
