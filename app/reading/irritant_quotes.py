"""What customers say of an irritant: the most typical of its newest verbatims, with the telling words marked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate

from sqlalchemy import select
from sqlalchemy.orm import Session

from analysis.phrasebook import Phrasebook
from analysis.tokens import tokenise
from app.reading.members import newest_members, spans_of
from app.reading.trends import Period
from models.feedback import Verbatim
from models.insight import Irritant

SOUGHT = 300
"""Verbatims among which typical ones are sought."""


@dataclass(frozen=True, slots=True)
class Quote:
    """A typical verbatim: its id, words, and where in `text` the telling words are (start, end)."""

    id: int
    text: str
    stars: int | None
    version: str
    channel: str
    storefront: str
    day: date
    marks: tuple[tuple[int, int], ...]


def quotes(
    session: Session, app_id: int, group: Sequence[Irritant], rows: Sequence[Irritant], period: Period, limit: int = 5
) -> tuple[Quote, ...]:
    """The verbatims that say most of its telling words in the fewest of their own, newest first among equals.

    Sought among its newest `SOUGHT`.
    """
    v = Verbatim
    found = session.execute(
        select(v.id, v.title, v.body, v.stars, v.version, v.channel, v.storefront, v.day)
        .where(
            v.app_id == app_id,
            newest_members(app_id, group, spans_of(rows), (period.first, period.last), 2 * SOUGHT),
        )
        .order_by(v.written_at.desc(), v.id.desc())
        .limit(SOUGHT)
    ).all()
    if not found:
        return ()
    phrases = [phrase for row in group for phrase in row.phrases] or [group[0].key.partition(":")[2].replace("_", " ")]
    texts = [f"{row.title}\n{row.body}" if row.title else row.body for row in found]
    marks = telling_marks(texts, phrases)
    scored = sorted(
        range(len(found)),
        key=lambda i: (-min(len({texts[i][a:b].lower() for a, b in marks[i]}), 3), abs(len(texts[i]) - 140) // 60, i),
    )
    chosen: dict[str, int] = {}
    for i in scored:
        chosen.setdefault(" ".join(texts[i].casefold().split())[:60], i)
        if len(chosen) == limit:
            break
    return tuple(
        Quote(row.id, texts[i], row.stars, row.version, row.channel, row.storefront, row.day, marks[i])
        for i, row in ((i, found[i]) for i in chosen.values())
    )


def telling_marks(texts: Sequence[str], phrases: Sequence[str]) -> list[tuple[tuple[int, int], ...]]:
    """Where each text says one of the phrases: (start, end) in characters, without overlap, in order."""
    words = [phrase for phrase in phrases if phrase.strip()]
    if not words or not texts:
        return [() for _ in texts]
    try:
        book = Phrasebook([word.replace("*", " ").replace("_", " ").replace("..", " ") for word in words])
    except ValueError:
        return [() for _ in texts]
    tokens = tokenise(texts)
    hits = book.find(tokens)
    told = tokens.text[1:-1].split("\0")  # a NUL stands before each text and after the last
    begins = list(accumulate((len(text) + 1 for text in told), initial=1))
    spans: list[list[tuple[int, int]]] = [[] for _ in texts]
    for first, last in zip(hits.first.tolist(), hits.last.tolist(), strict=True):
        text = int(tokens.doc[first])
        start, end = int(tokens.start[first]) - begins[text], int(tokens.end[last]) - begins[text]
        mine = spans[text]
        if mine and start <= mine[-1][1]:
            mine[-1] = (mine[-1][0], max(end, mine[-1][1]))
        else:
            mine.append((start, end))
    # Composing accents may have moved everything.
    return [tuple(mine) if same == text else () for mine, same, text in zip(spans, told, texts, strict=True)]
