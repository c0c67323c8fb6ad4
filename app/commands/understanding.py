"""analyse, train: reading text, and rebuilding the models."""

import io
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from app.commands.shared import as_json, opened, show

if TYPE_CHECKING:
    from app.training import Trained

BATCH = 256


@click.command()
def analyse() -> None:
    """Understand verbatims: JSON Lines in, one JSON object out for each line.

    In: {"text", optional "title", "stars", "storefront", "locale"}.
    """
    from analysis import embeddings
    from app.settings import read_settings

    embeddings.use(read_settings().encoder)
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
@click.option("--background", is_flag=True, help="Leave the reading again to the workers.")
@as_json
def train(background: bool, as_json: bool) -> None:
    """Adapt the models to your own stars and corrections; kept only where they are better on held-back verbatims.

    Then what an older model read is read again. Stop it when you like: the workers go on with it.
    """
    from tqdm import tqdm

    from app.jobs import ask_for_rereads
    from app.own_reading import unread
    from app.queue import Queue
    from app.reread import reread
    from app.training import train as learn

    with opened() as context:
        with context.transaction() as session:
            done = learn(session, context.settings)
        if as_json:
            show(asdict(done))
        else:
            for line in _told(done):
                click.echo(line)
        queue = Queue(context.conninfo)
        try:
            with context.transaction() as session:
                apps = ask_for_rereads(session, queue)
        finally:
            queue.close()
        if background:
            return
        for app_id in apps:
            with context.transaction() as session:
                old, _ = unread(session, app_id)
            with tqdm(total=old, desc=f"app {app_id}", unit=" verbatims", disable=as_json or not old) as bar:
                reread(context, app_id, progress=bar.update)


def _told(done: "Trained") -> Iterator[str]:
    for one in done.heads:
        if one.before is None or one.after is None:
            yield f"{one.head}: {one.lacking} more verbatims are needed" + (
                "" if one.head == "sentiment" else " whose intents somebody corrected"
            )
            continue
        yield (
            f"{one.head}: accuracy {one.before.accuracy:.3f} → {one.after.accuracy:.3f}, "
            f"loss {one.before.loss:.3f} → {one.after.loss:.3f} on {one.before.n} held-back verbatims: "
            + ("kept" if one.kept else "not better, left as it was")
        )
    topics = done.topics
    if topics.lacking:
        yield f"topics: {topics.lacking} more corrected verbatims are needed"
    else:
        yield (
            f"topics: F1 {topics.before:.3f} → {topics.after:.3f} on held-back corrections with "
            f"{topics.phrases} new phrases: " + ("kept" if topics.kept else "not better, left as it was")
        )
    yield f"reading with model {done.version}" + ("" if done.changed else " (as before)")


COMMANDS = [analyse, train]
