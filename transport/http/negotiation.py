"""Media types and encodings, as a client's headers choose them (RFC 9110, section 12.5)."""

from __future__ import annotations

from collections.abc import Sequence

from caches import for_short_texts
from translations.accept import Preference, preferences

RESPONSE_TYPE = "application/graphql-response+json"
JSON_TYPE = "application/json"
STREAM_TYPE = "text/event-stream"


@for_short_texts
def choose(accept: str, offered: Sequence[str], wildcard: str) -> str | None:
    """Return the offered type that the header likes best; null where it takes none.

    The most specific range that fits a type decides about it. Of equally liked types the one named first wins. A mere
    wildcard means `wildcard`, whatever stands first: clients that say only `*/*` know nothing of newer types.
    """
    ranges = [(at, one) for at, one in enumerate(preferences(accept or "*/*")) if _is_utf_8(one)]
    best: tuple[float, int, bool] | None = None
    chosen = None
    for name in offered:
        fitting = [(_specificity(one.value, name), -at, one) for at, one in ranges if _specificity(one.value, name)]
        if not fitting:
            continue
        _, position, range_ = max(fitting, key=lambda found: found[:2])
        rank = (range_.quality, position, name == wildcard)
        if range_.quality > 0 and (best is None or rank > best):
            best, chosen = rank, name
    return chosen


def _specificity(range_: str, name: str) -> int:
    """Return 3 for the type itself, 2 and 1 for wildcards, 0 where the range does not fit."""
    if range_ == name:
        return 3
    if range_ == name.split("/")[0] + "/*":
        return 2
    return 1 if range_ == "*/*" else 0


def _is_utf_8(range_: Preference) -> bool:
    return all(value == "utf-8" for name, value in range_.parameters if name == "charset")


@for_short_texts
def takes_gzip(accept_encoding: str) -> bool:
    """Tell whether an answer may be compressed for this header: gzip by its name or by a wildcard, not refused."""
    found = {one.value: one.quality for one in preferences(accept_encoding)}
    named = [quality for name, quality in found.items() if name in ("gzip", "x-gzip")]
    return max(named, default=found.get("*", 0.0)) > 0


@for_short_texts
def content_type(header: str) -> tuple[str, str]:
    """Media type and charset of a Content-Type header, in lower case."""
    name, *parameters = (piece.strip() for piece in header.lower().split(";"))
    charset = next((piece[8:].strip('"') for piece in parameters if piece.startswith("charset=")), "utf-8")
    return name, charset
