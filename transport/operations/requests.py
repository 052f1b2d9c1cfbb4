"""What a request asks for, whichever transport brought it: its document, variables and extensions, checked."""

from __future__ import annotations

from typing import Any, NamedTuple

from documents.limits import MAX_INPUT_DEPTH, is_too_deep
from transport.operations.persisted import LONGEST_ID

OUTER_LEVELS = 2
"""Levels of a request around the value of a variable."""


UNPROCESSABLE = 422
"""What was sent can be read, but not run. Clients of older editions, and those that take plain JSON, are told 400."""


class BadRequest(Exception):
    """What was sent is no request that could be run. `headers` go with the answer."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        code: str = "BAD_USER_INPUT",
        reason: str = "",
        headers: dict[str, str] | None = None,
        extensions: dict[str, Any] | None = None,
    ) -> None:
        self.message, self.status, self.code, self.reason = message, status, code, reason
        self.headers, self.extensions = headers or {}, extensions or {}
        super().__init__(message)

    @property
    def body(self) -> dict[str, Any]:
        extensions = {"code": self.code} | ({"reason": self.reason} if self.reason else {}) | self.extensions
        return {"errors": [{"message": self.message, "extensions": extensions}]}


class InvalidParameters(BadRequest):
    """A request of JSON whose parameters are no good."""

    def __init__(self, message: str, *, reason: str = "") -> None:
        super().__init__(message, status=UNPROCESSABLE, reason=reason)


class Parameters(NamedTuple):
    """What was sent. `query` is empty where the document is only named, until it has been found by its name."""

    query: str
    variables: dict[str, Any] | None
    operation_name: str | None
    document_id: str | None = None
    hash: str | None = None
    wants_cost: bool = False
    wants_plan: bool = False


def parameters_from(found: Any) -> Parameters:
    """Return the parameters of a request, checked. Raises `InvalidParameters`."""
    if not isinstance(found, dict):
        raise InvalidParameters("The request is not a JSON object.")
    if is_too_deep(found, OUTER_LEVELS + MAX_INPUT_DEPTH):
        raise InvalidParameters(f"A value has too many levels: at most {MAX_INPUT_DEPTH}.", reason="LIMIT")
    query: Any = found.get("query")
    variables: Any = found.get("variables")
    operation: Any = found.get("operationName")
    extensions: Any = found.get("extensions")
    if variables is not None and not isinstance(variables, dict):
        raise InvalidParameters("`variables` is not an object.")
    if operation is not None and not isinstance(operation, str):
        raise InvalidParameters("`operationName` is not a string.")
    if extensions is not None and not isinstance(extensions, dict):
        raise InvalidParameters("`extensions` is not an object.")
    id = hash = None
    if extensions or "documentId" in found:
        id, hash = _identity(found.get("documentId"), (extensions or {}).get("persistedQuery"))
    if query is None and (id or hash):
        query = ""
    if not isinstance(query, str) or not (query or id or hash):
        raise InvalidParameters("`query` is missing or not a string.")
    if not extensions:
        return Parameters(query, variables, operation, id, hash)
    wants_cost, wants_plan = extensions.get("cost") is True, extensions.get("plan") is True
    return Parameters(query, variables, operation, id, hash, wants_cost, wants_plan)


def _identity(id: Any, persisted: Any) -> tuple[str | None, str | None]:
    """`documentId`, and the hash in `extensions.persistedQuery`, checked. Raises `InvalidParameters`."""
    hash = None
    if persisted is not None:
        if not isinstance(persisted, dict) or persisted.get("version") != 1:
            raise InvalidParameters("`persistedQuery` is not an object of version 1.")
        hash = persisted.get("sha256Hash")
        if not isinstance(hash, str):
            raise InvalidParameters("`sha256Hash` is missing or not a string.")
    for given in (id, hash):
        if given is not None and not (isinstance(given, str) and 1 <= len(given) <= LONGEST_ID):
            raise InvalidParameters("The document's id or hash is not a string, empty, or too long.")
    return id, hash
