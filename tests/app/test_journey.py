"""The journey's first line: where it hurts most."""

from datetime import date

import pytest

from app.i18n import Words
from app.pages.journey import headline
from app.reading.journey import Cell, Journey, TopicPart
from app.reading.trends import Period


def made(pains: dict[str, int]) -> Journey:
    cells = {
        (step, "google_play"): Cell(step, "google_play", [TopicPart(step, 100, negative)])
        for step, negative in pains.items()
    }
    period = Period(date(2026, 11, 1), date(2026, 11, 22))
    return Journey(period, list(pains), ["google_play"], cells, {}, {"google_play": 100})


@pytest.mark.parametrize(
    ("pains", "told"),
    [
        ({"sign_in": 40, "pay": 7, "whole_app": 90}, "« Se connecter »"),  # the whole app is no place
        ({"sign_in": 4, "pay": 7, "whole_app": 0}, "« Payer et virer »"),
        ({"sign_in": 0, "pay": 0, "whole_app": 3}, "« Toute l’application »"),
        ({"sign_in": 0, "pay": 0, "whole_app": 0}, "Aucune étape ne fâche"),
    ],
)
def test_the_first_line_names_the_step_that_hurts_most(pains: dict[str, int], told: str) -> None:
    assert told in headline(Words("fr"), made(pains)).replace("\u202f", " ").replace("\u00a0", " ")
