"""A survey and a help desk beside the stores' reviews: made up, the same every time, through the real way in."""

from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy.orm import Session

from app.seal import Seal
from app.store import store_page
from collectors.base import Page
from models.apps import App
from models.records import AnswerRecord, PersonKey, TicketRecord, VerbatimRecord
from models.sources import Source

SAID = (
    "Les frais sont trop chers pour ce que c’est.",
    "Frais trop élevés, je vais changer de banque.",
    "Application claire, rien à redire.",
    "Très satisfait, tout est simple.",
    "Le conseiller ne répond jamais au téléphone.",
)
ASKED = (
    "Bonjour, mon virement est bloqué depuis hier.",
    "Je n’arrive plus à me connecter.",
    "Carte refusée en magasin.",
)


def source_of(session: Session, app: App, kind: str, channel: str) -> Source:
    source = Source(app_id=app.id, kind=kind, channel=channel, name=kind, config={}, rhythm_minutes=60)
    session.add(source)
    session.flush()
    return source


def add_voices(session: Session, app: App, today: date, answers: int = 120, tickets: int = 60) -> None:
    """`answers` respondents (each fifth a promoter less than four before) and `tickets`, the last 60 days."""
    noon = datetime.combine(today, time(12), UTC)
    scores: list[AnswerRecord] = []
    words: list[VerbatimRecord] = []
    for number in range(answers):
        at = noon - timedelta(days=number % 60, hours=number % 7)
        keys: tuple[PersonKey, ...] = (("email", f"client{number}@example.com"),) if number % 3 else ()
        common = {"survey": "Baromètre", "answered_at": at, "respondent": str(number), "wave": f"{at:%Y-%m}"}
        common |= {"segment": ("particulier", "pro")[number % 2], "version": ("7.1", "7.2")[number % 4 == 0]}
        score = (9, 10, 8, 3, 10)[number % 5]
        scores.append(AnswerRecord(question="Q1", type="nps", score=score, low=0, high=10, keys=keys, **common))  # type: ignore[arg-type]
        scores.append(AnswerRecord(question="Q2", type="csat", score=score // 2, low=1, high=5, keys=keys, **common))  # type: ignore[arg-type]
        if number % 2 == 0:
            words.append(VerbatimRecord(f"Q3|{number}", at, SAID[number // 2 % 5], keys=keys))
    survey = source_of(session, app, "survey_file", "survey")
    store_page(session, survey, 0, Page(tuple(words), answers=tuple(scores)), seal=Seal(b"tests"), now=noon)
    made: list[TicketRecord] = []
    asked: list[VerbatimRecord] = []
    for number in range(tickets):
        at = noon - timedelta(days=number % 50, hours=2 + number % 9)
        keys = (("email", f"client{number}@example.com"),)
        solved = number % 4 != 0
        made.append(
            TicketRecord(
                f"T{number}",
                at + timedelta(days=1),
                at,
                via=("email", "whatsapp")[number % 2],
                status="solved" if solved else "open",
                first_answer_at=at + timedelta(hours=1 + number % 10) if number % 6 else None,
                resolved_at=at + timedelta(hours=20) if solved else None,
                satisfied=None if number % 3 else number % 2 == 0,
                deleted=number % 20 == 19,
                keys=keys,
            )
        )
        asked.append(
            VerbatimRecord(f"T{number}:1", at, ASKED[number % 3], author=f"u{number}", keys=keys, thread=f"T{number}")
        )
    desk = source_of(session, app, "zendesk", "zendesk")
    store_page(session, desk, 0, Page(tuple(asked), tickets=tuple(made)), seal=Seal(b"tests"), now=noon)
