"""Training on an installation's own stars and corrections: kept where better, never otherwise, always the same."""

import zlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from analysis import heads, taxonomy
from analysis.understand import Document, understand, version
from app.corrections import correct
from app.own_reading import models_folder, sync, use_version
from app.settings import Settings
from app.training import train
from models.feedback import Verbatim
from tests.irritants.conftest import TODAY, Bench

WORDS = [f"{a} {b}" for a in ("le", "mon", "ce", "leur", "notre", "ton") for b in (
    "compte", "virement", "solde", "livret", "budget", "code", "relevé", "conseiller", "plafond", "découvert",
    "chéquier", "prélèvement", "dossier", "crédit", "contrat", "mandat", "terminal", "paiement", "budget", "profil",
)]  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path)


@pytest.fixture(autouse=True)
def shipped() -> Iterator[None]:
    yield
    heads.use(None)
    taxonomy.use("")


def slang(bench: Bench) -> None:
    """Customers of this app say “zigotte” when they are happy and “zarbouf” when they are not."""
    for word, stars in (("zigotte", 5), ("zarbouf", 1)):
        texts = [(TODAY - timedelta(days=n % 50), f"{words} {word}, voilà {n}") for n, words in enumerate(WORDS * 2)]
        bench.store(texts, stars=stars, version="7.1", channel="app_store")


def test_few_data_say_how_many_are_lacking(bench: Bench, db: Session, settings: Settings) -> None:
    bench.store([(TODAY, "Très bien"), (TODAY, "Nul")], stars=5, version="7.1", channel="app_store")
    done = train(db, settings)
    assert not done.changed
    assert done.version == heads.shipped().version
    lacking = {one.head: one.lacking for one in done.heads}
    assert lacking["sentiment"] == 298
    assert lacking["problem"] == 30
    assert done.topics.lacking == 20


def test_own_stars_teach_own_words(bench: Bench, db: Session, settings: Settings) -> None:
    slang(bench)
    before = understand([Document("notre agence zarbouf", locale="fr")])[0].sentiment
    shipped = version()
    done = train(db, settings)
    (sentiment,) = [one for one in done.heads if one.head == "sentiment"]
    assert sentiment.kept
    assert sentiment.before is not None
    assert sentiment.after is not None
    assert sentiment.after.accuracy > sentiment.before.accuracy
    assert version() != shipped
    assert understand([Document("notre agence zarbouf", locale="fr")])[0].sentiment < before - 0.3
    again = train(db, settings)
    assert (again.version, again.changed) == (done.version, False)


def test_another_process_reads_with_it_and_can_go_back(bench: Bench, db: Session, settings: Settings) -> None:
    slang(bench)
    name = train(db, settings).version
    heads.use(None)
    assert sync(db, settings)
    assert heads.load().version == name
    assert not sync(db, settings)
    use_version(settings, "")
    assert sync(db, settings)
    assert heads.load() is heads.shipped()


def test_a_broken_model_is_left_aside(bench: Bench, db: Session, settings: Settings) -> None:
    slang(bench)
    name = train(db, settings).version
    heads.use(None)
    (models_folder(settings) / name / "model.npz").write_bytes(b"not a model")
    sync(db, settings)
    assert heads.load() is heads.shipped()


def test_stars_that_say_nothing_change_nothing(bench: Bench, db: Session, settings: Settings) -> None:
    coin = [zlib.crc32(f"{words}{n}".encode()) % 2 for n, words in enumerate(WORDS * 3)]
    for side, stars in enumerate((1, 5)):
        texts = [(TODAY, f"{words} {n}") for n, words in enumerate(WORDS * 3) if coin[n] == side]
        bench.store(texts, stars=stars, version="7.1", channel="app_store")
    done = train(db, settings)
    (sentiment,) = [one for one in done.heads if one.head == "sentiment"]
    assert sentiment.before is not None
    assert sentiment.kept == (
        sentiment.after is not None
        and sentiment.after.loss < sentiment.before.loss * 0.995
        and sentiment.after.accuracy >= sentiment.before.accuracy
    )
    assert (done.version == heads.shipped().version) == (not sentiment.kept)


def test_corrected_topics_teach_phrases(bench: Bench, db: Session, settings: Settings) -> None:
    texts = [(TODAY, f"le bidule vert est en panne, {words}") for words in WORDS[:60]]
    bench.store(texts, stars=1, version="7.1", channel="app_store")
    bench.calm(20)
    rows = db.scalars(select(Verbatim).where(Verbatim.body.contains("bidule"))).all()
    for row in rows:
        correct(db, bench.app_id, row.id, actor="anne", topics=[("card", "negative")])
    done = train(db, settings)
    assert done.topics.kept
    assert done.topics.before is not None
    assert done.topics.after is not None
    assert done.topics.after > done.topics.before
    assert "card" in {t.topic for t in understand([Document("Encore ce bidule vert", locale="fr")])[0].topics}
