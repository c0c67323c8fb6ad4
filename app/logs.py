"""Logs: plain lines in a terminal, JSON for a collector (COCOON_LOG_JSON). Static messages, values as fields."""

import json
import logging
import sys
from datetime import UTC, datetime

import psycopg

_STANDARD = frozenset(logging.LogRecord("", 0, "", 0, "", (), None).__dict__) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record with its own fields."""
        entry = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **{key: value for key, value in record.__dict__.items() if key not in _STANDARD},
        }
        if record.exc_info:
            entry["trace"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str, ensure_ascii=False)


class PlainLines(logging.Formatter):
    """Time, level, message and its fields."""

    def format(self, record: logging.LogRecord) -> str:
        """The record on one line, with its trace beneath if it has one."""
        fields = " ".join(f"{k}={v}" for k, v in record.__dict__.items() if k not in _STANDARD)
        line = (
            f"{datetime.fromtimestamp(record.created, UTC):%H:%M:%S} {record.levelname.lower():7} {record.getMessage()}"
        )
        line = f"{line}  {fields}" if fields else line
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class DatabaseAway(logging.Filter):
    """A database that does not answer is one line with its reason, not a trace from each loop every second."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Put the reason in the place of the trace where the database was away."""
        error = record.exc_info[1] if record.exc_info else None
        while error is not None:
            if isinstance(error, psycopg.OperationalError) and (error.sqlstate or "08").startswith(("08", "57P")):
                record.reason = str(error).strip().splitlines()[0]
                record.exc_info = None
                return True
            error = error.__cause__ or error.__context__
        return True


def configure(level: int, *, as_json: bool = False) -> None:
    """Send logs to standard error, so that standard output stays data."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if as_json else PlainLines())
    handler.addFilter(DatabaseAway())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in ("procrastinate", "apscheduler", "httpx", "httpcore", "psycopg.pool", "alembic", "uvicorn.error"):
        logging.getLogger(name).setLevel(max(level, logging.ERROR if name == "apscheduler" else logging.WARNING))
