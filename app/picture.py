"""The star chart of an incident as a PNG, for Slack and mail: the same drawing as on its page, with its own font.

resvg (github.com/linebender/resvg) turns our SVG into pixels; the letters come from the package font-roboto, because
a server or a container often has no font at all, and resvg then leaves every label out.
"""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from importlib.resources import as_file, files
from uuid import UUID

from markupsafe import Markup, escape
from sqlalchemy.orm import Session

from app.charts import PRINT, Size
from app.i18n import Words
from app.pages.drawing import star_chart
from app.png import with_palette
from app.reading import incidents
from app.reading.apps import today
from app.reading.trends import Slice, star_trend

log = logging.getLogger(__name__)

FRAME = Size(width=640, left=30, upper=180, lower=80, top=30)
ABOVE, BELOW, SIDE = 34, 30, 14  # room for the title, the legend, and around
ZOOM = 2.0


def drawer(transaction: Callable[[], AbstractContextManager[Session]]) -> Callable[[UUID, str], bytes | None]:
    """Return what draws an incident's chart for a channel."""

    def draw(incident_id: UUID, language: str) -> bytes | None:
        with transaction() as session:
            drawing = incident_svg(session, incident_id, language)
        return png(drawing) if drawing else None

    return draw


def incident_svg(session: Session, incident_id: UUID, language: str) -> str:
    """Draw the stars around an incident: six weeks before it opened, up to three after; "" where there are none."""
    story = incidents.story(session, incident_id)
    if story is None:
        return ""
    words = Words("fr" if language == "fr" else "en", story.app.timezone)
    now = today(story.app)
    part = Slice(story.app.id, _channel(story.incident.subject))
    trend = star_trend(session, part, incidents.around(story.incident, now), "day")
    name = story.app.name + (f" · {words.name('channel', part.channel)}" if part.channel else "")
    frames = {"picture": FRAME}
    drawn = star_chart(words, session, trend, part, name, now, frames=frames, palette=PRINT).get("picture")
    if not drawn:
        return ""
    holes = any(first < now for first, _ in trend.holes)
    return _framed(drawn, words.t("picture.title", name=name), words.t("picture.legend"), holes, words)


def _framed(drawn: str, title: str, legend: str, holes: bool, words: Words) -> str:
    width, height = FRAME.width + 2 * SIDE, FRAME.height + ABOVE + BELOW
    letters = 'font-family="Roboto" font-size="{}" fill="{}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="{SIDE}" y="24" {letters.format(15, PRINT["ink"])}>{escape(title)}</text>',
        Markup('<svg x="{}" y="{}" width="{}" height="{}"').format(SIDE, ABOVE, FRAME.width, FRAME.height),
        drawn.removeprefix("<svg"),
        f'<text x="{SIDE}" y="{height - 10}" {letters.format(12, PRINT["soft"])}>{escape(legend)}</text>',
    ]
    if holes:
        said = escape(words.t("picture.holes"))
        parts.append(
            f'<text x="{width - SIDE}" y="{height - 10}" text-anchor="end" {letters.format(12, PRINT["soft"])}>'
            f"{said}</text>"
        )
    return "".join(map(str, parts)) + "</svg>"


def png(svg: str) -> bytes:
    """Turn an SVG into a PNG of twice its size. Raises ValueError for one that cannot be read."""
    from resvg_py import svg_to_bytes  # heavy to load, and only the dispatcher needs it

    font = _font()
    return with_palette(
        svg_to_bytes(
            svg_string=svg,
            zoom=ZOOM,
            skip_system_fonts=True,
            font_files=[font],
            font_family="Roboto",
            sans_serif_family="Roboto",
            background="#ffffff",
        )
    )


@cache
def _font() -> str:
    with as_file(files("font_roboto") / "files" / "Roboto-Regular.ttf") as found:
        return str(found)


def _channel(subject: str) -> str | None:
    kind, _, rest = subject.partition(":")
    return rest.partition(":")[0] if kind in {"channel", "storefront", "version"} else None
