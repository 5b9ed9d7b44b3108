"""Structured logs: one JSON object a line on standard error, with the import and chunk where there is one."""

import logging
import re
import sys

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_SECRET = re.compile(r"(password|secret|token|access_key)", re.IGNORECASE)
_CREDENTIALS = re.compile(r"(://[^:/@\s]+):[^@\s]+@")


def configure_logs(service: str, level: str) -> None:
    """Send this process's logs, the libraries' included, through one formatter."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _hide_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # These say at INFO what our own lines say better.
    for noisy in ("aiokafka", "uvicorn", "urllib3"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    # It warns at every start that topics are not created by clients, which is as we want it.
    logging.getLogger("winnow.faststream").setLevel(max(logging.ERROR, root.level))
    structlog.contextvars.bind_contextvars(service=service)


def _hide_secrets(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    for key, value in line.items():
        if _SECRET.search(key):
            line[key] = "***"
        elif isinstance(value, str) and "://" in value:
            line[key] = _CREDENTIALS.sub(r"\1:***@", value)
    return line
