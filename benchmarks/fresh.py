"""Topics and the urgent lane on sentences written afresh, before it was looked at what the system says of them.

The half of even checksum was then mended on, the other half (held back) was not. A topic marked "?" may be told or not:
"depuis la mise à jour" only dates a complaint. fresh_abroad.csv is plain complaints of one to three topics in Spanish,
German, Italian, Dutch and Portuguese, fresh_abroad_again.csv says nothing by its name, on purpose; fresh_sloppy.csv is
French as people type it.
"""

import csv
import zlib
from collections.abc import Sequence
from pathlib import Path

from analysis.understand import Document, understand

FOLDER = Path(__file__).resolve().parent.parent / "tests" / "data"


def held_back(text: str) -> bool:
    """Whether nothing was mended on this sentence."""
    return zlib.crc32(text.encode()) % 2 == 1


def topics(
    file: str = "fresh_topics.csv", *, held: bool | None = True, each: bool = False
) -> dict[str, tuple[float, int]]:
    """Micro-F1 and number of sentences by language ("fr", "en", "other"; or `each`), of one half or (None) of both."""
    rows = [row for row in _read(file) if held is None or held_back(row["text"]) == held]
    said = understand([Document(row["text"], locale=row["language"]) for row in rows])
    pairs: dict[str, list[tuple[int, int, int]]] = {}
    for row, one in zip(rows, said, strict=True):
        sure = {topic for topic in row["topics"].split() if not topic.endswith("?")}
        may = {topic.removesuffix("?") for topic in row["topics"].split()} - sure
        told = {mention.topic for mention in one.topics} - may
        group = row["language"] if each or row["language"] in ("fr", "en") else "other"
        pairs.setdefault(group, []).append((len(sure & told), len(sure), len(told)))
    return {group: (_f1(counts), len(counts)) for group, counts in pairs.items()}


def urgent(file: str = "fresh_urgent.csv", *, held: bool | None = True) -> dict[str, tuple[float, float, int]]:
    """Recall, share of the calm ones that are taken, and number of sentences, by language as in `topics`."""
    rows = [row for row in _read(file) if held is None or held_back(row["text"]) == held]
    said = understand([Document(row["text"], locale=row["language"]) for row in rows])
    groups: dict[str, tuple[list[bool], list[bool]]] = {}
    for row, one in zip(rows, said, strict=True):
        group = row["language"] if row["language"] in ("fr", "en") else "other"
        groups.setdefault(group, ([], []))[row["urgent"] == "0"].append(one.urgent)
    return {
        group: (sum(must) / len(must), sum(calm) / max(len(calm), 1), len(must) + len(calm))
        for group, (must, calm) in groups.items()
    }


def _read(file: str) -> list[dict[str, str]]:
    with (FOLDER / file).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _f1(counts: Sequence[tuple[int, int, int]]) -> float:
    both, wanted, told = (sum(column) for column in zip(*counts, strict=True))
    return 2 * both / max(wanted + told, 1)
