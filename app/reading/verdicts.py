"""The verdict on an app's newest version, for pages that show many apps: worked out once for the same counts."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import date
from threading import Lock

from sqlalchemy.orm import Session

from alerts.detectors import Comparison
from app.reading.launches import before, launches
from app.reading.versions import compare

_KEPT: "OrderedDict[object, Verdict | None]" = OrderedDict()
_LOCK = Lock()
_MOST = 500


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the newest version stands against the one before: the word of the comparison, and the numbers if any."""

    word: str
    difference: float | None
    half_width: float | None


def verdict(session: Session, app_id: int, version: str, today: date, counts: object) -> Verdict | None:
    """Compare a version with the one before it on its channel; None where there is none.

    `counts` are the app's recent counts as the caller has just read them: as long as they are the same, so is the
    verdict (reviews from before these counts do not move it).
    """
    key = (id(session.get_bind().engine), app_id, version, today, counts)
    with _LOCK:
        if key in _KEPT:
            _KEPT.move_to_end(key)
            return _KEPT[key]
    found = _worked_out(session, app_id, version, today)
    with _LOCK:
        _KEPT[key] = found
        while len(_KEPT) > _MOST:
            _KEPT.popitem(last=False)
    return found


def _worked_out(session: Session, app_id: int, version: str, today: date) -> Verdict | None:
    line = launches(session, app_id, today)
    last = before(line, version)
    pair = compare(session, app_id, version, last, today, line=line) if last else None
    if pair is None:
        return None
    if not isinstance(pair.stars, Comparison):
        return Verdict("too_early", None, None)
    return Verdict(pair.stars.verdict, pair.stars.difference, pair.stars.half_width)
