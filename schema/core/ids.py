"""Opaque global ids (GraphQL Global Object Identification): base64url of type name and UUID."""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterable
from functools import cache
from uuid import UUID

from caches import for_ids
from errors import InvalidId

_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_STANDARD = bytes.maketrans(b"-_", b"+/")
OF_FEW_ROWS = frozenset({"Club", "EventCategory", "Interest", "ServiceType", "Venue"})
"""Types of few rows that stand in many answers: their ids are kept as they are written."""


def encode(type_name: str, id: UUID) -> str:
    return encoder(type_name)(id)


def _base64(written: bytes) -> str:
    return b2a_base64(written, newline=False).translate(_URL_SAFE).rstrip(b"=").decode()


@cache
def encoder(type_name: str) -> Callable[[UUID], str]:
    """Return what writes the ids of one type. Every row of an answer has one, so it takes the short way."""
    prefix, table = type_name.encode() + b":", _URL_SAFE

    def write(id: UUID) -> str:
        return b2a_base64(prefix + id.bytes, newline=False).translate(table).rstrip(b"=").decode()

    return for_ids(write) if type_name in OF_FEW_ROWS else write


def parse(value: str) -> tuple[str, UUID]:
    """Type name and UUID. Raises `InvalidId` for anything that `encode` did not make."""
    try:
        written = a2b_base64(value.encode("ascii").translate(_STANDARD) + b"=" * (-len(value) % 4))
        name, _, raw = written.partition(b":")
        found = name.decode("ascii"), UUID(bytes=raw)
    except ValueError as error:
        raise InvalidId from error
    # Decoding skips what is no base64, and takes more than one text for the same bytes.
    if _base64(written) != value:
        raise InvalidId
    return found


def decode(value: str, type_name: str, *path: str) -> UUID:
    """Return the UUID of an id that must be of one type. Raises `InvalidId` with the path of the argument.

    Ids within an input were looked at before (`schema/core/input_checks.py`).
    """
    try:
        found, id = parse(value)
    except InvalidId:
        raise InvalidId(path=path) from None
    if found != type_name:
        raise InvalidId(path=path)
    return id


def decode_all(values: Iterable[str], type_name: str) -> list[UUID]:
    return [decode(value, type_name) for value in values]


def maybe(value: str | None, type_name: str) -> UUID | None:
    """Return the UUID of an id that may be left out."""
    return None if value is None else decode(value, type_name)


def maybe_all(values: Iterable[str] | None, type_name: str) -> list[UUID] | None:
    """Decode a set of ids that may be omitted."""
    return None if values is None else decode_all(values, type_name)
