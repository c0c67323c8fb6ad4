"""What a stranger would type: 447 verbatims of many apps in fourteen languages, read for all that is told of a text.

Written in bulk, with the answers in mind, before it was looked at what the system says (tests/data/fresh_stranger.csv;
thirty more were left out because a training sentence says the same, "top" or "RAS"). The half of even checksum was then
mended on, the other half was not. Several labels in a cell: any of them is right; an intent or a topic marked "?" may
be told or not. Nothing is known of a text but what stands in its row: no storefront.
"""

import csv
import zlib
from collections.abc import Callable, Iterator

from analysis.understand import Document, Understanding, understand
from benchmarks.fresh import FOLDER

_STORES = {"en": "us", "sv": "se", "ca": "es", "ar": "sa"}
Row = dict[str, str]


def held_back(row: Row) -> bool:
    """Whether nothing was mended on this verbatim."""
    return zlib.crc32(f"{row['title']}\n{row['text']}".encode()) % 2 == 1


def rows(*, held: bool | None = True) -> list[Row]:
    """The verbatims of one half or (None) of both."""
    with (FOLDER / "fresh_stranger.csv").open(encoding="utf-8", newline="") as stream:
        return [row for row in csv.DictReader(stream) if held is None or held_back(row) == held]


def read(chosen: list[Row], *, stores: bool = False) -> list[Understanding]:
    """What the system says of them, with or without the storefront."""
    return understand(
        [
            Document(
                row["text"],
                title=row["title"],
                stars=int(row["stars"]) if row["stars"] else None,
                storefront=_STORES.get(row["language"], row["language"]) if stores else None,
            )
            for row in chosen
        ]
    )


def figures(*, held: bool | None = True) -> dict[str, float]:
    """Every figure: shares of right languages and labels, F1 of intents and topics, recall and false of the lane."""
    chosen = rows(held=held)
    said = read(chosen)
    pairs = list(zip(chosen, said, strict=True))
    worded = [pair for pair in pairs if any(letter.isalpha() for letter in pair[0]["text"] + pair[0]["title"])]
    found = {
        "language": _share(row["language"] == one.language for row, one in worded),
        "language, storefront known": _share(
            row["language"] == one.language
            for row, one in zip(chosen, read(chosen, stores=True), strict=True)
            if any(letter.isalpha() for letter in row["text"] + row["title"])
        ),
    }
    for group, member in _GROUPS.items():
        here = [(row, one) for row, one in pairs if member(row["language"])]
        found[f"label, {group}"] = _share(one.label in row["label"].split() for row, one in here)
        found[f"topics F1, {group}"] = f1([marks(row["topics"], {m.topic for m in one.topics}) for row, one in here])
    for intent in ("problem", "request", "question", "praise"):
        counts = []
        for row, one in pairs:
            wanted = " ".join(name for name in row["intents"].split() if name.removesuffix("?") == intent)
            counts.append(marks(wanted, {intent} & set(one.intents)))
        found[f"{intent} F1"] = f1(counts)
    found["intents exactly"] = _share(_exact(row["intents"], set(one.intents)) for row, one in pairs)
    found["urgent, recall"] = _share(one.urgent for row, one in pairs if row["urgent"] == "1")
    found["urgent, calm ones taken"] = _share(one.urgent for row, one in pairs if row["urgent"] == "0")
    return found


def marks(wanted: str, told: set[str]) -> tuple[int, int, int]:
    """How many were told rightly, wanted, and told, those that may be told or not left out."""
    sure = {name for name in wanted.split() if not name.endswith("?")}
    counted = told - {name.removesuffix("?") for name in wanted.split() if name.endswith("?")}
    return len(sure & counted), len(sure), len(counted)


def f1(counts: list[tuple[int, int, int]]) -> float:
    """Micro-F1 of such counts."""
    both, wanted, told = (sum(column) for column in zip(*counts, strict=True))
    return 2 * both / max(wanted + told, 1)


def _exact(wanted: str, told: set[str]) -> bool:
    both, sure, counted = marks(wanted, told)
    return both == sure == counted


def _share(right: Iterator[bool]) -> float:
    told = list(right)
    return sum(told) / max(len(told), 1)


_GROUPS: dict[str, Callable[[str], bool]] = {
    "fr": lambda code: code == "fr",
    "en": lambda code: code == "en",
    "other": lambda code: code not in ("fr", "en"),
}

if __name__ == "__main__":
    both, mended, kept = figures(held=None), figures(held=False), figures()
    for name, reached in both.items():
        print(f"{name:28s} all {reached:.3f}   mended {mended[name]:.3f}   held back {kept[name]:.3f}")
