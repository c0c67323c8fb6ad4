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
    from analysis.adapt import Outcome
    from app.context import Context
    from app.training import TopicsOutcome

BATCH = 256


@click.command()
def analyse() -> None:
    """Understand verbatims: JSON Lines in, one JSON object out for each line.

    In: {"text", optional "title", "stars", "storefront", "locale"}. A line that is none of it answers {"error"}.
    """
    from analysis import embeddings
    from app.settings import read_settings

    embeddings.use(read_settings().encoder)
    lines = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", errors="replace")
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
            text = entry["text"] if entry["text"] is not None else ""  # a rating without words
            if not isinstance(text, str):
                raise TypeError("text")  # noqa: TRY301
        except (ValueError, TypeError, KeyError, RecursionError):
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
@click.option("--shipped", is_flag=True, help="Go back to the model that comes with Cocoon.")
@as_json
def train(background: bool, shipped: bool, as_json: bool) -> None:
    """Adapt the models to your own stars and corrections; kept only where they are better on held-back verbatims.

    Then what an older model read is read again. Stop it when you like: the workers go on with it.
    """
    from app.jobs import ask_for_rereads
    from app.queue import Queue
    from app.training import go_back
    from app.training import train as learn

    with opened() as context:
        with context.transaction() as session:
            if shipped:
                changed = go_back(session, context.settings, actor="cli")
                done = None
            else:
                if not as_json:
                    click.echo("learning from the newest stars and every correction; each head takes some seconds")
                done = learn(session, context.settings, tell=lambda one: None if as_json else click.echo(_told_of(one)))
                changed = done.changed
        if as_json:
            show(asdict(done) if done else {"version": heads_version(), "changed": changed})
        elif done is not None:
            click.echo(_told_of_topics(done.topics))
            click.echo(f"reading with model {done.version}" + ("" if changed else " (as before)"))
        else:
            click.echo(f"reading with the shipped model {heads_version()}" + ("" if changed else " (as before)"))
        queue = Queue(context.conninfo)
        try:
            with context.transaction() as session:
                apps = ask_for_rereads(session, queue)
        finally:
            queue.close()
        if not background:
            _read_again(context, apps, quiet=as_json)


def heads_version() -> str:
    """The version of the model in use."""
    from analysis import heads

    return heads.load().version


def _read_again(context: "Context", apps: Iterable[int], *, quiet: bool) -> None:
    """Read each app's verbatims again here, with a bar; a worker that does the same takes other pages."""
    from tqdm import tqdm

    from app.own_reading import unread
    from app.reread import reread

    for app_id in apps:
        with context.transaction() as session:
            old, _ = unread(session, app_id)
        with tqdm(total=old, desc=f"app {app_id}", unit=" verbatims", disable=quiet or not old) as bar:
            reread(context, app_id, progress=bar.update)


def _told_of(one: "Outcome") -> str:
    if one.before is None or one.after is None:
        whose = "" if one.head == "sentiment" else " whose intents somebody corrected"
        return f"{one.head}: {one.lacking} more verbatims are needed{whose}"
    return (
        f"{one.head}: accuracy {one.before.accuracy:.3f} → {one.after.accuracy:.3f}, "
        f"loss {one.before.loss:.3f} → {one.after.loss:.3f} on {one.before.n} held-back verbatims: "
        + ("kept" if one.kept else "not better, left as it was")
    )


def _told_of_topics(topics: "TopicsOutcome") -> str:
    if topics.lacking:
        return f"topics: {topics.lacking} more corrected verbatims are needed"
    return (
        f"topics: F1 {topics.before:.3f} → {topics.after:.3f} on held-back corrections with "
        f"{topics.phrases} new phrases: " + ("kept" if topics.kept else "not better, left as it was")
    )


COMMANDS = [analyse, train]
