"""The chart as a PNG: the same drawing, its letters there without any font of the machine, small enough to send."""

import struct
import zlib
from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.picture import incident_svg, png
from app.png import with_palette
from models.incidents import Incident
from models.releases import Release
from models.sources import Coverage
from tests.app.seed import Portfolio


@pytest.fixture
def incident(portfolio: Portfolio, db: Session) -> Incident:
    return db.scalars(select(Incident).where(Incident.state == "open").limit(1)).one()


def size(picture: bytes) -> tuple[int, int]:
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", picture[16:24])


def dark(picture: bytes, rows: range) -> int:
    """How many pixels of these rows are dark: letters, where nothing else is drawn."""
    width, height = size(picture)
    parts, at = {b"IDAT": b"", b"PLTE": b""}, 8
    while at < len(picture):
        length = int.from_bytes(picture[at : at + 4], "big")
        kind, content = picture[at + 4 : at + 8], picture[at + 8 : at + 8 + length]
        assert zlib.crc32(kind + content) == int.from_bytes(picture[at + 8 + length : at + 12 + length], "big")
        if kind in parts:
            parts[kind] += content
        at += 12 + length
    lines = zlib.decompress(parts[b"IDAT"])
    assert len(lines) == height * (width + 1)
    shown = b"".join(lines[row * (width + 1) + 1 : (row + 1) * (width + 1)] for row in rows)
    return sum(1 for colour in shown if parts[b"PLTE"][3 * colour] < 120)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_it_is_drawn_twice_its_size_with_its_letters_and_is_small(
    db: Session, incident: Incident, language: str
) -> None:
    svg = incident_svg(db, incident.id, language)
    picture = png(svg)
    assert size(picture) == (1336, 812)
    assert len(picture) <= 60_000
    assert dark(picture, range(16, 56)) > 300  # the title: without a font nothing would be there
    assert dark(picture, range(4)) == 0


def test_it_says_what_the_page_says(db: Session, incident: Incident) -> None:
    french, english = incident_svg(db, incident.id, "fr"), incident_svg(db, incident.id, "en")
    assert "moyenne des étoiles" in french
    assert "mean stars" in english
    assert "class=" not in french.replace('class="cross"', "")  # a renderer knows no stylesheet
    versions = db.scalars(select(Release.version).where(Release.app_id == incident.app_id)).all()
    assert any(f">{version}<" in french for version in versions)


def test_holes_are_hatched_and_said(db: Session, incident: Incident) -> None:
    day: date = incident.opened_day
    rows = db.scalars(select(Coverage).where(Coverage.app_id == incident.app_id, Coverage.day == day)).all()
    for row in rows:
        row.state = "unknown"
    db.flush()
    assert rows
    assert "Hachures" in incident_svg(db, incident.id, "fr")
    assert 'fill="url(#h' in incident_svg(db, incident.id, "fr")


def test_few_colours_come_through_unchanged() -> None:
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="7"><rect width="9" height="7" fill="#fff"/>'
        '<rect x="2" y="1" width="4" height="3" fill="#123456"/>'
        '<rect x="5" y="3" width="4" height="4" fill="#c3401e"/></svg>'
    )
    picture = png(svg)
    assert size(picture) == (18, 14)
    assert dark(picture, range(14)) == 4 * (4 * 3 - 1)  # all of the dark one but where the red one covers it
    with pytest.raises(ValueError):
        with_palette(picture)  # it has one already


def test_without_stars_there_is_nothing_to_draw(db: Session, incident: Incident) -> None:
    from uuid import uuid4

    assert incident_svg(db, uuid4(), "fr") == ""
