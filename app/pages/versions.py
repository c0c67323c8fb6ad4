"""Versions: is this one better or worse than that one, and can that be known yet?"""

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
from app.pages.stability_part import percent
from app.reading import trends, versions
from app.reading.apps import today
from app.reading.launches import before, launches, newest_launch
from app.reading.versions import Pair

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
        chart=_chart(words, pair, app.name) if pair else {},
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


def _chart(words: Words, pair: Pair, name: str) -> dict[str, str]:
    """How the reviews moved from one version to the other."""
    days = pair.adoption
    if not days:
        return {}
    labels = Labels(
        words.t("versions.adoption_of", name=name, this=pair.this.version),
        words.t(
            "versions.adoption_description",
            this=pair.this.version,
            share=words.percent(days[-1].this / days[-1].total if days[-1].total else 0),
            day=words.day(days[-1].day),
        ),
        words.percent,
        words.short_day,
        words.month,
    )
    lines = [
        Line(pair.that.version, "soft", [day.that / day.total if day.total else None for day in days]),
        Line(pair.this.version, "accent", [day.this / day.total if day.total else None for day in days]),
    ]
    marks = [(side.released, side.version) for side in (pair.that, pair.this)]
    return {
        name: share_lines(lines, days[0].day, 1, releases=marks, labels=labels, size=size, top=1.0)
        for name, size in (("wide", LINES_WIDE), ("narrow", LINES_NARROW))
    }
