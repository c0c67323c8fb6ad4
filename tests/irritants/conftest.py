"""An app whose reviews are written for the test, through masking, analysis and the one way in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from app.irritants import Refreshed, refresh
from app.seal import Seal
from app.store import prepare
from models.apps import App
from models.insight import Irritant
from models.intake import Origin, store_verbatims
from models.records import VerbatimRecord
from models.releases import Release
from models.sources import Source

TODAY = date(2026, 11, 20)
GOOD = ("Très pratique au quotidien", "Super appli, claire et simple", "Easy to use, love it", "Rien à redire, parfait")
LOOP = (
    "Impossible de me connecter depuis la mise à jour",
    "Connexion impossible, quelle honte",
    "I cannot log in since the update",
    "Je n'arrive plus à me connecter du tout",
)
PARROT = (
    "Le perroquet rose surgit partout, insupportable",
    "Ce perroquet rose est insupportable, nul",
    "Horrible perroquet rose, quelle honte",
)


@dataclass
class Bench:
    session: Session
    app_id: int
    number: int = 0

    def write(
        self, day: date, texts: Sequence[str], *, stars: int, version: str = "7.1", channel: str = "app_store"
    ) -> None:
        self.store([(day, text) for text in texts], stars=stars, version=version, channel=channel)

    def store(self, written: Sequence[tuple[date, str]], *, stars: int, version: str, channel: str) -> None:
        records = []
        for day, text in written:
            self.number += 1
            at = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=9)
            records.append(
                VerbatimRecord(
                    f"r{self.number}", at, text, stars=stars, storefront="fr", locale="fr", version=version,
                    author=f"a{self.number}",
                )
            )  # fmt: skip
        rows = prepare(records, ZoneInfo("Europe/Paris"), channel, Seal(b"k"))
        store_verbatims(self.session, Origin(self.app_id, 1, channel, channel), rows, datetime.now(UTC))

    def calm(self, days: int = 100, channel: str = "app_store") -> None:
        quiet = [(TODAY - timedelta(days=back), GOOD[(back + n) % 4]) for back in range(days) for n in range(12)]
        self.store(quiet, stars=5, version="7.1", channel=channel)

    def release(self, version: str, day: date, notes: str = "", channel: str = "app_store") -> None:
        at = datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=6)
        self.session.merge(
            Release(
                app_id=self.app_id,
                channel=channel,
                version=version,
                released_at=at,
                day=day,
                notes=notes,
                inferred=False,
            )
        )
        self.session.flush()

    def refresh(self, today: date = TODAY) -> Refreshed:
        done = refresh(self.session, self.app_id, datetime.now(UTC), today=today)
        self.session.expire_all()
        return done

    def rows(self) -> list[Irritant]:
        from sqlalchemy import select

        wanted = select(Irritant).where(Irritant.app_id == self.app_id, Irritant.standing.is_(False))
        return list(self.session.scalars(wanted.order_by(Irritant.id)))


@pytest.fixture
def bench(db: Session) -> Bench:
    app = App(name="Banque")
    db.add(app)
    db.flush()
    db.add(Source(app_id=app.id, kind="file", channel="app_store", name="f", config={}))
    db.flush()
    return Bench(db, app.id)
