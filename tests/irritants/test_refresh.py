"""From reviews to irritants with a name, an identity that lasts, and a life."""

from datetime import date, timedelta

from sqlalchemy import func, select

from app.reading.irritants import listed, one
from app.reading.trends import Period
from app.reading.verbatims import Filters, count, page
from models.insight import IrritantDay, IrritantEvent
from tests.irritants.conftest import LOOP, PARROT, TODAY, Bench

MONTH = Period(TODAY - timedelta(days=27), TODAY)


def broken(bench: Bench, first: date, days: int, version: str = "7.2") -> None:
    for n in range(days):
        bench.write(first + timedelta(days=n), LOOP, stars=1, version=version)


def test_an_irritant_is_born_named_and_counted(bench: Bench) -> None:
    bench.calm()
    began = TODAY - timedelta(days=5)
    bench.release("7.2", began)
    broken(bench, began, 6)
    assert bench.refresh().born == 1
    (row,) = listed(bench.session, bench.app_id, MONTH, "fr")
    assert row.name == "Connexion impossible après la mise à jour 7.2"
    assert (row.state, row.began_version, row.began_day, row.topics) == ("emerging", "7.2", began, ("sign_in",))
    assert (row.n, row.people, row.unknown) == (24, 24, 0)
    total = 28 * 12
    assert row.points is not None
    assert abs(row.points - (5 - (total * 5 + 24) / (total + 24))) < 1e-9
    assert sum(row.trend) == 24
    detail = one(bench.session, bench.app_id, row.id, MONTH, "en")
    assert detail is not None
    assert detail.row.name == "Cannot sign in after update 7.2"
    assert detail.quotes
    marked = [quote.text[a:b] for quote in detail.quotes for a, b in quote.marks]
    assert any("connect" in words.lower() or "log in" in words.lower() for words in marked)
    assert [line.kind for line in detail.life] == ["born", "noticed"]


def test_a_number_equals_the_verbatims_behind_it(bench: Bench) -> None:
    bench.calm()
    broken(bench, TODAY - timedelta(days=5), 6)
    bench.refresh()
    (row,) = listed(bench.session, bench.app_id, MONTH, "fr")
    filters = Filters(bench.app_id, irritant=row.id, first=MONTH.first, last=MONTH.last)
    assert count(bench.session, filters).n == row.n
    lines, _ = page(bench.session, filters, limit=100)
    assert {line.verbatim.body for line in lines} == set(LOOP)


def test_identity_lasts_from_run_to_run(bench: Bench) -> None:
    bench.calm()
    began = TODAY - timedelta(days=5)
    broken(bench, began, 6)
    bench.refresh(TODAY - timedelta(days=3))
    (first,) = bench.rows()
    ident, before = first.id, bench.session.scalar(select(func.count()).select_from(IrritantEvent))
    for back in (3, 2, 1, 0, 0):
        bench.refresh(TODAY - timedelta(days=back))
    (again,) = bench.rows()
    assert again.id == ident
    assert bench.session.scalar(select(func.count()).select_from(IrritantEvent)) == before


def test_a_name_given_by_people_is_never_overwritten(bench: Bench) -> None:
    bench.calm()
    broken(bench, TODAY - timedelta(days=5), 6)
    bench.refresh()
    (row,) = bench.rows()
    row.given_name, row.named_by = "La panne du lundi", "anne"
    bench.session.flush()
    bench.refresh()
    assert listed(bench.session, bench.app_id, MONTH, "en")[0].name == "La panne du lundi"


def test_a_fix_then_calm(bench: Bench) -> None:
    bench.calm(130)
    began = TODAY - timedelta(days=40)
    bench.release("7.2", began)
    broken(bench, began, 8)
    bench.release("7.2.1", began + timedelta(days=6), notes="Correction d'un problème de connexion.")
    bench.refresh(began + timedelta(days=7))
    (row,) = bench.rows()
    assert (row.state, row.fixed_version, row.fix_announced) == ("fix_shipped", "7.2.1", True)
    bench.refresh()
    (row,) = bench.rows()
    assert (row.state, row.ended_day) == ("gone", began + timedelta(days=7))
    kinds = bench.session.scalars(select(IrritantEvent.kind).order_by(IrritantEvent.id)).all()
    assert kinds == ["born", "noticed", "fix_shipped", "gone"]


def test_what_no_topic_covers_is_named_by_its_words(bench: Bench) -> None:
    bench.calm()
    for n in range(6):
        bench.write(TODAY - timedelta(days=n), PARROT, stars=1, version="7.2")
    bench.refresh()
    (row,) = [row for row in bench.rows() if row.merged_into is None]
    assert row.key.startswith("phrase:")
    assert "perroquet rose" in row.name_fr
    (shown,) = listed(bench.session, bench.app_id, MONTH, "fr")
    assert shown.n == 18
    assert shown.topics == ()


def test_only_where_it_broke(bench: Bench) -> None:
    bench.calm()
    bench.calm(channel="google_play")
    for n in range(6):
        bench.write(TODAY - timedelta(days=n), LOOP, stars=1, version="7.2", channel="google_play")
    bench.refresh()
    (row,) = bench.rows()
    assert row.channels == ["google_play"]


def test_counts_follow_a_merge_and_its_undoing(bench: Bench) -> None:
    from datetime import UTC, datetime

    from app.irritant_counts import count as recount
    from app.irritant_decisions import merge, unmerge

    bench.calm()
    broken(bench, TODAY - timedelta(days=5), 6)
    for n in range(6):
        bench.write(TODAY - timedelta(days=n), PARROT, stars=1, version="7.2")
    bench.refresh()
    login, parrot = sorted(bench.rows(), key=lambda row: row.key, reverse=True)
    assert (login.key[:6], parrot.key[:6]) == ("topic:", "phrase")
    merge(bench.session, parrot, login, actor="anne")
    recount(bench.session, bench.app_id, TODAY, datetime.now(UTC))
    (row,) = listed(bench.session, bench.app_id, MONTH, "fr")
    assert row.n == 24 + 18
    bench.refresh()
    assert [row.merged_into for row in sorted(bench.rows(), key=lambda row: row.key)] == [login.id, None]
    unmerge(bench.session, parrot, actor="anne")
    recount(bench.session, bench.app_id, TODAY, datetime.now(UTC))
    bench.refresh()
    assert {row.n for row in listed(bench.session, bench.app_id, MONTH, "fr")} == {24, 18}


def test_an_app_without_reviews_has_none(bench: Bench) -> None:
    assert bench.refresh().born == 0
    assert bench.session.scalar(select(func.count()).select_from(IrritantDay)) == 0
