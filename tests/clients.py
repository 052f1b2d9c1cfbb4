"""Clients for tests: inside the process for most, outside it for transport, races and faults."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import orjson

import models
from auth.viewer import GUEST, Viewer
from database import StatementLog, statements
from engine import Engine
from schema import Schema, make_schema
from schema.core import ids
from schema.core.context import Caller, Context
from schema.core.ports import Ports
from tests.factories import from_now
from transport.http.bodies import write_json

ROOT = Path(__file__).parent.parent


def gid(row: models.Base) -> str:
    """The global id of a row."""
    return ids.encode(type(row).__name__, row.id)  # type: ignore[attr-defined]  # every model has an id


@dataclass
class Answer:
    data: Any
    errors: list[dict[str, Any]]
    statements: list[str]

    @property
    def error_codes(self) -> list[str]:
        """`extensions.code` of the top-level errors."""
        return [error["extensions"]["code"] for error in self.errors]


def codes(answer: Answer, field_name: str) -> list[str]:
    """Codes of the user errors in one mutation's payload."""
    return [error["code"] for error in answer.data[field_name]["errors"]]


@cache
def shared_schema() -> Schema:
    """The schema of all tests: one takes a fifth of a second to make."""
    return make_schema()


@cache
def engine_of(schema: Schema) -> Engine:
    """One engine for each schema, so that plans are made once."""
    return Engine(schema)


def _plain(value: Any) -> Any:
    """Rows given as variables become their global ids, and a `timedelta` the moment that is so far from now."""
    if isinstance(value, models.Base):
        return gid(value)
    if isinstance(value, timedelta):
        return from_now(value).isoformat()
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


@dataclass
class Client:
    """Runs operations on the schema as one user, with a fresh context each, as HTTP does."""

    schema: Schema
    ports: Ports
    user: models.User | None
    language: str

    def context(self, *, is_socket: bool = False) -> Context:
        viewer = Viewer(self.user) if self.user else GUEST
        caller = Caller(address="127.0.0.1", user_agent="tests", accept_language=self.language)
        return Context(ports=self.ports, caller=caller, viewer=viewer, is_socket=is_socket)

    async def run(self, document: str, /, **variables: Any) -> Answer:
        """Run a document with the given variables; the answer has every SQL statement it took."""
        recorder = StatementLog(texts=[])
        token = statements.set(recorder)
        try:
            chosen = engine_of(self.schema) if self.ports.settings.execution == "engine" else self.schema
            result = await chosen.execute(document, variable_values=_plain(variables), context_value=self.context())
        finally:
            statements.reset(token)
        errors = [dict(error.formatted) for error in result.errors or ()]
        # As it is sent: dates and times are written last.
        data = orjson.loads(write_json(result.data))
        return Answer(data, errors, recorder.texts or [])

    async def execute(self, document: str, /, **input: Any) -> Answer:
        """Run a mutation whose only variable is `$input`."""
        return await self.run(document, input=input)

    async def subscribe(self, document: str, /, **variables: Any) -> Any:
        """The stream of a subscription's results. Close it with `aclose()`."""
        return await self.schema.subscribe(
            document, variable_values=_plain(variables), context_value=self.context(is_socket=True)
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients of plain HTTP, as `verify`: each makes its own otherwise, with all authorities, in 27 ms."""


@dataclass
class ServerProcess:
    """One `wingding serve` (or another command) in a process of its own."""

    environment: dict[str, str]
    command: tuple[str, ...] = ("serve",)
    port: int = field(default_factory=free_port)
    log: Path | None = None
    """Where its output goes."""

    def __post_init__(self) -> None:
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/graphql"

    def start(self) -> None:
        environment = os.environ | self.environment | {"PORT": str(self.port)}
        with Path(self.log or os.devnull).open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "commands", *self.command],
                cwd=ROOT,
                env=environment,
                stderr=output,
                stdout=output,
            )
        if self.command == ("serve",):
            self._wait()

    def _wait(self) -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until and self.process.poll() is None:
            try:
                if httpx2.get(f"{self.url}/.well-known/jwks.json", verify=NO_TLS).status_code == 200:
                    return
            except httpx2.TransportError:
                time.sleep(0.05)
        code = self.process.poll()
        self.kill()
        raise RuntimeError(f"the server did not start (exit {code})")

    def kill(self) -> None:
        """As `kill -9`."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
