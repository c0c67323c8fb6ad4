"""A trial that a person waits for ends in time, whatever the source does."""

from threading import Event

import pytest

from app.reasons import in_french
from app.trial import unanswered, within


def test_a_source_that_does_not_answer_is_given_up_in_time() -> None:
    never = Event()
    assert within(0.05, lambda: never.wait(30)) is None
    never.set()


def test_an_answer_and_a_fault_come_through() -> None:
    assert within(5, lambda: ["works"]) == ["works"]
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 / 0)


def test_the_word_for_it_is_honest_in_both_languages() -> None:
    assert unanswered(10).startswith("No answer within 10 seconds")
    assert in_french(unanswered(10)).startswith("Pas de réponse en 10 secondes")
