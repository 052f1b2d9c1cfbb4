"""Whether two answers to one operation say the same, and what differs where they do not.

Data must be equal to the order of keys, errors as a multiset of path, code, reason, message and locations, and the
effects of a mutation as numbers of rows.

One thing alone is tolerated, and the specification leaves it open (October 2021, 6.3 "Errors and Non-Null Fields", and
September 2025 likewise): when an error takes its parents away because they must not be null, their other fields may be
cancelled, so which of several such errors is told depends on who fails first. The reference tells the first alone. The
engine cancels nothing: it tells what the reference tells, and may tell more below the same null.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from binascii import Error
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import orjson
from graphql import GraphQLError

Path = tuple[str | int, ...]
ID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
Told = tuple[Path, str, str, str, tuple[tuple[int, int], ...]]
"""An error: path, code, reason, message, locations."""


@dataclass(frozen=True)
class Answer:
    """`effects` are the tables that a mutation has changed, each with its numbers of rows."""

    data: Any
    errors: tuple[Told, ...]
    effects: tuple[tuple[Any, ...], ...] = ()

    @property
    def text(self) -> str:
        return orjson.dumps(self.data).decode()

    def shown(self) -> str:
        """For people who look for the difference."""
        lines = [orjson.dumps(self.data, option=orjson.OPT_INDENT_2).decode()]
        return "\n".join(lines + [f"  error at {error[0]}: {error[1:]}" for error in sorted(self.errors, key=repr)])


def answer_of(result: Any) -> Answer:
    """Of an execution's result, which has `data` and `errors`, each of them presented already."""
    return Answer(result.data, tuple(_told(error) for error in result.errors or ()))


def _told(error: GraphQLError) -> Told:
    extensions = error.extensions or {}
    locations = tuple((place.line, place.column) for place in error.locations or ())
    code, reason = str(extensions.get("code", "")), str(extensions.get("reason", ""))
    return tuple(error.path or ()), code, reason, error.message, locations


def _null_above(data: Any, path: Path) -> Path | None:
    """Where the data on the way to an error is null already; null where the error's own field is what is null."""
    for depth, step in enumerate(path):
        if data is None:
            return path[:depth]
        data = data[step]
    return None


@dataclass
class Difference:
    """What two answers do not share. `tolerated` are the nulls below which the engine tells more."""

    problems: list[str] = field(default_factory=list)
    tolerated: list[Path] = field(default_factory=list)


def compare(reference: Answer, engine: Answer) -> Difference:
    found = Difference()
    if reference.effects != engine.effects:
        found.problems.append(f"effects: {reference.effects} and {engine.effects}")
    if reference.text != engine.text:
        found.problems.append(f"data: {_first_difference(reference.data, engine.data, '$')}")
        # Which errors lie below a null can only be told where both have the same nulls.
        found.problems += _unlike(Counter(reference.errors), Counter(engine.errors))
        return found
    (certain, swallowed), (other_certain, other_swallowed) = _sorted_out(reference), _sorted_out(engine)
    found.problems += _unlike(Counter(certain), Counter(other_certain))
    for place in swallowed.keys() | other_swallowed.keys():
        ours, theirs = swallowed[place], other_swallowed[place]
        if not ours or Counter(ours) - Counter(theirs):
            found.problems.append(f"errors below the null at {place}: {ours} and {theirs}")
        elif Counter(ours) != Counter(theirs):
            found.tolerated.append(place)
    return found


def _sorted_out(answer: Answer) -> tuple[list[Told], dict[Path, list[Told]]]:
    """Errors at a null of their own, and those below a null, by its place."""
    certain: list[Told] = []
    swallowed: dict[Path, list[Told]] = defaultdict(list)
    for error in answer.errors:
        place = _null_above(answer.data, error[0])
        if place is None:
            certain.append(error)
        else:
            swallowed[place].append(error)
    return certain, swallowed


def _unlike(ours: Counter[Told], theirs: Counter[Told]) -> list[str]:
    missing = [f"error missing: {error}" for error in ours - theirs]
    return missing + [f"error too many: {error}" for error in theirs - ours]


def _first_difference(ours: Any, theirs: Any, path: str) -> str:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        if list(ours) != list(theirs):
            return f"{path} has the keys {list(ours)} and {list(theirs)}"
        for key, value in ours.items():
            if (found := _first_difference(value, theirs[key], f"{path}.{key}")) != "":
                return found
        return ""
    if isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            return f"{path} has {len(ours)} and {len(theirs)} items"
        for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            if (found := _first_difference(one, other, f"{path}[{index}]")) != "":
                return found
        return ""
    return "" if ours == theirs and type(ours) is type(theirs) else f"{path} is {ours!r} and {theirs!r}"


@dataclass
class Renaming:
    """Replaces ids of rows that a mutation has just made, which are random, by their order of appearance.

    Global ids, cursors of lists, cursors of streams and addresses of files carry them; `known` are the ids from before.
    """

    known: frozenset[UUID]
    names: dict[UUID, str] = field(default_factory=dict)

    def answer(self, answer: Answer) -> Answer:
        return replace(answer, data=self.value(answer.data))

    def value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self.value(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.value(item) for item in value]
        return self.text(value) if isinstance(value, str) else value

    def text(self, text: str) -> str:
        if written := ID.findall(text):
            return self._renamed(text, ID.sub("…", text), [UUID(id) for id in written])
        try:
            raw = urlsafe_b64decode(text + "=" * (-len(text) % 4)) if len(text) > 20 and text.isascii() else b""
        except (Error, ValueError):
            return text
        kind, colon, id = raw.partition(b":")
        if colon and len(id) == 16 and kind.isalpha():
            return self._renamed(text, kind.decode(), [UUID(bytes=id)])
        if len(raw) == 24:
            return self._renamed(text, f"stream {int.from_bytes(raw[16:], 'big')}", [UUID(bytes=raw[:16])])
        if raw.startswith(b"["):
            parts = orjson.loads(raw)
            found = [UUID(part) for part in parts if isinstance(part, str) and len(part) == 36]
            return self._renamed(text, str([part for part in parts if str(part) not in map(str, found)]), found)
        return text

    def _renamed(self, text: str, kind: str, found: Sequence[UUID]) -> str:
        if all(id in self.known for id in found):
            return text
        names = [
            str(id) if id in self.known else self.names.setdefault(id, f"new {len(self.names) + 1}") for id in found
        ]
        return f"{kind}: {', '.join(names)}"
