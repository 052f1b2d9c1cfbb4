"""Which media type to answer with (RFC 9110, section 12.5.1)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

RESPONSE_TYPE = "application/graphql-response+json"
JSON_TYPE = "application/json"
STREAM_TYPE = "text/event-stream"


@lru_cache(maxsize=512)
def choose(accept: str, offered: Sequence[str], wildcard: str) -> str | None:
    """The offered type that the header likes best; null where it takes none.

    Of equally liked types the one named first wins. A mere wildcard means `wildcard`, whatever stands first: clients
    that say only `*/*` know nothing of newer types.
    """
    best: tuple[float, int] = (0.0, 0)
    chosen = None
    for position, part in enumerate((accept or "*/*").lower().split(",")):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        quality = _quality(parameters)
        found = name if name in offered else wildcard if name in ("*/*", wildcard.split("/")[0] + "/*") else None
        if any(piece.startswith("charset=") and piece != "charset=utf-8" for piece in parameters):
            continue
        if found is not None and quality > 0 and (quality, -position) > best:
            best, chosen = (quality, -position), found
    return chosen


def _quality(parameters: Sequence[str]) -> float:
    for piece in parameters:
        if piece.startswith("q="):
            try:
                return min(max(float(piece[2:]), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


@lru_cache(maxsize=512)
def content_type(header: str) -> tuple[str, str]:
    """Media type and charset of a Content-Type header, in lower case."""
    name, *parameters = (piece.strip() for piece in header.lower().split(";"))
    charset = next((piece[8:].strip('"') for piece in parameters if piece.startswith("charset=")), "utf-8")
    return name, charset
