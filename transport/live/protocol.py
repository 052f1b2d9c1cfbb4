"""What clients may say in `graphql-transport-ws`, and the codes with which a socket is closed."""

from __future__ import annotations

from typing import Any

from transport.http.bodies import parse_json
from transport.operations.requests import BadRequest, Parameters, parameters_from

PROTOCOL = "graphql-transport-ws"
INVALID = 4400
UNAUTHORIZED = 4401
FORBIDDEN = 4403
WRONG_PROTOCOL = 4406
INIT_TIMEOUT = 4408
DUPLICATE = 4409
TOO_MANY = 4429
INTERNAL = 1011
TRY_AGAIN = 1013
"""We cannot serve right now: clients connect again after a while."""
LONGEST_ID = 128
"""Characters: we repeat it in every message."""


class ProtocolViolation(Exception):
    """The client broke the protocol: the socket is closed with the code."""

    def __init__(self, code: int, reason: str) -> None:
        self.code, self.reason = code, reason
        super().__init__(reason)


def message_in(text: str | None) -> dict[str, Any]:
    """Return a message of the protocol, whatever its type. Null stands for a message that is no text."""
    if text is None:
        raise ProtocolViolation(INVALID, "Messages are text")
    try:
        message = parse_json(text)
    except BadRequest:
        raise ProtocolViolation(INVALID, "Messages are JSON") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise ProtocolViolation(INVALID, "Messages are objects with a type")
    return message


def id_of(message: dict[str, Any]) -> str:
    found = message.get("id")
    if not isinstance(found, str) or not 1 <= len(found) <= LONGEST_ID:
        raise ProtocolViolation(INVALID, "The id is not a text, empty, or too long")
    return found


def parameters_of(message: dict[str, Any]) -> Parameters:
    """Return the parameters of a message. Raises `BadRequest` where it asks for too much."""
    try:
        return parameters_from(message.get("payload"))
    except BadRequest as error:
        if error.reason == "LIMIT":
            raise
        raise ProtocolViolation(INVALID, error.message) from None
