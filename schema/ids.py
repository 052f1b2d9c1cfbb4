"""Opaque global ids (GraphQL Global Object Identification): base64url of type name and UUID."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

from errors import InvalidId


def encode(type_name: str, id: UUID) -> str:
    return urlsafe_b64encode(type_name.encode() + b":" + id.bytes).rstrip(b"=").decode()


def parse(value: str) -> tuple[str, UUID]:
    """Type name and UUID. Raises `InvalidId` for anything that `encode` did not make."""
    try:
        name, _, raw = urlsafe_b64decode(value + "=" * (-len(value) % 4)).partition(b":")
        found = name.decode("ascii"), UUID(bytes=raw)
    except ValueError as error:
        raise InvalidId from error
    if encode(*found) != value:
        raise InvalidId
    return found


def decode(value: str, type_name: str, *path: str) -> UUID:
    """The UUID of an id that must be of one type. Raises `InvalidId` with the path of the argument."""
    try:
        found, id = parse(value)
    except InvalidId:
        raise InvalidId(path=path) from None
    if found != type_name:
        raise InvalidId(path=path)
    return id
