"""A real dispatcher in a process of its own, which can be told to stop dead at a step: `python -m … URL STEP LEASE`.

It prints the name of the step when it is there, and then waits to be killed. Steps: "none", "before_claim",
"after_claim", "after_answer". CLOCK (seconds) as fourth argument shifts this process's wall clock, a fifth is where
Slack is.
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from alerts import dispatch
from alerts.channels.registry import opener
from alerts.outbox import Claimed
from app.db import transaction


def here(step: str) -> None:
    print(step, flush=True)  # noqa: T201
    threading.Event().wait()


def main(url: str, step: str, lease: str, shift: str, slack: str = "") -> None:
    if float(shift):
        real = time.time
        time.time = lambda: real() + float(shift)
    engine = create_engine(url)

    @contextmanager
    def opened() -> Iterator[Session]:
        with transaction(engine) as session:
            yield session

    claim, delivered = dispatch.claim, dispatch.delivered

    def stopping_claim(*args: object) -> list[Claimed]:
        if step == "before_claim":
            here(step)
        return claim(*args)  # type: ignore[arg-type]

    def stopping_delivered(*args: object) -> None:
        if step == "after_answer":
            here(step)
        delivered(*args)  # type: ignore[arg-type]

    dispatch.claim, dispatch.delivered = stopping_claim, stopping_delivered  # type: ignore[assignment]
    open_channel = opener(lambda sealed: sealed, opened, allow_private=True, slack_api=slack)

    def stopping_open(target: object) -> object:
        if step == "after_claim":
            here(step)
        return open_channel(target)  # type: ignore[arg-type]

    print("ready", flush=True)  # noqa: T201
    while True:
        done = dispatch.dispatch_once(
            opened,
            stopping_open,
            f"w{id(engine)}{time.time()}",
            lease=timedelta(seconds=float(lease)),  # type: ignore[arg-type]
        )
        if not done:
            time.sleep(0.05)


if __name__ == "__main__":
    main(*sys.argv[1:])
