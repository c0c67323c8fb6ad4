"""Trying something that may take long while a person waits: so many seconds, then an honest word."""

import threading
from collections.abc import Callable
from queue import Empty, Queue
from typing import TypeVar

T = TypeVar("T")
LIMIT = 10.0
"""Seconds that a person waits for a trial; a walk has minutes."""


def unanswered(seconds: float) -> str:
    """What is said in the place of an answer."""
    return (
        f"No answer within {seconds:.0f} seconds: the source is slow, or out of reach from here. It can be saved all "
        "the same: its reading goes on trying and says what it found."
    )


def within(seconds: float, work: Callable[[], T]) -> T | None:
    """What `work` gives, or None where it takes longer; it is then left to its own time limits. Raises what it raises.

    In a daemon thread, so that a server that is stopped does not wait for a source that does not answer.
    """
    told: Queue[tuple[T | None, Exception | None]] = Queue()

    def run() -> None:
        try:
            told.put((work(), None))
        except Exception as error:
            told.put((None, error))

    threading.Thread(target=run, name="trial", daemon=True).start()
    try:
        found, error = told.get(timeout=seconds)
    except Empty:
        return None
    if error is not None:
        raise error
    return found
