"""Two faults of one topic at the same time are two irritants, and stay two; a fault that grows over months is seen."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.reading.irritants import listed
from app.reading.trends import Period
from models.insight import Irritant, IrritantEvent
from tests.irritants.conftest import TODAY, Bench

MONTH = Period(TODAY - timedelta(days=27), TODAY)
BY_SMS = (
    "Connexion impossible, le code SMS n'arrive jamais",
    "Je ne reçois pas le code par SMS, impossible de me connecter",
    "Code SMS jamais reçu, connexion impossible",
)
BY_FACE = (
    "Connexion impossible avec Face ID depuis hier",
    "Face ID ne marche plus, impossible de me connecter",
    "Impossible de se connecter, Face ID refuse mon visage",
)
TWICE = ("Chaque notification arrive deux fois", "Les notifications sont en double", "Notifications en double, pénible")
SILENT = (
    "Je ne reçois plus aucune notification",
    "Les notifications n'arrivent plus du tout",
    "Plus de notification du tout",
)


def both(bench: Bench, one: tuple[str, ...], other: tuple[str, ...], days: int = 6) -> None:
    for n in range(days):
        day = TODAY - timedelta(days=days - 1 - n)
        bench.write(day, one, stars=1, version="7.2")
        bench.write(day, other[:2], stars=1, version="7.2")


def names(bench: Bench) -> dict[str, int]:
    return {row.name: row.n for row in listed(bench.session, bench.app_id, MONTH, "fr")}


def test_by_sms_and_by_face_are_two(bench: Bench) -> None:
    bench.calm()
    both(bench, BY_SMS, BY_FACE)
    bench.refresh()
    alive = [row for row in bench.rows() if row.merged_into is None]
    assert sorted(row.key for row in alive) == ["topic:biometrics", "topic:sign_in"]
    told = names(bench)
    assert sorted(told.values()) == [12, 18], told
    assert sum(told.values()) == 30, "no verbatim counts twice, none is lost"
    assert any("code" in name.lower() for name in told)


def test_one_fault_in_two_words_stays_one(bench: Bench) -> None:
    """Half of those who cannot get in name Face ID: that is one fault."""
    bench.calm()
    both(bench, BY_FACE, ("Connexion impossible", "Je n'arrive plus à me connecter"))
    bench.refresh()
    assert [row.key for row in bench.rows() if row.merged_into is None] == ["topic:sign_in"]


def test_what_works_twice_and_what_never_comes_are_two(bench: Bench) -> None:
    bench.calm()
    both(bench, TWICE, SILENT)
    bench.refresh()
    assert names(bench) == {
        "Notifications en double après la mise à jour 7.2": 18,
        "Notifications non reçues après la mise à jour 7.2": 12,
    }
    (part,) = [row for row in bench.rows() if row.key.startswith("fault:")]
    kinds = bench.session.scalars(select(IrritantEvent.kind).where(IrritantEvent.irritant_id == part.id)).all()
    assert "parted" in kinds


def test_one_breakdown_in_many_words_stays_one(bench: Bench) -> None:
    """Refused, blocked, in a loop: told of one and the same breakdown."""
    bench.calm()
    both(bench, ("Virement refusé", "Virement bloqué", "Mon virement est rejeté"), ("Virement impossible à faire",) * 2)
    bench.refresh()
    assert len([row for row in bench.rows() if row.merged_into is None]) == 1


def standing_of(bench: Bench) -> dict[int, tuple[str, int | None, bool]]:
    return {row.id: (row.key, row.merged_into, row.state == "gone") for row in bench.rows()}


@pytest.mark.parametrize(("one", "other"), [(TWICE, SILENT), (BY_SMS, BY_FACE)])
def test_what_was_told_apart_stays_so(bench: Bench, one: tuple[str, ...], other: tuple[str, ...]) -> None:
    """The second becomes the commoner one, then many name both: no row changes its key, none is merged or reborn."""
    bench.calm()
    both(bench, one, other)
    bench.refresh(TODAY)
    before = standing_of(bench)
    apart = [row.id for row in bench.rows() if row.merged_into is None]
    for n in (1, 2, 3):
        day = TODAY + timedelta(days=n)
        bench.write(day, other * 3, stars=1, version="7.2")
        bench.write(day, [f"{a}. {b}" for a, b in zip(one, other, strict=True)] * 2, stars=1, version="7.2")
        bench.write(day, ("Très pratique au quotidien",) * 12, stars=5, version="7.2")
        bench.refresh(day)
        assert standing_of(bench) == before
    assert len(apart) == 2


def test_what_grows_over_months_is_seen(bench: Bench) -> None:
    """From none to one in eight over 150 days: never above the 56 days before it, far above the spring."""
    bench.calm(360)
    for back in range(150):
        if back % max(round(4 * (back + 20) / 100), 1) == 0:
            bench.write(TODAY - timedelta(days=back), ("Application lente",), stars=2, version="7.1")
    bench.refresh(TODAY - timedelta(days=160))
    assert bench.rows() == []
    bench.refresh()
    rows = bench.session.scalars(select(Irritant).where(Irritant.key == "topic:slowness", ~Irritant.standing)).all()
    assert [row.began_version for row in rows] == [""]
    assert rows[0].share_before < 0.01
