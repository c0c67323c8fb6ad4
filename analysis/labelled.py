"""Intents that were read and written for this project: labels on public reviews, and reviews of our own invention.

`data/intent_labels.csv` says of 1,000 public reviews of six apps what they want, without their texts; what its labels
mean is told at its beginning. `data/intent_sentences.yaml` holds reviews written for training. `analysis.corpora` reads
the public texts themselves.
"""

import csv
import gzip
import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import get_args

import yaml

from analysis.corpora import TRAINABLE, Example
from analysis.intent import Intent

COLUMNS = ("corpus", "file", "row", "text_sha256", "problem", "feature_request", "irrelevant")
NOTHING = "nothing"
LANGUAGES = frozenset(("fr", "en", "es", "de", "it", "nl", "pt"))
_TEXT = {"playstore_en": ("review", "num_stars"), "viber": ("text", "rating")}  # columns of each corpus


class LabelError(ValueError):
    """The labels or sentences are wrong, or the data is not that which was labelled."""


@dataclass(frozen=True, slots=True)
class Label:
    """What one review wants. `row` counts the file's records from 1; `digest` begins the SHA-256 of the text."""

    corpus: str
    file: str
    row: int
    digest: str
    problem: bool
    request: bool


@dataclass(frozen=True, slots=True)
class Sentence:
    """A review written for training; no intent at all means that nobody could act on it."""

    text: str
    language: str
    kind: str
    stars: int
    intents: frozenset[Intent]

    def example(self) -> Example:
        """For training. A mere question has no label: the public corpora call it now a request, now nothing."""
        known = self.intents != {"question"}
        return Example(
            self.text,
            self.language,
            "own",  # no app is held out for it
            "written",
            self.stars,
            problem="problem" in self.intents if known else None,
            request="request" in self.intents if known else None,
            question="question" in self.intents,
        )


def labels() -> list[Label]:
    """The labels as they are shipped. Raises LabelError where they contradict themselves."""
    return parse_labels(resources.files("analysis").joinpath("data/intent_labels.csv").read_text("utf-8"))


def parse_labels(text: str) -> list[Label]:
    """Labels of a CSV whose lines that begin with # are comments. Raises LabelError, with the line, on any doubt."""
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line and not line.startswith("#")]
    if not lines or tuple(lines[0][1].split(",")) != COLUMNS:
        raise LabelError(f"the first line must name the columns {','.join(COLUMNS)}")
    found: dict[tuple[str, str, int], Label] = {}
    for number, line in lines[1:]:
        label = _label(number, line.split(","))
        if found.setdefault((label.corpus, label.file, label.row), label) is not label:
            raise LabelError(f"line {number}: {label.file} row {label.row} is labelled twice")
    return list(found.values())


def _label(number: int, cells: list[str]) -> Label:
    if len(cells) != len(COLUMNS):
        raise LabelError(f"line {number}: {len(cells)} cells instead of {len(COLUMNS)}")
    corpus, file, row, digest, *flags = cells
    if corpus not in _TEXT or corpus not in TRAINABLE:
        raise LabelError(f"line {number}: unknown corpus {corpus!r}")
    if not row.isdecimal() or int(row) < 1:
        raise LabelError(f"line {number}: {row!r} is not the number of a row")
    if len(digest) != 12 or set(digest) - set("0123456789abcdef"):
        raise LabelError(f"line {number}: {digest!r} is not the beginning of a SHA-256")
    if set(flags) - {"0", "1"}:
        raise LabelError(f"line {number}: labels are 0 or 1")
    problem, request, irrelevant = (flag == "1" for flag in flags)
    if irrelevant == (problem or request):
        raise LabelError(f"line {number}: irrelevant means neither a problem nor a request")
    return Label(corpus, file, int(row), digest, problem, request)


def reviews(folder: Path, chosen: Iterable[Label] | None = None) -> list[Example]:
    """The labelled reviews with their texts and stars; those of an absent corpus are left out.

    Raises LabelError where a text is not the one that was labelled, so that no label ever lands on another review.
    """
    rows = cache(lambda corpus, file: _rows(folder / corpus / file))
    found = []
    for label in labels() if chosen is None else chosen:
        if not (folder / label.corpus).is_dir():
            continue
        there = rows(label.corpus, label.file)
        if label.row > len(there):
            raise LabelError(f"{label.corpus}/{label.file} has {len(there)} rows, {label.row} is labelled")
        column, stars = _TEXT[label.corpus]
        text = there[label.row - 1][column]
        if digest(text) != label.digest:
            raise LabelError(
                f"{label.corpus}/{label.file} row {label.row} is not the text that was labelled: its SHA-256 begins "
                f"with {digest(text)}, not {label.digest}; is it another edition of the corpus?"
            )
        app = label.file.split(".")[0] if label.corpus == "playstore_en" else label.corpus
        rating = int(float(there[label.row - 1][stars]))
        found.append(Example(text, "en", app, label.corpus, rating, problem=label.problem, request=label.request))
    return found


def digest(text: str) -> str:
    """The twelve first hexadecimal digits of the text's SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _rows(file: Path) -> list[dict[str, str]]:
    if not file.is_file():
        raise LabelError(f"{file} is labelled, but absent")
    return list(csv.DictReader(io.StringIO(gzip.decompress(file.read_bytes()).decode("utf-8"), newline="")))


def lay_over(examples: Sequence[Example], known: Sequence[Example]) -> list[Example]:
    """The examples with the intents of those that are known (same words, same language); none is there twice."""
    by_words = {(_plain(example.text), example.language): example for example in known}
    laid = []
    for example in examples:
        label = by_words.pop((_plain(example.text), example.language), None)
        laid.append(example if label is None else replace(example, problem=label.problem, request=label.request))
    return laid + list(by_words.values())


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def sentences() -> list[Sentence]:
    """The reviews written for training. Raises LabelError where their file breaks its own rules."""
    text = resources.files("analysis").joinpath("data/intent_sentences.yaml").read_text("utf-8")
    return parse_sentences(yaml.safe_load(text))


def parse_sentences(written: Mapping[str, Mapping[str, Mapping[str, Sequence[str]]]]) -> list[Sentence]:
    """Sentences by language, kind of app and "intents stars". Raises LabelError on any doubt."""
    found: dict[tuple[str, str], Sentence] = {}
    for sentence in _each(written):
        key = (_plain(sentence.text), sentence.language)
        if not key[0]:
            raise LabelError(f"{sentence.language} {sentence.kind}: an empty sentence")
        if found.setdefault(key, sentence) is not sentence:
            raise LabelError(f"{sentence.language}: {sentence.text!r} stands there twice")
    return list(found.values())


def _each(written: Mapping[str, Mapping[str, Mapping[str, Sequence[str]]]]) -> Iterator[Sentence]:
    for language, kinds in written.items():
        if language not in LANGUAGES:
            raise LabelError(f"unknown language {language!r}")
        for kind, groups in kinds.items():
            for key, texts in groups.items():
                intents, stars = _key(f"{language} {kind}", key)
                for text in texts:
                    if not isinstance(text, str):
                        raise LabelError(f"{language} {kind} {key}: {text!r} is not a text (quote it)")
                    yield Sentence(text, language, kind, stars, intents)


def _key(where: str, key: str) -> tuple[frozenset[Intent], int]:
    *names, stars = str(key).split()
    if stars not in ("1", "2", "3", "4", "5"):
        raise LabelError(f"{where}: {key!r} does not end with 1 to 5 stars")
    if names == [NOTHING]:
        return frozenset(), int(stars)
    known = [name for name in get_args(Intent) if name in names]
    if not names or len(known) != len(names):
        raise LabelError(f"{where}: {key!r} must name {', '.join(get_args(Intent))}, each once, or {NOTHING} alone")
    return frozenset(known), int(stars)
