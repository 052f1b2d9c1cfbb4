"""Logging, set up once by each entry point. One line for one thing that happened, JSON in production."""

from __future__ import annotations

import asyncio
import atexit
import logging
import sys
from contextvars import Context
from threading import Lock
from typing import Any, TextIO

import orjson
import structlog

from settings import Settings
from transport.observing.tracing import marks

LATEST = 0.01
"""Seconds that a line may wait for others: many requests leave one each."""


class LineWriter:
    """Where lines go. Those of a few milliseconds are written together. Warnings and errors do not wait, nor does
    anything outside of an event loop. `flush` writes what waits when the process ends.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._waiting: list[str] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        """The event loop that will flush."""
        self._nothing = Context()
        self._turn = Lock()
        """Libraries may log from threads of their own."""

    def info(self, line: str) -> None:
        self._waiting.append(line + "\n")
        if self._loop is not None and self._loop.is_running():
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
            return
        self._loop = loop
        loop.call_later(LATEST, self.flush, context=self._nothing)

    debug = info

    def warning(self, line: str) -> None:
        self._waiting.append(line + "\n")
        self.flush()

    error = critical = warning

    def write(self, text: str) -> None:
        """As a file of `logging`, which flushes after each line."""
        self._waiting.append(text)

    def flush(self) -> None:
        with self._turn:
            waiting, self._waiting, self._loop = self._waiting, [], None
            self._file.write("".join(waiting))
            self._file.flush()


def set_up_logging(settings: Settings) -> LineWriter:
    """Our lines and those of libraries, to standard output, in one form.

    Tracebacks are plain: the pretty ones print local variables, and with them tokens and passwords.
    """
    lines = LineWriter(sys.stdout)
    atexit.register(lines.flush)
    as_json = settings.log_format == "json" or (settings.log_format == "" and settings.is_production)
    processors: list[Any] = (
        [*AS_JSON]
        if as_json
        else [
            _add_marks,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        ]
    )
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(lines)
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name],
            processors=[remove, *processors],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    return lines


def _add_marks(_logger: Any, _method: str, event: Any) -> Any:
    """Say which request the line is about."""
    if (found := marks.get()) is not None:
        event.update(found)
    return event


def _to_json(event: Any, **_options: Any) -> str:
    """Return the text of what JSON does not know."""
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


AS_JSON = [
    _add_marks,
    structlog.processors.add_log_level,
    structlog.processors.format_exc_info,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.JSONRenderer(serializer=_to_json),
]
