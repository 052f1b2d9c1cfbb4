"""Headers by which a client says what it likes, such as Accept-Language (RFC 9110, section 12.4.2)."""

from __future__ import annotations

import re
from typing import NamedTuple

LONGEST = 2_000
"""Characters of a header that are read."""
MOST = 50
"""Preferences of a header that are read."""
QUALITY = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")


class Preference(NamedTuple):
    """One member of such a header, in lower case. `quality` 0 means: not this."""

    value: str
    parameters: tuple[tuple[str, str], ...]
    quality: float


def preferences(header: str) -> list[Preference]:
    """Return the members of a header, in their order. One with a malformed quality counts as refused."""
    found = []
    for part in header[:LONGEST].lower().split(",")[:MOST]:
        value, *rest = (piece.strip() for piece in part.split(";"))
        if not value:
            continue
        quality, parameters = 1.0, []
        for piece in rest:
            name, _, given = (side.strip() for side in piece.partition("="))
            if name == "q":
                quality = float(given) if QUALITY.fullmatch(given) else 0.0
            elif name:
                parameters.append((name, given.strip('"')))
        found.append(Preference(value, tuple(parameters), quality))
    return found
