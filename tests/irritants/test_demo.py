"""The demo's last planted irritants, told in five months of its story: found, named, dated, and nothing beside them."""

from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.demo.story import tell
from app.irritants import refresh
from benchmarks.irritants import FAULTS, TODAY, found_for, store
from models.insight import Irritant


def test_planted_irritants_are_found_and_named(db: Session) -> None:
    story = tell(TODAY, months=5)
    assert [planted.key for planted in story.planted] == ["cheque_68", "login_72"]
    app_id = store(db, story)
    refresh(db, app_id, datetime.now(UTC), today=TODAY)
    rows = list(db.scalars(select(Irritant).where(Irritant.app_id == app_id, Irritant.standing.is_(False))))
    mine = []
    for planted in story.planted[1:]:
        row = found_for(planted, rows)
        assert row is not None, planted.key
        mine.append(row.id)
        assert row.name_fr.startswith(FAULTS[planted.key])
        assert row.began_version == planted.began_version
        assert 0 <= (row.noticed_day - planted.began_day).days <= 3
        assert (row.fixed_version, row.state) == (planted.mended_version, "fix_shipped")
    false = [row for row in rows if row.merged_into is None and row.id not in mine]
    assert len(false) <= 5
