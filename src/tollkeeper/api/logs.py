"""Logs: one event per line on stderr, as JSON for machines or in colour for people; those of libraries too."""

from __future__ import annotations

import logging
import sys
from typing import Any

import msgspec
import structlog
from structlog.types import EventDict, Processor

from tollkeeper.settings import Settings

QUIET_LIBRARIES = ("uvicorn", "uvicorn.error", "psycopg.pool", "asyncio")
"""Their news (a process starts, a connection is retried) matters only to who debugs."""


def configure(settings: Settings) -> None:
    """Send structlog's and the standard library's log events, above the level that is set, to stderr."""
    level = getattr(logging, settings.log_level.upper())
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if as_json:
        shared.append(structlog.processors.format_exc_info)
    renderer = _to_json if as_json else _for_people()
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    _configure_libraries(level, shared, renderer)


def _configure_libraries(level: int, shared: list[Processor], renderer: Processor) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(level if level == logging.DEBUG else logging.WARNING)
    # The driver warns of each pipeline that an error ends; the error itself is raised, and dealt with.
    logging.getLogger("psycopg").setLevel(level if level == logging.DEBUG else logging.ERROR)


def _for_people() -> Processor:
    # The default tells each frame's variables with a traceback: keys, portal tokens and the database's password.
    plain = structlog.dev.plain_traceback
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)


def _to_json(_: Any, __: str, event: EventDict) -> str:
    return msgspec.json.encode(event, enc_hook=repr).decode()
