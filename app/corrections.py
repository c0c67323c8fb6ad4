"""What people say a verbatim means, over what the models say: applied at once, kept for good, learnt from later."""

import hashlib
from collections.abc import Sequence
from typing import Literal

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from analysis.taxonomy import taxonomy
from app import clock
from app.errors import Problem, not_found
from app.reread import read_again
from models.feedback import Verbatim
from models.insight import Correction
from models.intake_sql import ONE_AT_A_TIME
from models.people import Audit

Label = Literal["negative", "mixed", "neutral", "positive"]
FEELINGS = {"negative": -0.8, "neutral": 0.0, "positive": 0.8}
"""What "bad", "neither" and "good" about a topic are worth, between -1 and 1."""


def correct(
    session: Session,
    app_id: int,
    verbatim_id: int,
    *,
    actor: str,
    label: Label | None = None,
    intents: Sequence[str] | None = None,
    topics: Sequence[tuple[str, str]] | None = None,
) -> Verbatim:
    """Keep and apply a correction; None leaves that part to the models. `topics` are (topic, feeling).

    Raises Problem 404 without such a verbatim, 422 for a topic that the taxonomy does not know.
    """
    verbatim = _locked(session, app_id, verbatim_id)
    known = taxonomy().topics
    unknown = sorted({topic for topic, _ in topics or () if topic not in known})
    if unknown:
        raise Problem(422, f"There is no topic called {', '.join(unknown)}.", where="body.topics")
    if label is None and intents is None and topics is None:
        return undo(session, app_id, verbatim_id, actor=actor)
    row = session.get(Correction, (app_id, verbatim_id))
    if row is None:
        row = Correction(app_id=app_id, verbatim_id=verbatim_id)
        session.add(row)
    row.words = words(verbatim.title, verbatim.body)
    row.label = label
    row.intents = None if intents is None else list(dict.fromkeys(intents))
    row.topics = None
    if topics is not None:
        row.topics = [{"topic": topic, "sentiment": FEELINGS[feeling]} for topic, feeling in dict(topics).items()]
    row.corrected_by, row.corrected_at = actor, clock.now()
    _note(session, "verbatim.corrected", actor, app_id, verbatim_id)
    return _applied(session, verbatim)


def undo(session: Session, app_id: int, verbatim_id: int, *, actor: str) -> Verbatim:
    """Let the models say what it means again. Raises Problem 404 without such a verbatim."""
    verbatim = _locked(session, app_id, verbatim_id)
    row = session.get(Correction, (app_id, verbatim_id))
    if row is None:
        return verbatim
    session.delete(row)
    _note(session, "verbatim.uncorrected", actor, app_id, verbatim_id)
    return _applied(session, verbatim)


def words(title: str, body: str) -> str:
    """The fingerprint of the words that a correction is about; the intake computes the same in SQL."""
    return hashlib.md5(f"{title}\n{body}".encode(), usedforsecurity=False).hexdigest()


def _locked(session: Session, app_id: int, verbatim_id: int) -> Verbatim:
    """The verbatim, locked. The intake's own lock comes first, as it does there: the other way round two would wait
    for each other while everything is read again."""
    kind = session.scalar(select(Verbatim.kind).where(Verbatim.app_id == app_id, Verbatim.id == verbatim_id))
    if kind is not None:
        session.execute(text(ONE_AT_A_TIME), {"app_id": app_id, "kind": kind})
    found = session.get(Verbatim, (app_id, verbatim_id), with_for_update=True)
    if found is None:
        raise not_found("verbatim")
    return found


def _applied(session: Session, verbatim: Verbatim) -> Verbatim:
    """Read it again, so that its counts move in step; the correction is put over what the models say on the way in."""
    session.flush()
    key = (verbatim.app_id, verbatim.id)
    session.execute(update(Verbatim).where(Verbatim.app_id == key[0], Verbatim.id == key[1]).values(model=""))
    read_again(session, [verbatim])
    session.expire_all()
    return session.get_one(Verbatim, key)


def _note(session: Session, action: str, actor: str, app_id: int, verbatim_id: int) -> None:
    session.add(Audit(actor=actor, action=action, detail={"app": app_id, "verbatim": verbatim_id}))
