"""A small made-up bank for the tests of alerts: reviews straight into the tables, with their daily counts."""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import insert
from sqlalchemy.orm import Session

from models.apps import App
from models.feedback import Verbatim, VerbatimTopic
from models.incidents import Destination
from models.releases import Release
from models.rollups import DailyStars, DailyTopics
from models.sources import Coverage, Run, Source

NEGATIVE = (
    "Impossible de me connecter depuis la mise à jour, l’empreinte tourne en boucle.",
    "Depuis hier je n’arrive plus à me connecter, code refusé trois fois de suite.",
    "Je ne peux plus ouvrir mes comptes : la connexion échoue à chaque essai.",
    "Cannot log in any more since the update, it throws me out every time.",
    "Le mot de passe est juste mais l’application me dit le contraire, réglez ça vite.",
    "Connexion impossible, j’ai réinstallé deux fois pour rien, pénible.",
)
POSITIVE = ("Super appli", "Top", "Très pratique au quotidien.", "Easy to use.")
GROUCH = ("Trop de publicité.", "Un peu lente parfois, dommage.", "Design triste.", "Le service client ne répond pas.")


@dataclass(frozen=True)
class Said:
    """One review."""

    day: date
    stars: int
    text: str
    channel: str = "google_play"
    storefront: str = "fr"
    version: str = "7.1"
    topics: tuple[str, ...] = ()
    urgent: bool = False
    author: str | None = None


@dataclass
class Story:
    """Reviews of a calm app, with a fault where `faulty` says so."""

    first: date
    days: int
    daily: int = 30
    seed: int = 5
    channels: tuple[str, ...] = ("google_play", "app_store")
    releases: dict[str, int] = field(default_factory=dict)
    faults: dict[tuple[int, int], str] = field(default_factory=dict)
    """(first day, last day) → the version that is broken then."""

    def tell(self) -> list[Said]:
        chance = random.Random(self.seed)
        said = []
        for number in range(self.days):
            day = self.first + timedelta(days=number)
            shift = chance.gauss(0, 0.01)
            for _ in range(max(0, round(chance.gauss(self.daily, self.daily**0.5)))):
                broken = next((v for (a, b), v in self.faults.items() if a <= number <= b), None)
                hurt = broken is not None and chance.random() < 0.5
                low = chance.random() < (0.85 if hurt else 0.13 + shift)
                stars = chance.choice((1, 1, 2)) if low else chance.choice((3, 4, 5, 5, 5, 5))
                topics = ("sign_in",) if hurt and low else ("speed",) if low and chance.random() < 0.3 else ()
                text = chance.choice(NEGATIVE if hurt and low else GROUCH if low else POSITIVE)
                version = broken if broken and (hurt or chance.random() < 0.5) else self._version(number)
                channel = chance.choice(self.channels)
                said.append(Said(day, stars, text, channel, "fr", version or "", topics))
        return said

    def _version(self, number: int) -> str:
        known = [version for version, day in self.releases.items() if day <= number]
        return known[-1] if known else "7.0"


def make_app(session: Session, name: str = "Banque Mésange", language: str = "fr") -> App:
    app = App(name=name, language=language)
    session.add(app)
    session.flush()
    return app


def make_source(session: Session, app: App, channel: str, first: date, last: date) -> Source:
    """A source that is complete on every day."""
    source = Source(
        app_id=app.id,
        kind=channel,
        channel=channel,
        name=channel,
        config={},
        rhythm_minutes=60,
        history_done=True,
        created_at=datetime.combine(first, time(), UTC),
    )
    session.add(source)
    session.flush()
    now = datetime.combine(last, time(20), UTC)
    session.add(Run(app_id=app.id, source_id=source.id, trigger="schedule", started_at=now, outcome="complete", seen=9))
    session.execute(
        insert(Coverage),
        [
            {
                "app_id": app.id,
                "source_id": source.id,
                "day": first + timedelta(days=n),
                "state": "complete",
                "checked_at": now,
            }
            for n in range((last - first).days + 1)
        ],
    )
    return source


def make_destination(
    session: Session, app: App | None = None, kind: str = "inbox", name: str = "", **config: object
) -> Destination:
    made = Destination(
        app_id=app.id if app else None, kind=kind, name=name or f"{kind} {random.random()}", config=config
    )
    session.add(made)
    session.flush()
    return made


def release(session: Session, app: App, version: str, day: date, channels: tuple[str, ...]) -> None:
    for channel in channels:
        session.add(
            Release(
                app_id=app.id,
                channel=channel,
                version=version,
                day=day,
                released_at=datetime.combine(day, time(8), UTC),
            )
        )
    session.flush()


def store(session: Session, app: App, said: list[Said]) -> None:
    """Insert the reviews, and count them by day as the write path does."""
    if not said:
        return
    rows = [
        {
            "app_id": app.id,
            "source_id": 1,
            "kind": s.channel,
            "channel": s.channel,
            "external_id": f"{s.day}-{n}-{id(s)}",
            "storefront": s.storefront,
            "stars": s.stars,
            "body": s.text,
            "day": s.day,
            "version": s.version,
            "written_at": datetime.combine(s.day, time(10), UTC),
            "first_seen_at": datetime.combine(s.day, time(11), UTC),
            "label": "negative" if s.stars <= 2 else "positive",
            "sentiment": -0.8 if s.stars <= 2 else 0.8,
            "urgent": s.urgent,
            "author": s.author,
        }
        for n, s in enumerate(said)
    ]
    ids = list(session.scalars(insert(Verbatim).returning(Verbatim.id, sort_by_parameter_order=True), rows))
    mentions = [
        {
            "app_id": app.id,
            "verbatim_id": number,
            "topic": topic,
            "day": s.day,
            "sentiment": -0.8,
            "evidence": s.text[:20],
        }
        for number, s in zip(ids, said, strict=True)
        for topic in s.topics
    ]
    if mentions:
        session.execute(insert(VerbatimTopic), mentions)
    stars: Counter[tuple[object, ...]] = Counter()
    topics: Counter[tuple[object, ...]] = Counter()
    for s in said:
        stars[s.day, s.channel, s.storefront, s.version, s.stars] += 1
        for topic in s.topics:
            topics[s.day, s.channel, s.version, topic] += 1
    places = {key[:4] for key in stars}
    session.execute(
        insert(DailyStars),
        [
            {
                "app_id": app.id,
                "day": p[0],
                "channel": p[1],
                "storefront": p[2],
                "version": p[3],
                "n": sum(stars[(*p, s)] for s in range(1, 6)),
                **{f"s{s}": stars[(*p, s)] for s in range(1, 6)},
                "negative": stars[(*p, 1)] + stars[(*p, 2)],
                "positive": stars[(*p, 4)] + stars[(*p, 5)],
            }
            for p in places
        ],
    )
    if topics:
        session.execute(
            insert(DailyTopics),
            [
                {"app_id": app.id, "day": k[0], "channel": k[1], "version": k[2], "topic": k[3], "n": n, "negative": n}
                for k, n in topics.items()
            ],
        )
    session.flush()
