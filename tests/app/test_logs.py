"""Logs: a database that is away is a line, not a page; any other fault keeps its trace."""

import json
import logging
import sys

import psycopg
import pytest
from psycopg import errors
from sqlalchemy.exc import OperationalError

from app.logs import DatabaseAway, JsonLines, PlainLines


def line(fault: Exception, form: logging.Formatter) -> str:
    try:
        try:
            raise fault
        except psycopg.OperationalError as error:
            raise OperationalError("SELECT 1", {}, error) from error
    except Exception:
        record = logging.LogRecord("app", logging.ERROR, "", 0, "loop failed", (), sys.exc_info())
    assert DatabaseAway().filter(record)
    return form.format(record)


@pytest.mark.parametrize(
    "fault",
    [
        psycopg.OperationalError("connection refused\nIs the server running?"),
        errors.AdminShutdown("connection refused"),
        errors.CannotConnectNow("connection refused\n"),
    ],
)
def test_a_database_that_is_away_is_one_line_with_its_reason(fault: Exception) -> None:
    told = line(fault, PlainLines())
    assert told.endswith("loop failed  reason=connection refused")
    assert "\n" not in told
    assert json.loads(line(fault, JsonLines()))["reason"] == "connection refused"


@pytest.mark.parametrize(
    "fault", [ValueError("a fault"), errors.QueryCanceled("too slow"), errors.DeadlockDetected("")]
)
def test_any_other_fault_keeps_its_trace(fault: Exception) -> None:
    assert "Traceback" in line(fault, PlainLines())
    assert "Traceback" in json.loads(line(fault, JsonLines()))["trace"]
