"""What changed since the last release, in one paragraph."""

from datetime import date

from markupsafe import Markup

from alerts.detectors import Comparison
from app.i18n import Words
from app.pages.links import reviews
from app.pages.stability_part import percent, points
from app.reading.irritants import Row
from app.reading.topics import topic_name
from app.reading.versions import Pair

SHOWN = 3
VERDICTS = {
    "worse": "changes.worse",
    "better": "changes.better",
    "alike": "changes.alike",
    "too_early": "changes.too_early",
    "too_noisy": "changes.too_noisy",
}


def since_release(words: Words, app_id: int, pair: Pair, born: list[Row], channel: str | None, today: date) -> Markup:
    """The rating before and now, what annoys more and less, crash-free, and the irritants born with it."""
    this, that = pair.this, pair.that
    count = Markup('<a href="{}">{}</a>').format(
        reviews(app_id, this.period.first, this.period.last, version=this.version, channel=channel),
        words.number(this.n),
    )
    day = words.day(this.released, today=today)
    said: list[str] = [words.t("changes.since", version=this.version, day=day, count=count)]
    if isinstance(pair.stars, Comparison):
        said.append(
            words.t(
                VERDICTS[pair.stars.verdict],
                before=words.stars(that.mean),
                after=words.stars(this.mean),
                difference=words.signed(pair.stars.difference),
                half=words.number(pair.stars.half_width, 1),
                that=that.version,
            )
        )
    for key, rows in (("changes.more", pair.risen), ("changes.less", pair.fallen)):
        if rows:
            named = [
                f"{topic_name(row.topic, words.language)}"
                f" ({words.share(row.change.before)} → {words.share(row.change.after)})"
                for row in rows[:SHOWN]
            ]
            said.append(words.t(key, topics=words.listed(named)))
    said += _crashes(words, pair)
    if born:
        links = Markup(", ").join(
            Markup('<a href="/apps/{}/irritants/{}">{}</a>').format(app_id, row.id, row.name) for row in born[:SHOWN]
        )
        said.append(words.t("changes.born", n=len(born), names=links))
    return Markup(" ").join(said)


def _crashes(words: Words, pair: Pair) -> list[str]:
    found = []
    for channel, now in pair.this.stability.items():
        then = pair.that.stability.get(channel)
        change = pair.crash_changes[channel]
        if now.crash_free is not None and then is not None and then.crash_free is not None:
            alike = change is not None and change.verdict == "alike"
            found.append(
                words.t(
                    "changes.crash_alike" if alike else "changes.crash_free",
                    that=pair.that.version,
                    channel=words.name("channel", channel),
                    after=percent(words, now.crash_free),
                    before=percent(words, then.crash_free),
                    change=points(words, change) if change else words.t("stability.no_counts"),
                )
            )
    return found
