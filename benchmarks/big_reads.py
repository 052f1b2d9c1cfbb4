"""Times every question about the big dataset, one request at a time, and about a tenth of it."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from statistics import median
from typing import Any

import orjson

from benchmarks.big_bars import bar_for
from benchmarks.lists import PEOPLE, Question
from benchmarks.machine import children, on_processor
from benchmarks.servers import Running
from benchmarks.workloads import Callers

LOOKS, LEAST, REQUESTS = 1, 3, 20
LONGEST = 0.4
"""Seconds after which a question is not repeated."""


@dataclass(frozen=True)
class Timed:
    """What was measured of one question, in milliseconds. `refusal` says why it has no answer."""

    question: Question
    p50: float = 0.0
    p95: float = 0.0
    cpu: float = 0.0
    """Of the server and of PostgreSQL for one request. Other work of the machine does not count."""
    statements: float = 0.0
    refusal: str = ""


@dataclass(frozen=True)
class Answered:
    """An answer, and how long it took in milliseconds."""

    milliseconds: float
    body: Any


class Asking:
    """One connection to a server, kept alive."""

    def __init__(self, server: Running, callers: Callers, postmaster: int) -> None:
        self._server = server
        self._postmaster = postmaster
        self._callers = callers
        self._connection = HTTPConnection("127.0.0.1", server.port, timeout=120)

    def ask(self, document: str, variables: dict[str, Any], caller: int | None) -> Answered:
        body = orjson.dumps({"query": document, "variables": variables})
        headers = {"content-type": "application/json", "accept": "application/json", "x-forwarded-for": "198.18.0.1"}
        if line := self._callers.header(self._server.kind, caller).strip():
            headers["authorization"] = line.partition(": ")[2]
        began = time.perf_counter()
        self._connection.request("POST", self._server.path, body, headers)
        answer = self._connection.getresponse().read()
        return Answered((time.perf_counter() - began) * 1000, orjson.loads(answer))

    def cpu(self) -> float:
        return on_processor([self._server.pid, *children(self._postmaster)])

    def statements(self) -> tuple[float, float]:
        """Return how many statements the server has run for operations, and for how many of them."""
        self._connection.request("GET", "/metrics")
        text = self._connection.getresponse().read().decode()
        found = {"sum": 0.0, "count": 0.0}
        for line in text.splitlines():
            for part in found:
                if line.startswith(f"wingding_operation_statements_{part}"):
                    found[part] += float(line.rpartition(" ")[2])
        return found["sum"], found["count"]


@dataclass
class Measuring:
    """Asks one server. Where lists end that was asked before is kept for the questions about the page that follows."""

    asking: Asking
    _ends: dict[Question, str | None] = field(default_factory=dict)

    def look(self, questions: Sequence[Question], seconds: float) -> list[Timed]:
        """Ask each question twice, which says who waits longest, and who gets no answer.

        Each kind comes first once, then once more by somebody else, as long as there is time.
        """
        asked: dict[str, int] = defaultdict(int)
        turns = []
        for question in questions:
            turns.append((asked[question.subject], question))
            asked[question.subject] += 1
        until, answered = time.perf_counter() + seconds, set()
        timed: list[Timed] = []
        for _, question in sorted(turns, key=lambda one: one[0]):
            if question.subject in answered and time.perf_counter() > until:
                continue
            timed.append(self._timed(question, LOOKS, LONGEST))
            if not timed[-1].refusal:
                answered.add(question.subject)
        return timed

    def measure(self, questions: Sequence[Question], seconds: float, requests: int = REQUESTS) -> list[Timed]:
        """Ask each question often enough for a p95, in so many seconds in all, and how many statements it takes."""
        timed = []
        for question in questions:
            before = self.asking.statements()
            one = self._timed(question, requests, min(LONGEST, seconds / len(questions)))
            after = self.asking.statements()
            timed.append(replace(one, statements=(after[0] - before[0]) / max(1.0, after[1] - before[1])))
        return timed

    def _timed(self, question: Question, requests: int, seconds: float) -> Timed:
        caller, variables = PEOPLE[question.caller], self._variables(question)
        first = self.asking.ask(question.document, variables, caller)
        if refusal := _refusal(question, first.body):
            return Timed(question, refusal=refusal)
        used, until = self.asking.cpu(), time.perf_counter() + seconds
        found: list[float] = []
        while (
            first.milliseconds < LONGEST * 1000
            and len(found) < requests
            and (len(found) < LEAST or time.perf_counter() < until)
        ):
            found.append(self.asking.ask(question.document, variables, caller).milliseconds)
        cpu = (self.asking.cpu() - used) / max(1, len(found))
        # The first answer has to be prepared, so it counts only where it takes too long to wait for another.
        found = sorted(found) or [first.milliseconds]
        return Timed(question, median(found), found[min(len(found) - 1, int(len(found) * 0.95))], cpu)

    def _variables(self, question: Question) -> dict[str, Any]:
        if question.before is None:
            return {}
        if question.before not in self._ends:
            answer = self.asking.ask(question.before.document, {}, PEOPLE[question.caller])
            self._ends[question.before] = ((_value(question, answer.body) or {}).get("pageInfo") or {}).get("endCursor")
        return {"after": self._ends[question.before]}


def slowest(timed: Iterable[Timed], most: int = 1) -> list[Question]:
    """Return, of all who asked in one way, of all parents, the questions that took longest."""
    groups: dict[str, list[Timed]] = defaultdict(list)
    for one in timed:
        if not one.refusal:
            groups[one.question.subject].append(one)
    return [
        one.question
        for group in groups.values()
        for one in sorted(group, key=lambda each: each.p50, reverse=True)[:most]
    ]


def above(timed: Iterable[Timed]) -> list[Question]:
    return [one.question for one in timed if not one.refusal and one.p95 > bar_for(one.question.subject)]


def better(timed: Iterable[Timed], again: Iterable[Timed]) -> list[Timed]:
    """Take the better of two times: the machine has other work, too."""
    found = {one.question.name: one for one in again if not one.refusal}
    return [min(one, found.get(one.question.name, one), key=lambda each: each.p95) for one in timed]


def _value(question: Question, body: Any) -> Any:
    value = body.get("data")
    for name in question.path:
        if value is None:
            return None
        value = value.get(name)
    return value


def _refusal(question: Question, body: Any) -> str:
    if (errors := body.get("errors")) and (question.way != "everything" or _value(question, body) is None):
        return f"{errors[0].get('extensions', {}).get('code')}: {errors[0]['message'][:100]}"
    owner: Any = body["data"]
    for name in question.path[:-1]:
        owner = owner and owner.get(name)
    return "" if owner is not None else "hidden"


@dataclass(frozen=True)
class Line:
    """The slowest of all who asked in this way, of all parents."""

    subject: str
    worst: Timed
    small: float | None
    """p50 of the same with a tenth of all rows."""

    @property
    def bar(self) -> float:
        return bar_for(self.subject)

    @property
    def state(self) -> str:
        """Say whether it keeps its bar. Where it needs less than half, it waited for the machine's other work."""
        if self.worst.p95 <= self.bar:
            return "ok"
        return "busy" if 0 < self.worst.cpu < self.bar / 2 else "ABOVE"

    @property
    def growth(self) -> str:
        return f"{self.worst.p50 / self.small:.1f}" if self.small else "-"

    def __str__(self) -> str:
        asked = f"{self.worst.question.parent} ({self.worst.question.caller})".strip()
        return (
            f"{self.state:5} {self.worst.p50:8.1f} {self.worst.p95:8.1f} {self.bar:5.0f} {self.worst.cpu:8.1f} "
            f"{self.worst.statements:4.1f} {self.growth:>6}  {self.subject}  {asked}"
        )


HEADER = "           p50      p95   bar      cpu stmt growth  what, of which object, asked by the one who waits longest"


def lines(full: Sequence[Timed], small: Sequence[Timed]) -> list[Line]:
    tenth = {one.question.name: one.p50 for one in small if not one.refusal}
    groups: dict[str, Timed] = {}
    for one in full:
        if not one.refusal and (one.question.subject not in groups or groups[one.question.subject].p95 < one.p95):
            groups[one.question.subject] = one
    return [Line(subject, worst, tenth.get(worst.question.name)) for subject, worst in groups.items()]


def unmeasured(full: Sequence[Timed]) -> dict[str, str]:
    """Return lists that gave nobody an answer, with a reason."""
    measured = {one.question.field for one in full if not one.refusal}
    return {one.question.field: one.refusal for one in full if one.question.field not in measured}
