"""analyse, train: reading text, and rebuilding the models."""

import io
import json
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import click

BATCH = 256


@click.command()
def analyse() -> None:
    """Understand verbatims: JSON Lines in, one JSON object out for each line.

    In: {"text", optional "title", "stars", "storefront", "locale"}.
    """
    lines = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="replace")
    numbered = enumerate(lines, 1)
    while batch := list(islice(numbered, BATCH)):
        for entry in _analysed(batch):
            click.echo(json.dumps(entry, ensure_ascii=False))
        sys.stdout.flush()


def _analysed(batch: Iterable[tuple[int, str]]) -> Iterator[dict[str, Any]]:
    """One answer a line, in order; a line that cannot be read answers with its error."""
    from analysis.mask import mask
    from analysis.understand import Document, understand

    read: list[Document | str] = []
    for number, line in batch:
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            text = entry["text"]
            if not isinstance(text, str):
                raise TypeError("text")  # noqa: TRY301
        except (ValueError, TypeError, KeyError):
            read.append(f'line {number} is not a JSON object with a "text"')
            continue
        title = entry.get("title")
        read.append(
            Document(
                text=mask(_sound(text)),
                title=mask(_sound(title)) if isinstance(title, str) else "",
                stars=_stars(entry.get("stars")),
                storefront=_word(entry.get("storefront")),
                locale=_word(entry.get("locale")),
            )
        )
    said = iter(understand([document for document in read if isinstance(document, Document)]))
    for document in read:
        if isinstance(document, str):
            yield {"error": document}
            continue
        one = next(said)
        yield {
            "language": one.language,
            "sentiment": round(one.sentiment, 3),
            "label": one.label,
            "confidence": round(one.confidence, 3),
            "intents": list(one.intents),
            "topics": [
                {"topic": t.topic, "step": t.step, "sentiment": round(t.sentiment, 3), "evidence": t.evidence}
                for t in one.topics
            ],
            "urgent": one.urgent,
            "model": one.model,
        }


def _sound(words: str) -> str:
    """Words that UTF-8 can carry: JSON may escape half a character."""
    return words.encode("utf-8", "replace").decode("utf-8")


def _stars(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) and value in {1, 2, 3, 4, 5} else None


def _word(value: object) -> str | None:
    return value.strip().lower() or None if isinstance(value, str) else None


@click.command()
@click.option(
    "--data", type=click.Path(exists=True, file_okay=False), required=True, help="The folder of labelled data."
)
def train(data: str) -> None:
    """Rebuild the shipped models from licence-clean data and print how good they are."""
    import subprocess

    raise SystemExit(subprocess.run([sys.executable, "-m", "analysis.train", "--data", data], check=False).returncode)  # noqa: S603


COMMANDS = [analyse, train]
