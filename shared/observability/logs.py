"""Structured logs: one JSON object a line on standard error, with the import and chunk where there is one."""

import logging
import math
import re
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

# Of the same line: so many at first, then one in so many seconds; and how many different ones are remembered.
_FIRST, _QUIET, _DIFFERENT_LINES = 3, 60.0, 500

_SECRET = re.compile(r"(password|secret|token|access_key)", re.IGNORECASE)
_CREDENTIALS = re.compile(r"(://[^:/@\s]+):[^@\s]+@")


class Throttle(logging.Filter):
    """Lets the same warning through a few times, then once a minute with the number of those left out.

    A server that is away for hours is worth a line now and then, not one for every attempt of every client. Lines that
    differ in anything but time and attempt are not the same, and nothing below a warning is left out.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._known: OrderedDict[str, _Repeated] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is written."""
        if record.levelno < logging.WARNING:
            return True
        same = self._known.setdefault(_sameness(record), _Repeated())
        self._known.move_to_end(_sameness(record))
        if len(self._known) > _DIFFERENT_LINES:
            self._known.popitem(last=False)
        now = self._clock()
        if now - same.since > _QUIET:
            left_out, same.since, same.written, same.left_out = same.left_out, now, 0, 0
            _add(record, left_out)
        if same.written >= (_FIRST if same.is_new else 1):
            same.is_new = False
            same.left_out += 1
            return False
        same.written += 1
        return True


@dataclass
class _Repeated:
    since: float = -math.inf
    written: int = 0
    left_out: int = 0
    is_new: bool = True


def _sameness(record: logging.LogRecord) -> str:
    if isinstance(record.msg, dict):
        said = {key: value for key, value in record.msg.items() if key not in {"timestamp", "attempt", "exception"}}
        return f"{record.name} {record.levelno} {said}"
    return f"{record.name} {record.levelno} {record.getMessage()}"


def _add(record: logging.LogRecord, left_out: int) -> None:
    if not left_out:
        return
    if isinstance(record.msg, dict):
        record.msg["left_out"] = left_out
    else:
        record.msg, record.args = f"{record.getMessage()} ({left_out} more like it were left out)", ()


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
    handler.addFilter(Throttle())
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
