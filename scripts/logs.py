"""How log events are written: one a line on stderr, for people on a terminal, JSON elsewhere."""

import logging
import sys

import structlog

from kg.errors import SettingsError


def configure_logs(level: str) -> None:
    """Set up structlog for this process.

    Raises:
        SettingsError: `level` is not a level's name.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise SettingsError(f"TRAILMIX_LOG_LEVEL: {level!r} is none of DEBUG, INFO, WARNING, ERROR")
    people = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            structlog.dev.ConsoleRenderer() if people else structlog.processors.dict_tracebacks,
            *([] if people else [structlog.processors.JSONRenderer()]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
