"""Irritants: the demo's planted ones through the real path, and Viber's against what its changelogs say was mended.

    python -m benchmarks.irritants [--data FOLDER] [--seeds 7 8 9]

Demo: 18 months of reviews are masked, understood and stored; one refresh reads them all. A planted irritant is found
when one of its topic begins within five days of its release, and named right when its name tells the fault and the
release. Every other episode that is not merged into another is false. "Days" counts from the release to the first day
whose evidence was strong enough, on the data of that day.

Viber (Gao et al., IDEA, ICSE 2018): telling phrases of a version's 1 and 2 star reviews against those of the versions
before, and whether they say a word of the changelog's terms (words compared by their first five letters). Chance is
drawn from the same reviews. A longer sentence says more words of any list: so typical sentences are also compared with
random ones of the same length, and phrases with random phrases of the same number of words.
"""

import argparse
import csv
import gzip
import io
import random
import re
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from analysis.phrases import occurrences, telling
from app import embedded
from app.db import make_engine, transaction
from app.demo.story import Planted, Story, tell
from app.irritants import refresh
from app.migrate import migrate
from app.seal import Seal
from app.store import prepare
from models.apps import App
from models.insight import Irritant
from models.intake import Origin, store_verbatims
from models.records import VerbatimRecord
from models.releases import Release
from models.sources import Source

ROOT = Path(__file__).resolve().parent.parent
TODAY = date(2026, 11, 22)
FAULTS = {
    "notif_56": ("Notifications en double", "Notifications répétées"),
    "crash_60": ("L'application se ferme",),
    "login_63": ("Connexion impossible", "Connexion refusée"),
    "transfer_66": ("Virement impossible", "Virement ou ajout de bénéficiaire refusé", "Virement bloqué"),
    "cheque_68": ("Photo du chèque rejetée", "Dépôt de chèque impossible"),
    "login_72": ("Connexion impossible", "Connexion en boucle"),
}


def store(session: Session, story: Story) -> int:
    """Put a story into the tables as the walks would, without its HTTP. Returns the app's id."""
    zone, seal = ZoneInfo("Europe/Paris"), Seal(b"benchmark")
    app = App(name=f"story {random.random()}")
    session.add(app)
    session.flush()
    for release in story.releases:
        day = release.released_at.astimezone(zone).date()
        session.add(
            Release(
                app_id=app.id, channel=release.channel, version=release.version, released_at=release.released_at,
                day=day, notes=release.notes_fr,
            )
        )  # fmt: skip
    for channel in ("app_store", "google_play"):
        source = Source(app_id=app.id, kind=channel, channel=channel, name=channel, config={})
        session.add(source)
        session.flush()
        records = [
            VerbatimRecord(
                review.id, review.written_at, review.body, title=review.title, stars=review.stars,
                storefront=review.storefront, locale=review.locale, version=review.version, author=review.author,
            )
            for review in story.reviews
            if review.channel == channel
        ]  # fmt: skip
        for at in range(0, len(records), 1000):
            rows = prepare(records[at : at + 1000], zone, channel, seal)
            store_verbatims(session, Origin(app.id, source.id, channel, channel), rows, datetime.now(UTC))
    return app.id


def found_for(planted: Planted, rows: list[Irritant]) -> Irritant | None:
    """The irritant that is a planted one, if there is."""
    near = [row for row in rows if abs((row.began_day - planted.began_day).days) <= 5 and row.merged_into is None]
    return next((row for row in near if f"topic:{planted.topic}" in row.keys), None)


def demo(engine: Engine, seed: int) -> None:
    """One story of 18 months."""
    story = tell(TODAY, seed=seed)
    with transaction(engine) as session:
        app_id = store(session, story)
    spent = []
    for _ in range(2):
        began = time.perf_counter()
        with transaction(engine) as session:
            refresh(session, app_id, datetime.now(UTC), today=TODAY)
        spent.append(time.perf_counter() - began)
    with transaction(engine) as session:
        wanted = select(Irritant).where(Irritant.app_id == app_id, Irritant.standing.is_(False))
        rows = list(session.scalars(wanted))
        right, named, days = [], 0, []
        for planted in story.planted:
            row = found_for(planted, rows)
            if row is None:
                print(f"  missed: {planted.name_fr} ({planted.began_version})")
                continue
            right.append(row.id)
            days.append((row.noticed_day - planted.began_day).days)
            tells = row.name_fr.startswith(FAULTS[planted.key]) and row.began_version == planted.began_version
            named += tells
            if not tells:
                print(f"  named otherwise: {row.name_fr} (planted: {planted.name_fr}, {planted.began_version})")
        false = [row for row in rows if row.merged_into is None and row.id not in right]
        print(
            f"seed {seed}: {len(right)} of {len(story.planted)} planted irritants found, {named} named right, at most "
            f"{max(days, default=0)} days after release; {len(false)} false in 18 app-months; "
            f"first refresh {spent[0]:.1f} s, later {spent[1]:.2f} s for {len(story.reviews)} reviews"
        )
        for row in false:
            print(f"  false: {row.name_fr}, {row.noticed_day}, score {row.score:.1f}")


def viber(folder: Path) -> None:
    """Emerging phrases of each version against the changelogs' terms, beside three kinds of chance."""
    by_version: dict[str, list[tuple[str, int, str]]] = {}
    with gzip.open(folder / "reviews.csv.gz", "rb") as file:
        for row in csv.DictReader(io.StringIO(file.read().decode("utf-8"), newline="")):
            by_version.setdefault(row["version"], []).append((row["date"], int(float(row["rating"])), row["text"]))
    versions = sorted(by_version, key=lambda version: min(by_version[version])[0])
    lines = (folder / "changelog_terms.txt").read_text("utf-8").split("\n")
    print("Viber: irritants that say a word of the changelog, beside chance: random sentences, random sentences of the")
    print("same length, random phrases of the same number of words")
    for until, what in ((0, "this version"), (1, "this or the next"), (len(lines), "this or any later")):
        found: dict[str, list[bool]] = {}
        chance: dict[str, list[bool]] = {}
        for place, version in enumerate(versions[1:], 1):
            words = {word[:5] for line in lines[place : place + 1 + until] for word in re.findall(r"\w+", line)}
            ours = [text for _, stars, text in by_version[version] if stars <= 2]
            before = [text for known in versions[:place] for _, stars, text in by_version[known] if stars <= 2]
            if words and len(ours) >= 50:
                _compare(ours, before, words, found, chance)
        for name, hits in found.items():
            share = sum(hits) / len(hits)
            told = []
            for kind in ("random", "as long", "phrases"):
                if f"{name}, {kind}" in chance:
                    floor = sum(chance[f"{name}, {kind}"]) / len(chance[f"{name}, {kind}"])
                    told.append(f"{kind} {floor:.2f} ({share / floor:.1f} times)")
            print(f"  {what}, {name}: {share:.2f} of {len(hits)}; " + ", ".join(told))


def _compare(
    ours: list[str],
    before: list[str],
    words: set[str],
    found: dict[str, list[bool]],
    chance: dict[str, list[bool]],
) -> None:
    """Add one version's irritants and draws."""
    sentences = [s for text in ours for s in re.split(r"[.!?\n]", text) if len(s.split()) >= 3]
    by_length: dict[int, list[str]] = {}
    for sentence in sentences:
        by_length.setdefault(_length(sentence), []).append(sentence)
    said = occurrences(ours, least=4)
    by_words: dict[int, list[str]] = {}
    for phrase in sorted(said):
        by_words.setdefault(len(phrase.split()), []).append(phrase)
    emerging = [p.text for p in telling(ours, before, limit=12, least=4) if p.z >= 2.5]
    draw = random.Random(0)
    for phrase in emerging:
        found.setdefault("its phrase", []).append(_says(phrase, words))
        alike = by_words.get(len(phrase.split()), [])
        chance.setdefault("its phrase, phrases", []).extend(_says(draw.choice(alike), words) for _ in range(200))
        typical = [s for s in sentences if f" {phrase} " in f" {s} "]
        typical.sort(key=lambda s: -sum(f" {other} " in f" {s} " for other in emerging))
        for many, least in ((1, 1), (5, 2), (5, 3)):
            name = f"{least} of {many} typical sentences"
            found.setdefault(name, []).append(sum(_says(s, words) for s in typical[:many]) >= least)
            for _ in range(100):
                some = draw.sample(sentences, many)
                long = [draw.choice(by_length[_length(s)]) for s in typical[:many]]
                chance.setdefault(f"{name}, random", []).append(sum(_says(s, words) for s in some) >= least)
                chance.setdefault(f"{name}, as long", []).append(sum(_says(s, words) for s in long) >= least)


def _length(sentence: str) -> int:
    return min(len(sentence.split()), 40) // 4


def _says(sentence: str, words: set[str]) -> bool:
    return any(word[:5] in words for word in sentence.split())


def main() -> None:
    """Read the command line and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.irritants", description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--seeds", type=int, nargs="*", default=[7, 8, 9])
    arguments = parser.parse_args()
    if (arguments.data / "viber").is_dir():
        viber(arguments.data / "viber")
    with tempfile.TemporaryDirectory(prefix="cocoon-", dir="/tmp") as folder:
        server = embedded.join(Path(folder), fsync=False)
        engine = make_engine(server.url)
        try:
            migrate(engine)
            for seed in arguments.seeds:
                demo(engine, seed)
        finally:
            engine.dispose()
            server.stop()


if __name__ == "__main__":
    main()


__all__ = ["TODAY", "demo", "found_for", "store", "viber"]
