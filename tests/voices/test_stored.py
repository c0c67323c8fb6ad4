"""Answers, tickets and persons in the store: once each, the latest state, and no raw identity."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.person_keys import hashed_keys
from collectors.base import Page
from models.apps import App
from models.feedback import Verbatim, VerbatimTopic
from models.intake import Stored
from models.records import AnswerRecord, PersonKey, TicketRecord, VerbatimRecord
from models.rollups import DailyAnswers, DailyHours, DailySources, DailyStars, DailyTickets, DailyTopics, WeeklyTopics
from models.voices import PersonKey as KeyRow
from models.voices import SurveyAnswer, Ticket
from tests.voices.conftest import NOW, SEAL

Give = Callable[..., Stored]
MAIL: PersonKey = ("email", "camille.durand@example.com")


def answer(score: float, respondent: str = "r1", **changes: object) -> AnswerRecord:
    fields: dict[str, object] = {"survey": "S1", "question": "Q1", "type": "nps", "low": 0, "high": 10}
    fields |= {"answered_at": NOW, "respondent": respondent} | changes
    return AnswerRecord(score=score, **fields)  # type: ignore[arg-type]


def message(number: int, body: str, thread: str = "T1", **changes: object) -> VerbatimRecord:
    return VerbatimRecord(f"{thread}:{number}", NOW - timedelta(hours=number), body, thread=thread, **changes)  # type: ignore[arg-type]


def ticket(status: str = "open", hours: int = 0, **changes: object) -> TicketRecord:
    fields: dict[str, object] = {"created_at": NOW - timedelta(days=2), "via": "email", "status": status} | changes
    return TicketRecord("T1", NOW + timedelta(hours=hours), **fields)  # type: ignore[arg-type]


def test_one_answer_per_respondent_and_wave_the_latest(db: Session, give: Give) -> None:
    late = NOW + timedelta(minutes=5)
    give("survey", Page(answers=(answer(3), answer(9, answered_at=late), answer(10, "r2"))))
    give("survey", Page(answers=(answer(1),)))  # the older one again, from another page
    give("survey", Page(answers=(answer(6, wave="2026-Q4"),)))
    rows = db.execute(select(SurveyAnswer.wave, SurveyAnswer.score).order_by(SurveyAnswer.wave, SurveyAnswer.score))
    assert rows.all() == [("", 9.0), ("", 10.0), ("2026-Q4", 6.0)]


def test_a_second_comment_in_a_wave_revises_the_first(db: Session, give: Give) -> None:
    one = VerbatimRecord("S1|w|Q2|camille@example.com", NOW, "trop lent", personal_id=True)
    two = VerbatimRecord("S1|w|Q2|camille@example.com", NOW + timedelta(hours=1), "mieux", personal_id=True)
    give("survey", Page(verbatims=(one,)))
    assert give("survey", Page(verbatims=(two,))).revised == 1
    row = db.scalars(select(Verbatim)).one()
    assert row.body == "mieux"
    assert "camille" not in row.external_id


def test_one_person_in_two_channels_is_one_and_no_raw_identity_is_kept(db: Session, give: Give, bank: App) -> None:
    give("survey", Page(answers=(answer(2, keys=(("customer", "C-77"),)),)))
    give("zendesk", Page(verbatims=(message(1, "le virement échoue", keys=(MAIL,)),)))
    assert len(set(db.scalars(select(KeyRow.person)))) == 2
    # A ticket that carries both keys tells that the two were one.
    give("zendesk", Page(tickets=(ticket(keys=(MAIL, ("customer", "C-77"))),)))
    persons = set(db.scalars(select(KeyRow.person)))
    assert len(persons) == 1
    assert set(db.scalars(select(SurveyAnswer.person))) == persons
    assert set(db.scalars(select(Verbatim.person))) == persons
    assert set(db.scalars(select(Ticket.person))) == persons
    for table in ("person_keys", "survey_answers", "verbatims", "tickets"):
        dump = db.scalar(text(f"SELECT string_agg(x::text, ' ') FROM {table} x WHERE app_id = :app"), {"app": bank.id})
        assert "camille" not in dump
        assert "C-77" not in dump


def test_strangers_stay_unknown_and_apart(db: Session, give: Give) -> None:
    give("survey", Page(answers=(answer(2), answer(3, "r2"), answer(4, "r3", keys=(MAIL,)))))
    assert sorted(person is None for person in db.scalars(select(SurveyAnswer.person))) == [False, True, True]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("email", "Camille.Durand@Example.com "), MAIL),
        (("phone", "06 12 34 56 78"), ("phone", "+33 (0)6 12 34 56 78")),
        (("phone", "0033612345678"), ("phone", "+33612345678")),
    ],
)
def test_one_key_in_two_spellings(one: PersonKey, other: PersonKey) -> None:
    assert hashed_keys(SEAL, [one]) == hashed_keys(SEAL, [other]) != ()


@pytest.mark.parametrize("key", [("email", "anonymous"), ("phone", "12345"), ("phone", ""), ("customer", "  ")])
def test_what_names_nobody_is_no_key(key: PersonKey) -> None:
    assert hashed_keys(SEAL, [key]) == ()


def test_a_ticket_keeps_its_newest_state(db: Session, give: Give) -> None:
    solved = NOW + timedelta(hours=2)
    give("zendesk", Page(tickets=(ticket("solved", 2, resolved_at=solved, satisfied=True),)))
    give("zendesk", Page(tickets=(ticket("open", 1),)))
    row = db.scalars(select(Ticket)).one()
    assert (row.status, row.resolved_at, row.satisfied) == ("solved", solved, True)
    give("zendesk", Page(tickets=(TicketRecord("T1", NOW + timedelta(hours=3), status="closed", partial=True),)))
    db.refresh(row)
    assert (row.status, row.resolved_at) == ("closed", solved)
    give("zendesk", Page(tickets=(ticket("open", 4),)))  # opened again: no longer resolved
    db.refresh(row)
    assert (row.status, row.resolved_at) == ("open", None)
    give("zendesk", Page(tickets=(ticket("pending", 4),)))  # two changes within the same second
    db.refresh(row)
    assert row.status == "pending"


def test_a_few_words_about_an_unknown_ticket_make_none(db: Session, give: Give) -> None:
    give("zendesk", Page(tickets=(TicketRecord("T9", NOW, status="open", partial=True),)))
    assert db.scalar(select(func.count()).select_from(Ticket)) == 0


def test_a_deleted_ticket_takes_its_words_and_counts_along(db: Session, give: Give) -> None:
    words = (message(1, "la connexion échoue tout le temps"), message(2, "virement impossible"))
    give("zendesk", Page(verbatims=(*words, message(3, "la connexion échoue", "T2")), tickets=(ticket(),)))
    assert db.scalar(select(func.sum(DailyStars.n))) == 3
    before = db.scalar(select(func.sum(DailyTopics.n)))
    give("zendesk", Page(tickets=(ticket("deleted", 1, deleted=True),)))
    assert db.scalars(select(Verbatim.thread)).all() == ["T2"]
    assert db.scalar(select(func.sum(DailyStars.n))) == 1
    after = db.scalar(select(func.sum(DailyTopics.n)))
    assert after == db.scalar(select(func.count()).select_from(VerbatimTopic)) < before
    assert db.scalar(select(func.sum(WeeklyTopics.n))) == after
    assert db.scalar(select(func.sum(DailySources.n))) == db.scalar(select(func.sum(DailyHours.n))) == 1
    # A message that a webhook brings late does not bring it back, nor does a word about its state.
    late = TicketRecord("T1", NOW + timedelta(hours=2), status="open", partial=True)
    assert give("zendesk", Page(verbatims=words, tickets=(late,))).new == 0
    assert db.scalars(select(Ticket)).one().deleted_at is not None
    # Restored at its desk, it is full again.
    give("zendesk", Page(verbatims=words, tickets=(ticket("open", 3),)))
    assert db.scalar(select(func.sum(DailyStars.n))) == 3


def _counted(db: Session) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """What the daily counts must say, from the rows themselves, one by one."""
    scores: dict[tuple[object, ...], list[int]] = {}
    for one in db.scalars(select(SurveyAnswer).execution_options(populate_existing=True)):
        key = (one.day, one.type, one.low, one.high, one.wave, one.segment, one.version)
        happy = one.score >= 1 if one.type == "satisfied" else one.score >= one.high - 1
        told = [1, one.score >= 9, 7 <= one.score <= 8, one.score <= 6, happy]
        scores[key] = [a + int(b) for a, b in zip(scores.get(key, [0] * 5), told, strict=True)]
    desks: dict[tuple[object, ...], tuple[list[int], list[int], list[int]]] = {}
    for each in db.scalars(select(Ticket).execution_options(populate_existing=True)):
        counts, answered, resolved = desks.setdefault((each.day, each.channel), ([0] * 6, [], []))
        there = each.deleted_at is None
        still = each.resolved_at is None and each.status not in {"solved", "closed"}
        told = [there, not there, there and still, there and each.first_answer_at is None]
        told += [there and each.satisfied is not None, there and bool(each.satisfied)]
        counts[:] = [a + int(b) for a, b in zip(counts, told, strict=True)]
        for times, end in ((answered, each.first_answer_at), (resolved, each.resolved_at)):
            if there and end is not None:
                times.append(round((end - each.created_at).total_seconds()))
    return (
        sorted((*key, *told) for key, told in scores.items()),
        sorted((*key, *counts, sorted(one), sorted(two)) for key, (counts, one, two) in desks.items()),
    )


def _kept(db: Session) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    a, t = DailyAnswers, DailyTickets
    keys = (a.day, a.type, a.low, a.high, a.wave, a.segment, a.version)
    scores = db.execute(select(*keys, a.n, a.up, a.even, a.down, a.satisfied))
    counts = (t.n, t.deleted, t.open, t.unanswered, t.judged, t.satisfied)
    desks = db.execute(select(t.day, t.channel, *counts, t.answered, t.resolved))
    numbers = [tuple(sorted(np.frombuffer(told, ">i4").tolist()) if isinstance(told, bytes) else told for told in row)
               for row in desks]  # fmt: skip
    return sorted(map(tuple, scores)), sorted(numbers)


@pytest.mark.parametrize("seed", range(3))
def test_daily_counts_are_always_those_of_the_rows(db: Session, give: Give, seed: int) -> None:
    """Answers that are replaced, on another day, scale or part; tickets that move, come back late, are deleted."""
    chance = random.Random(seed)
    for _ in range(12):
        answers = []
        for _ in range(chance.randint(0, 6)):
            kind, low, high = chance.choice([("nps", 0, 10), ("csat", 1, 5), ("satisfied", 0, 1)])
            at = NOW - timedelta(hours=chance.randint(0, 70))
            part = {"wave": chance.choice(["", "2026-11"]), "segment": chance.choice(["", "pro"])}
            told = {"type": kind, "low": low, "high": high, "question": kind[:1], "answered_at": at, **part}
            answers.append(answer(chance.randint(low, high), f"r{chance.randint(1, 4)}", **told))
        tickets = []
        for _ in range(chance.randint(0, 4)):
            opened = NOW - timedelta(hours=chance.randint(1, 70))
            answered = opened + timedelta(seconds=chance.randint(1, 99_999)) if chance.random() < 0.6 else None
            resolved = opened + timedelta(days=2) if chance.random() < 0.4 else None
            record = ticket(
                chance.choice(["open", "solved"]), chance.randint(0, 9), created_at=opened, first_answer_at=answered,
                resolved_at=resolved, satisfied=chance.choice([None, True, False]), deleted=chance.random() < 0.2,
            )  # fmt: skip
            tickets.append(replace(record, external_id=f"T{chance.randint(1, 4)}", partial=chance.random() < 0.2))
        give("survey", Page(answers=tuple(answers)))
        give("zendesk", Page(tickets=tuple(tickets)))
        assert _kept(db) == _counted(db)
    assert all(_kept(db)), "both were counted at all"
