"""Cursors of live streams: an opaque number in one stream, and what to do with one that is of no use any more."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

from errors import InvalidCursor

LONGEST = 64
"""Characters. All cursors that are made here have 32."""


def encode(owner_id: UUID, sequence: int) -> str:
    return urlsafe_b64encode(owner_id.bytes + sequence.to_bytes(8, "big")).rstrip(b"=").decode()


def decode(cursor: str, owner_id: UUID) -> int:
    """Return the number in a cursor of this very stream. Raises `InvalidCursor`."""
    if len(cursor) > LONGEST:
        raise InvalidCursor(path=("after",))
    try:
        raw = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except ValueError as error:
        raise InvalidCursor(path=("after",)) from error
    if len(raw) != 24 or raw[:16] != owner_id.bytes:
        raise InvalidCursor(path=("after",))
    return int.from_bytes(raw[16:], "big")
