"""Versions: is this one better or worse than that one, and can that be known yet?"""

from collections.abc import Sequence
from math import ceil
from statistics import median

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from alerts.detectors import Comparison, Missing
from app.api.shapes import OptionalText
from app.auth import allow
from app.charts import Labels
from app.db import DB
from app.i18n import Words
from app.lines import LINES_NARROW, LINES_WIDE, Line, share_lines
from app.pages.common import find_app, render, words_of
from app.pages.stability_part import between, percent, points
from app.reading import trends, versions
from app.reading.apps import today
from app.reading.launches import before, launches, newest_launch
from app.reading.versions import AdoptionDay, Pair, Side

router = APIRouter(dependencies=[allow("viewer", change="editor")])
SHOWN = 60


@router.get("/apps/{app_id}/versions")
def page(
    app_id: int,
    request: Request,
    session: DB,
    this: OptionalText = None,
    that: OptionalText = None,
    channel: OptionalText = None,
) -> HTMLResponse:
    """The verdict in a sentence, both sides beside each other, what rose and fell, and who has it already."""
    app = find_app(session, app_id)
    words = words_of(request, app)
    now = today(app)
    line = launches(session, app_id, now, channel)
    newest = newest_launch(line)
    this = this or (newest.version if newest else None)
    that = that or (before(line, this) if this else None)
    pair = versions.compare(session, app_id, this, that, now, channel, line) if this and that else None
    return render(
        request,
        "versions.html",
        words,
        app=app,
        tab="versions",
        today=now,
        channel=channel,
        channels=trends.channels(session, app_id),
        known=[one.version for one in reversed(line)][:SHOWN],
        asked=(this, that),
        pair=pair,
        told=pair is not None and isinstance(pair.stars, Comparison),
        headline=headline(words, pair),
        percent=percent,
        between=between,
        points=points,
        chart=_chart(words, pair, app.name) if pair else {},
        over=trailing(pair.adoption) if pair else 1,
    )


def headline(words: Words, pair: Pair | None) -> str:
    """The verdict in a sentence."""
    if pair is None:
        return words.t("versions.none")
    names = {"this": pair.this.version, "that": pair.that.version}
    found = pair.stars
    if isinstance(found, Missing):
        return words.t(f"versions.missing_{found.version}", n=found.reviews, **names)
    told = names | {"difference": words.signed(found.difference), "half": words.number(found.half_width, 1)}
    if found.verdict == "too_early":
        return words.t(
            "versions.too_early", n=about(found.more_reviews or 0), days=words.t("days", n=found.more_days or 1)
        )
    return words.t(f"versions.{found.verdict}", **told)


def about(reviews: int) -> int:
    """A number of reviews as one says it: 183 is 180, 1,234 is 1,200."""
    return max(1, round(reviews, 2 - len(str(reviews))))


ENOUGH = 20
"""Reviews that a share of adoption should rest on."""
WEEK = 7


def trailing(days: Sequence[AdoptionDay]) -> int:
    """Over how many days a share is taken, so that it usually rests on `ENOUGH` reviews: one, up to a week."""
    usual = median(day.total for day in days) if days else 0
    return WEEK if not usual else min(WEEK, max(1, ceil(ENOUGH / usual)))


def adopted(pair: Pair, side: Side) -> list[float | None]:
    """The share of the reviews that are of a version, day by day; None before it was out and where there are few.

    An edited review carries the version of its last edit, so that some are older than their version.
    """
    days, over = pair.adoption, trailing(pair.adoption)
    fewest = max(3, round(over * median(day.total for day in days) / 5)) if days else 3
    found: list[float | None] = []
    for at, day in enumerate(days):
        since = [one for one in days[max(0, at + 1 - over) : at + 1] if one.day >= side.released]
        total = sum(one.total for one in since)
        mine = sum(one.this if side is pair.this else one.that for one in since)
        found.append(mine / total if day.day >= side.released and total >= fewest else None)
    return found


def _chart(words: Words, pair: Pair, name: str) -> dict[str, str]:
    """How the reviews moved from one version to the other."""
    days = pair.adoption
    shares = {side.version: adopted(pair, side) for side in (pair.that, pair.this)}
    mine = [(day, share) for day, share in zip(days, shares[pair.this.version], strict=True) if share is not None]
    if not days or not any(share is not None for each in shares.values() for share in each):
        return {}
    at, share = mine[-1] if mine else (days[-1], 0.0)
    labels = Labels(
        words.t("versions.adoption_of", name=name, this=pair.this.version),
        words.t(
            "versions.adoption_description",
            this=pair.this.version,
            share=words.percent(share),
            day=words.day(at.day),
        ),
        words.percent,
        words.short_day,
        words.month,
    )
    lines = [
        Line(pair.that.version, "soft", shares[pair.that.version]),
        Line(pair.this.version, "accent", shares[pair.this.version]),
    ]
    marks = [(side.released, side.version) for side in (pair.that, pair.this)]
    return {
        name: share_lines(lines, days[0].day, 1, releases=marks, labels=labels, size=size, top=1.0)
        for name, size in (("wide", LINES_WIDE), ("narrow", LINES_NARROW))
    }
