"""The labelled texts that the shipped models are trained and measured on (see docs/understanding.md for licences)."""

import csv
import gzip
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import yaml


@dataclass(frozen=True, slots=True)
class Example:
    """A text with what is known of it. Labels are None where its corpus does not say."""

    text: str
    language: str
    app: str
    corpus: str
    stars: int | None = None
    problem: bool | None = None
    request: bool | None = None
    question: bool | None = None


TRAINABLE = ("minibar", "maalej", "playstore_en", "viber", "banking77")
"""Corpora whose licences allow models trained on them to be shipped; insurance_fr states none and is only measured."""


def read(folder: Path, corpus: str) -> list[Example]:
    """Examples of one corpus, without repeated texts; an absent corpus gives an empty list."""
    seen: set[tuple[str, str]] = set()
    kept = []
    for example in _READERS[corpus](folder / corpus) if (folder / corpus).is_dir() else ():
        key = (" ".join(example.text.lower().split()), example.language)
        if key[0] and key not in seen:
            seen.add(key)
            kept.append(example)
    return kept


def banking77_test(folder: Path) -> frozenset[str]:
    """Texts of the test part of banking77, which nothing is trained on."""
    file = folder / "banking77" / "test.csv"
    return frozenset(row["text"] for row in _rows(file)) if file.is_file() else frozenset()


def own() -> list[Example]:
    """Sentences of data/phrasing.yaml: subjects crossed with judgements, and whole sentences, in French and English."""
    text = resources.files("analysis").joinpath("data/phrasing.yaml").read_text("utf-8")
    return [example for language, groups in yaml.safe_load(text).items() for example in _phrased(language, groups)]


def _phrased(language: str, groups: Mapping[str, list[str]]) -> Iterator[Example]:
    for name, (stars, problem, request) in _PHRASED.items():
        for pattern in groups[name]:
            for subject in groups["subjects"] if "{}" in pattern else ("",):
                text = pattern.replace("{}", subject)
                yield Example(text, language, "own", "own", stars, problem=problem, request=request)


_PHRASED: dict[str, tuple[int | None, bool | None, bool | None]] = {
    "good": (5, False, False),
    "broken": (1, True, False),
    "bad": (1, None, None),
    "wanted": (None, False, True),
    "asked": (None, None, None),
    "loved": (5, False, False),
    "hated": (1, None, None),
}


def _rows(path: Path) -> Iterator[dict[str, str]]:
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")
    yield from csv.DictReader(io.StringIO(text, newline=""))


def _minibar(folder: Path) -> Iterator[Example]:
    gold = {row["text"]: row["language"] for row in _rows(folder / "language_gold.csv")}
    for name in ("garmin.en", "garmin.fr", "huawei.en", "huawei.fr"):
        for row in _rows(folder / f"{name}.csv"):
            storefront = row["ori_lang"]
            language = gold.get(row["data"], storefront)
            if language in ("amb", "ambiguous"):
                language = storefront
            yield Example(
                row["data"],
                language,
                row["app"],
                "minibar",
                int(row["score"]),
                problem=row["problem_report"] == "1",
                request=row["feature_request"] == "1",
            )


def _maalej(folder: Path) -> Iterator[Example]:
    merged: dict[tuple[str, str], tuple[dict[str, str], set[str]]] = {}
    for row in _rows(folder / "reviews.csv"):
        merged.setdefault((row["title"], row["comment"]), (row, set()))[1].add(row["label"])
    for row, labels in merged.values():
        stars = int(row["rating"]) if (row["rating"] or "").isdigit() else None
        text = f"{row['title']}\n{row['comment']}" if row["title"] else row["comment"]
        yield Example(text, "en", "maalej", "maalej", stars, problem="Bug" in labels, request="Feature" in labels)


def _playstore(folder: Path) -> Iterator[Example]:
    for path in sorted(folder.glob("*.csv.gz")):
        for row in _rows(path):
            yield Example(row["review"], "en", path.name.split(".")[0], "playstore_en", int(row["num_stars"]))


def _viber(folder: Path) -> Iterator[Example]:
    for row in _rows(folder / "reviews.csv.gz"):
        yield Example(row["text"], "en", "viber", "viber", int(float(row["rating"])))


def _banking77(folder: Path) -> Iterator[Example]:
    for name in ("train", "test"):
        for row in _rows(folder / f"{name}.csv"):
            yield Example(row["text"], "en", row["category"], "banking77", question="?" in row["text"])


def _insurance(folder: Path) -> Iterator[Example]:
    for row in _rows(folder / "reviews.csv.gz"):
        if row["note"]:
            yield Example(row["avis"], "fr", row["produit"], "insurance_fr", int(float(row["note"])))


_READERS = {
    "minibar": _minibar,
    "maalej": _maalej,
    "playstore_en": _playstore,
    "viber": _viber,
    "banking77": _banking77,
    "insurance_fr": _insurance,
}
