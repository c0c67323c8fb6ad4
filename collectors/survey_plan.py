"""What a survey's questions measure, as a person declared it: the one way in which scores are read, never guessed.

A declaration is a line such as  QID1=nps; QID3=csat 1-5; QID4=satisfied Oui|Plutôt oui : Non|Plutôt non; QID2=text
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from collectors.base import Page, WalkEnd
from collectors.file_values import moment
from collectors.values import RowFault, quarantine, sound
from models.records import AnswerRecord, PersonKey, QuarantinedRow, VerbatimRecord

Kind = Literal["nps", "csat", "satisfied", "effort", "text"]
_SCALES = {"nps": (0, 10), "csat": (1, 5), "effort": (1, 7), "satisfied": (0, 1), "text": (0, 0)}
FIELDS = ("respondent", "email", "phone", "customer", "segment", "version", "locale")
"""What a survey's own fields (hidden fields, embedded data, custom variables) may be declared as."""
AGAIN = timedelta(hours=1)
"""How far a walk reads back over the last one: a response shows up a little after it was sent."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question as declared: its scale, or the words that mean satisfied and dissatisfied."""

    id: str
    kind: Kind
    low: int = 0
    high: int = 0
    yes: frozenset[str] = frozenset()
    no: frozenset[str] = frozenset()

    def score(self, value: object) -> float:
        """Read an answer: 9, "9", "9 – très probable", or the declared words. Raises RowFault."""
        text = sound(value)
        if self.kind == "satisfied":
            if text.casefold() in self.yes:
                return 1.0
            if text.casefold() in self.no:
                return 0.0
            raise RowFault(f"question {self.id}: an answer that was not declared as satisfied or dissatisfied")
        found = re.fullmatch(r"(-?[0-9]{1,3})(?:[.,]0+)?(?:[^0-9.,].*)?", text, re.DOTALL)
        if found is None or isinstance(value, bool):
            raise RowFault(f"question {self.id}: the answer is not a number of the scale {self.low} to {self.high}")
        if not self.low <= int(found[1]) <= self.high:
            raise RowFault(f"question {self.id}: {found[1]} is not on the scale {self.low} to {self.high}")
        return float(found[1])


def read_questions(declared: str) -> dict[str, Question]:
    """Read a declaration (see above). Raises ValueError with what is wrong with it."""
    questions: dict[str, Question] = {}
    for part in re.split(r"[;\n]", declared):
        if not part.strip():
            continue
        name, equals, meaning = (each.strip() for each in part.rpartition("="))
        kind, _, detail = meaning.partition(" ")
        if not equals or not name or kind not in _SCALES:
            raise ValueError(
                f"a question is declared as ID=nps, csat 1-5, effort 1-7, satisfied … or text, not {part!r}"
            )
        if name in questions:
            raise ValueError(f"the question {name} is declared twice")
        low, high = _SCALES[kind]
        yes: frozenset[str] = frozenset()
        no: frozenset[str] = frozenset()
        if kind in {"csat", "effort"} and detail:
            scale = re.fullmatch(r"\s*([0-9]{1,3})\s*-\s*([0-9]{1,3})\s*", detail)
            if scale is None or int(scale[1]) >= int(scale[2]):
                raise ValueError(f"the scale of {name} is written as 1-5, not {detail!r}")
            low, high = int(scale[1]), int(scale[2])
        if kind == "satisfied":
            yes, no = (_words(side) for side in (*detail.split(":", 1), "")[:2])
            if not yes or not no or yes & no:
                raise ValueError(f"{name} needs the words for both: satisfied Oui|Plutôt oui : Non|Plutôt non")
        questions[name] = Question(name, cast(Kind, kind), low, high, yes, no)
    if not questions:
        raise ValueError("no question is declared: what each measures is told by you, never guessed")
    return questions


def _words(side: str) -> frozenset[str]:
    return frozenset(word.strip().casefold() for word in side.split("|") if word.strip())


@dataclass(frozen=True, slots=True)
class Plan:
    """How one survey is read: its questions, the wave, and which of its own fields tell who answered.

    `wave` is a name, or month or quarter for waves by the calendar, or "" for one wave.
    """

    survey: str
    questions: Mapping[str, Question]
    wave: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)

    def wave_of(self, at: datetime) -> str:
        """The wave of an answer."""
        if self.wave == "month":
            return f"{at:%Y-%m}"
        return f"{at.year}-Q{(at.month + 2) // 3}" if self.wave == "quarter" else self.wave


def read_plan(config: Mapping[str, Any], survey: str) -> Plan:
    """Build a plan from a source's settings: questions, wave, and email_field, segment_field… Raises ValueError."""
    fields = {name: str(config[f"{name}_field"]) for name in FIELDS if config.get(f"{name}_field")}
    return Plan(survey, read_questions(str(config.get("questions") or "")), str(config.get("wave") or ""), fields)


def asked_since(cursor: str) -> str:
    """Since when a tool is asked after a walk that came to `cursor`, as tools write it; "" before the first one."""
    return (moment(cursor) - AGAIN).strftime("%Y-%m-%dT%H:%M:%S") if cursor else ""


@dataclass(slots=True)
class Read:
    """What responses became: answers, comments, unreadable ones, and how many answers nobody declared."""

    answers: list[AnswerRecord] = field(default_factory=list)
    verbatims: list[VerbatimRecord] = field(default_factory=list)
    quarantined: list[QuarantinedRow] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def note(self) -> str:
        """What was left out, in words."""
        return "; ".join(f"{count} left out: {reason}" for reason, count in self.left_out.most_common(10))

    def page(
        self,
        *,
        cursor: str | None = None,
        reaches: datetime | None = None,
        progress: float | None = None,
        end: WalkEnd | None = None,
    ) -> Page:
        """All of it as a page at this place of the walk."""
        return Page(
            verbatims=tuple(self.verbatims),
            answers=tuple(self.answers),
            quarantined=tuple(self.quarantined),
            note=self.note(),
            cursor=cursor,
            reaches=reaches,
            progress=progress,
            end=end,
        )


@dataclass(frozen=True, slots=True)
class Response:
    """One response as every tool tells it: its answers by question, its own fields, and what names the questions."""

    id: str
    answered_at: datetime
    values: Mapping[str, object]
    fields: Mapping[str, object] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    keys: tuple[PersonKey, ...] = ()


def read_response(plan: Plan, response: Response, read: Read) -> None:
    """Add a response's scores and comments to what was read; each answer is there, or is told by reason."""
    said = {name: sound(response.fields.get(own)) for name, own in plan.fields.items()}
    keys: list[PersonKey] = [(name, said[name]) for name in ("customer", "email", "phone") if said.get(name)]
    keys += [key for key in response.keys if key not in keys]
    respondent = said.get("respondent") or (f"{keys[0][0]}:{keys[0][1]}" if keys else f"response:{response.id}")
    wave = plan.wave_of(response.answered_at)
    for name, value in response.values.items():
        if value is None or not sound(value):
            continue
        question = plan.questions.get(name)
        if question is None:
            title = response.titles.get(name, "")
            shown = f"{name} ({title[:60]})" if title else name
            read.left_out[f"the question {shown} is not declared"] += 1
            continue
        if question.kind == "text":
            read.verbatims.append(
                VerbatimRecord(
                    external_id=f"{plan.survey}|{wave}|{name}|{respondent}",
                    personal_id=True,
                    written_at=response.answered_at,
                    body=sound(value),
                    version=said.get("version") or None,
                    locale=said.get("locale") or None,
                    author=f"{plan.survey}|{respondent}",
                    keys=tuple(keys),
                )
            )
            continue
        try:
            score = question.score(value)
        except RowFault as fault:
            row = {"survey": plan.survey, "response": response.id, "question": name, "answer": value}
            read.quarantined.append(quarantine(row, str(fault)))
            continue
        read.answers.append(
            AnswerRecord(
                survey=plan.survey,
                question=name,
                type=question.kind,
                score=score,
                low=question.low,
                high=question.high,
                answered_at=response.answered_at,
                respondent=respondent,
                wave=wave,
                segment=said.get("segment", ""),
                version=said.get("version", ""),
                keys=tuple(keys),
            )
        )
