"""Having the optional language model name and sum up new irritants: outside any transaction, a few at a time."""

from datetime import timedelta

from sqlalchemy import or_, select

from analysis.naming import whole
from app import clock
from app.db import Bind, transaction
from app.irritants import texts_of
from app.language_model import Silent, Teller
from models.insight import Irritant, IrritantEvent

AT_ONCE = 3
"""Irritants told in one run; the next run tells the others."""

ASKED = "asked_model"


def tell(bind: Bind, app_id: int, teller: Teller) -> int:
    """Name and sum up what nobody has named yet. Returns how many were; each irritant is asked about once."""
    if isinstance(teller, Silent):
        return 0
    with transaction(bind) as session:
        asked = select(IrritantEvent.irritant_id).where(IrritantEvent.app_id == app_id, IrritantEvent.kind == ASKED)
        rows = session.scalars(
            select(Irritant)
            .where(
                Irritant.app_id == app_id,
                Irritant.given_name == "",
                Irritant.summary == "",
                Irritant.merged_into.is_(None),
                or_(Irritant.state != "gone", Irritant.state_since > clock.now().date() - timedelta(days=60)),
                Irritant.id.not_in(asked),
            )
            .order_by(Irritant.standing, Irritant.began_day.desc())
            .limit(AT_ONCE)
        ).all()
        told = [
            (row.id, texts_of(session, app_id, [row], row.began_day, row.ended_day or clock.now().date()))
            for row in rows
        ]
    named = 0
    for ident, texts in told:
        used = (teller.cost.tokens_in, teller.cost.tokens_out, teller.cost.money or 0.0)
        said = teller.tell(texts) if texts else None
        with transaction(bind) as session:
            irritant = session.get(Irritant, (app_id, ident), with_for_update=True)
            if irritant is None:
                continue
            detail: dict[str, object] = {
                "answered": said is not None,
                "tokens_in": teller.cost.tokens_in - used[0],
                "tokens_out": teller.cost.tokens_out - used[1],
            }
            if teller.cost.money is not None:
                detail["cost"] = round(teller.cost.money - used[2], 6)
            day = clock.now().date()
            session.add(IrritantEvent(app_id=app_id, irritant_id=ident, day=day, kind=ASKED, detail=detail))
            if said is not None and not irritant.given_name:
                name = whole(said.name, None, irritant.began_version)
                irritant.name_fr, irritant.name_en = name.fr, name.en
                irritant.summary = said.summary or name.fr
                named += 1
    return named
