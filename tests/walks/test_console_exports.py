"""A folder of the Play Console's exports without reviews: what it tells is kept, and nothing is called complete."""

from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select

from app import clock
from app.context import Context
from app.i18n import Words
from app.pages.headlines import sources_headline
from app.reading.sources import states
from app.setup import find_or_make_app
from app.walk import walk
from collectors.play_console_csv import PlayConsoleCsv
from models.sources import Source
from models.stability import DailyCrashes

APP = "com.example.bank"


def test_a_folder_of_crashes_alone_is_not_complete(context: Context, tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()
    yesterday = clock.now().date() - timedelta(days=1)
    lines = ["Date,Package Name,Daily Crashes,Daily ANRs", f"{yesterday},{APP},20,3"]
    (folder / f"crashes_{APP}_{yesterday:%Y%m}_overview.csv").write_text("\n".join(lines), encoding="utf-16")
    with context.transaction() as session:
        app = find_or_make_app(session, "Banque")
        source = Source(
            app_id=app.id, kind="play_console_csv", channel="google_play", name="Play", config={}, rhythm_minutes=1440
        )
        session.add(source)
    run = walk(context.engine, source.id, PlayConsoleCsv(APP, str(folder)), seal=context.seal, trigger="schedule")
    assert (run.outcome, "No file of reviews" in run.reason) == ("partial", True)
    with context.transaction() as session:
        assert session.scalar(select(func.sum(DailyCrashes.events)).where(DailyCrashes.app_id == app.id)) == 23
        told = states(session, app.id)
        today = clock.now().date()
        assert "Tout est complet, sauf Play" in sources_headline(Words("fr"), told, today)
        (day,) = [one for one in told[0].missing if one.day == yesterday]
        assert Words("fr").reason(day.reason).startswith(f"Aucun fichier d’avis (reviews_{APP}_AAAAMM.csv)")
