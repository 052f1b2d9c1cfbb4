"""Logging, set up once by each entry point. One line for one thing that happened, JSON in production."""

from __future__ import annotations

import logging
import sys
from typing import Any

import orjson
import structlog

from settings import Settings
from transport.tracing import marks


def set_up_logging(settings: Settings) -> None:
    """Our lines and those of libraries, to standard output, in one form.

    Tracebacks are plain: the pretty ones print local variables, and with them tokens and passwords.
    """
    shared: list[Any] = [
        _add_marks,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    as_json = settings.log_format == "json" or (settings.log_format == "" and settings.is_production)
    final: list[Any] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(serializer=_dumps)]
        if as_json
        else [structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    )
    structlog.configure(
        processors=[*shared, *final],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stdout),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    remove = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name], processors=[remove, *final]
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)


def _add_marks(_logger: Any, _method: str, event: Any) -> Any:
    """Say which request the line is about."""
    if (found := marks.get()) is not None:
        event.update(found)
    return event


def _dumps(value: Any, **options: Any) -> str:
    return orjson.dumps(value, default=options.get("default", str), option=orjson.OPT_NON_STR_KEYS).decode()
