"""The banner of a late sender: on every page, because nobody looks at a page of deliveries while all seems well."""

from datetime import timedelta

from fastapi import Request

from alerts.outbox import oldest_due_age
from app.db import DB

LATE = timedelta(minutes=10)


def notice_late(request: Request, session: DB) -> None:
    """Put on the request for how many minutes the oldest due delivery has waited, 0 while that is under ten.

    Not on the pages that anybody may open: strangers are told nothing.
    """
    if request.state.caller is None:
        return
    age = oldest_due_age(session)
    request.state.late_minutes = int(age / timedelta(minutes=1)) if age is not None and age >= LATE else 0
