"""Training on an installation's own stars and corrections: kept where better, never otherwise, always the same."""

import zlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from analysis import heads, taxonomy
from analysis.understand import Document, understand, version
from app.corrections import correct
from app.db import transaction
from app.errors import Problem
from app.own_reading import newest, sync
from app.reread import read_again
from app.settings import Settings
from app.training import go_back, train
from models.feedback import Verbatim, VerbatimTopic
from models.own import Training
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
    assert go_back(db, settings, actor="anne")
    assert heads.load() is heads.shipped()
    assert not go_back(db, settings, actor="anne")


def test_a_broken_model_is_left_aside(bench: Bench, db: Session, settings: Settings) -> None:
    slang(bench)
    name = train(db, settings).version
    heads.use(None)
    db.add(Training(actor="cli", version=name, figures={}, model=b"not a model"))
    db.flush()
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


def test_a_correction_teaches_and_outlives_every_model(bench: Bench, db: Session, settings: Settings) -> None:
    """Corrected once, read again by the shipped model and by the one that learnt from it: it stays as it was said."""
    slang(bench)
    bench.store(
        [(TODAY, f"{words} patatruc, le conseiller est venu") for words in WORDS[:80]],
        stars=3, version="7.1", channel="app_store",
    )  # fmt: skip
    rows = db.scalars(select(Verbatim).where(Verbatim.body.contains("patatruc")).order_by(Verbatim.id)).all()
    free, corrected = rows[-1], [row.id for row in rows[:-1]]
    for ident in corrected:
        correct(
            db, bench.app_id, ident, actor="anne", label="negative", intents=["request"], topics=[("card", "negative")]
        )
    kept = ("negative", ["request"], ["card"])
    assert as_stored(db, bench.app_id, corrected[0]) == kept
    probe = [Document(free.body, stars=3, locale="fr")]
    free_id, before = free.id, understand(probe)[0].sentiment

    done = train(db, settings)

    last = newest(db)
    assert last is not None
    assert (last.version, last.corrections) == (done.version, len(corrected))
    assert understand(probe)[0].sentiment < before - 0.2, "it was learnt from"
    for model in (done.version, heads.shipped().version):
        again = db.scalars(select(Verbatim).where(Verbatim.app_id == bench.app_id).order_by(Verbatim.id)).all()
        read_again(db, again)
        db.expire_all()
        assert db.get_one(Verbatim, (bench.app_id, free_id)).model.startswith(f"{model}-")
        assert {as_stored(db, bench.app_id, ident) == kept for ident in corrected} == {True}
        go_back(db, settings, actor="anne")


def as_stored(db: Session, app_id: int, ident: int) -> tuple[str, list[str], list[str]]:
    row = db.get_one(Verbatim, (app_id, ident))
    topics = db.scalars(select(VerbatimTopic.topic).where(VerbatimTopic.verbatim_id == ident)).all()
    return row.label, list(row.intents), list(topics)


def test_a_second_training_waits_its_turn(own_engine: Engine, settings: Settings) -> None:
    with transaction(own_engine) as first, transaction(own_engine) as second:
        train(first, settings)
        with pytest.raises(Problem, match="under way"):
            train(second, settings)
