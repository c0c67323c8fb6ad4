"""`cocoon train`: from the installation's own stars and corrections to a model of its own, if that is better."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256

from sqlalchemy import exists, select, text
from sqlalchemy.orm import Session

from analysis import heads, taxonomy
from analysis.adapt import Known, Outcome, adapt, pack
from analysis.learn_topics import LEAST, Corrected, learn, micro_f1
from analysis.understand import Document, understand
from app.errors import Problem
from app.own_reading import newest, own_topics, sync
from app.settings import Settings
from models.feedback import Verbatim
from models.insight import Correction
from models.own import Training
from models.people import Audit

MOST = 20_000
"""Verbatims with stars that are learnt from: the newest."""


@dataclass(frozen=True, slots=True)
class TopicsOutcome:
    """What became of the topics: micro-F1 on held-back corrections before and after, or how many more are needed."""

    corrected: int
    before: float | None = None
    after: float | None = None
    phrases: int = 0
    lacking: int = 0
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training did. `version` is the model that is read with now."""

    version: str
    changed: bool
    heads: tuple[Outcome, ...]
    topics: TopicsOutcome


def train(
    session: Session, settings: Settings, *, actor: str = "cli", tell: Callable[[Outcome], object] = lambda _: None
) -> Trained:
    """Adapt the shipped models to what is in the tables; keep what is better on held-back verbatims.

    Always from the shipped model, so that the same tables give the same model however often it runs. `tell` is told
    what became of each head. Raises Problem 409 while another training runs.
    """
    if not session.scalar(text("SELECT pg_try_advisory_xact_lock(hashtext('cocoon:train'))")):
        raise Problem(409, "A training is under way.")
    known = _known(session)
    model, outcomes = adapt(heads.shipped(), known, tell)
    learnt, topics = _topics(session)
    if learnt:
        mark = sha256(learnt.encode()).hexdigest()[:4]
        joined = "" if "+" in model.version else "+"
        model = replace(model, version=f"{model.version}{joined}{mark}")
    last = newest(session)
    before = last.version if last is not None else heads.shipped().version
    done = Trained(model.version, model.version != before, tuple(outcomes), topics)
    said = asdict(done)
    session.add(
        Training(
            actor=actor,
            version=model.version,
            verbatims=len(known),
            corrections=sum(one.label is not None or one.intents is not None for one in known),
            figures={"heads": list(said["heads"]), "topics": said["topics"]},
            model=None if model is heads.shipped() else pack(model, outcomes, learnt),
        )
    )
    session.flush()
    sync(session, settings)
    if done.changed:
        session.add(Audit(actor=actor, action="model.trained", detail={"from": before, "to": model.version}))
    return done


def go_back(session: Session, settings: Settings, *, actor: str) -> bool:
    """Read with the shipped model again. False where that is read with already."""
    last = newest(session)
    shipped = heads.shipped().version
    if last is None or last.version == shipped:
        return False
    session.add(Training(actor=actor, version=shipped, figures={"heads": [], "topics": None}))
    session.add(Audit(actor=actor, action="model.shipped", detail={"from": last.version, "to": shipped}))
    session.flush()
    sync(session, settings)
    return True


def _known(session: Session) -> list[Known]:
    """The newest verbatims with stars, and every corrected one whose words are still the same."""
    v, c = Verbatim, Correction
    columns = (v.app_id, v.id, v.title, v.body, v.language, v.stars)
    newest = session.execute(
        select(*columns).where(v.stars.is_not(None), v.body != "").order_by(v.written_at.desc(), v.id).limit(MOST)
    ).all()
    corrected = session.execute(
        select(*columns, c.label, c.intents).join(c, (c.app_id == v.app_id) & (c.verbatim_id == v.id)).order_by(v.id)
    ).all()
    said = {(row.app_id, row.id) for row in corrected}
    known = [
        Known(_words(row.title, row.body), row.language, row.stars)
        for row in newest
        if (row.app_id, row.id) not in said
    ]
    known += [
        Known(
            _words(row.title, row.body), row.language, row.stars, row.label,
            None if row.intents is None else tuple(row.intents),
        )
        for row in corrected
    ]  # fmt: skip
    return known


def _words(title: str, body: str) -> str:
    return f"{title}\n{body}" if title else body


def _topics(session: Session) -> tuple[str, TopicsOutcome]:
    """Phrases learnt from the corrected topics, if held-back corrections are read better with them."""
    v, c = Verbatim, Correction
    rows = session.execute(
        select(v.title, v.body, v.stars, v.storefront, v.locale, v.language, c.topics)
        .join(c, (c.app_id == v.app_id) & (c.verbatim_id == v.id))
        .where(c.topics.is_not(None))
        .order_by(v.id)
    ).all()
    if len(rows) < LEAST:
        return "", TopicsOutcome(len(rows), lacking=LEAST - len(rows))
    documents = [Document(r.body, r.title, r.stars, r.storefront or None, r.locale) for r in rows]
    said = [frozenset(str(topic["topic"]) for topic in r.topics or ()) for r in rows]
    mine = own_topics(session)
    found = _found(documents, mine, "")
    held = [Known(_words(r.title, r.body), r.language).held for r in rows]
    examples = [
        Corrected(_words(r.title, r.body), r.language, topics, had)
        for r, topics, had, back in zip(rows, said, found, held, strict=True)
        if not back
    ]
    others = ~exists().where(c.app_id == v.app_id, c.verbatim_id == v.id)
    ordinary = session.execute(
        select(v.title, v.body).where(v.body != "", others).order_by(v.id.desc()).limit(2000)
    ).all()
    learnt = learn(examples, [_words(title, body) for title, body in ordinary])
    back = [n for n, one in enumerate(held) if one]
    before = micro_f1([(said[n], found[n]) for n in back])
    if not learnt:
        return "", TopicsOutcome(len(rows), before, before)
    after_all = _found([documents[n] for n in back], mine, learnt)
    after = micro_f1([(said[n], topics) for n, topics in zip(back, after_all, strict=True)])
    phrases = learnt.count("\n  - ") + learnt.count("\n    - ")
    kept = after > before
    return learnt if kept else "", TopicsOutcome(len(rows), before, after, phrases, kept=kept)


def _found(documents: Sequence[Document], own: str, learnt: str) -> list[frozenset[str]]:
    """Topics found with these phrases; the process reads with what it read with before, afterwards."""
    before = taxonomy.layers()
    try:
        taxonomy.use(own, learnt)
        return [frozenset(topic.topic for topic in one.topics) for one in understand(documents)]
    finally:
        taxonomy.use(before[1], before[0])
