"""Answers are compared before anything is timed: who answers something else is not measured.

What may differ, and is made alike first: how an instant is spelled (`Z` or `+00:00`, with or without a fraction) and
how an id is (a peer with a schema of its own gives the bare UUID); the text of a cursor, which each server makes for
itself; an empty list of errors in a payload; id and moment of a row that the request itself made.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import Any

import orjson

from benchmarks.servers import Running
from benchmarks.workloads import Ask, Callers, body_of
from errors import InvalidId
from schema.core import ids

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
CURSORS = frozenset({"endCursor", "startCursor", "cursor"})
NEW_ROWS = {"register": ("registration",), "send": ("message",)}
"""Payload fields of mutations whose row is new: its id and its moment are each server's own."""


def ask_once(server: Running, ask: Ask, callers: Callers) -> Any:
    """Return the decoded answer of one operation."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=30)
    headers = {"content-type": "application/json", "accept": "application/json"}
    if header := callers.header(server.kind, ask.user).strip():
        name, _, value = header.partition(": ")
        headers[name] = value
    try:
        connection.request("POST", server.path, body_of(server.kind, ask), headers)
        return orjson.loads(connection.getresponse().read())
    finally:
        connection.close()


def normal(answer: Any, *, document: str = "") -> Any:
    """Return the answer without what each server may spell in its own way."""
    if isinstance(answer, dict):
        made = NEW_ROWS.get(document, ())
        return {
            name: _without_own(normal(value)) if name in made else _present(name, normal(value, document=document))
            for name, value in answer.items()
            if name != "extensions" and not (name == "errors" and value == [])
        }
    if isinstance(answer, list):
        return [normal(item, document=document) for item in answer]
    if isinstance(answer, str) and INSTANT.fullmatch(answer):
        return datetime.fromisoformat(answer).astimezone(UTC)
    return answer


def _present(name: str, value: Any) -> Any:
    if name in CURSORS:
        return value is not None
    return _bare(value) if name == "id" and isinstance(value, str) else value


def _bare(id: str) -> str:
    """Return the UUID within one of our ids; anything else as it is."""
    try:
        return str(ids.parse(id)[1])
    except InvalidId:
        return id


def _without_own(row: Any) -> Any:
    return {name: value for name, value in row.items() if name not in ("id", "sentAt")} if row else row


def difference(expected: Any, found: Any, path: str = "") -> str | None:
    """Return the first place where two answers differ, in words; null where they are equal."""
    if isinstance(expected, dict) and isinstance(found, dict):
        if list(expected) != list(found):
            return f"{path or 'the answer'} has {list(found)}, expected {list(expected)}"
        places = [(f"{path}.{name}".lstrip("."), expected[name], found[name]) for name in expected]
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            return f"{path} has {len(found)} items, expected {len(expected)}"
        places = [(f"{path}[{index}]", one, found[index]) for index, one in enumerate(expected)]
    else:
        return None if expected == found else f"{path} is {found!r}, expected {expected!r}"
    return next((words for place, one, other in places if (words := difference(one, other, place))), None)
