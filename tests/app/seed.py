"""A made-up portfolio straight into the tables: seeded, with everything that a page can show. No analysis is run."""

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from app.irritant_counts import count
from models.apps import App, Listing
from models.feedback import Revision, Verbatim, VerbatimTopic
from models.incidents import Delivery, Destination, InboxMessage, Incident, IncidentEvent
from models.insight import Irritant, IrritantEvent
from models.ratings import RatingSnapshot
from models.releases import Release
from models.sources import Coverage, Quarantine, Run, Source

ZONE = ZoneInfo("Europe/Paris")
TOPICS = ("sign_in", "biometrics", "crash", "transfer", "price", "speed", "card", "customer_service")
BAD = (
    "Impossible de me connecter depuis la mise à jour, l’empreinte tourne en boucle puis plus rien. "
    "Je dois aller en agence pour payer mon loyer.",
    "Depuis hier l’application se ferme toute seule dès que j’ouvre mes comptes. "
    "C’est pénible, j’ai réinstallé deux fois.",
    "Le virement reste bloqué sur « en cours », mon IBAN ⟨iban⟩ est pourtant bien enregistré. "
    "Personne ne répond au ⟨phone⟩.",
    "Since the update I can’t log in any more, it asks for the code three times and then throws me out.",
    "Trop lent, nul.",
    "Service client injoignable, 40 minutes d’attente pour s’entendre dire de réinstaller.",
)
GOOD = (
    "Très pratique, je fais tout depuis mon téléphone.",
    "Super appli, claire et rapide. Rien à redire.",
    "Top",
    "Easy to use, transfers are instant. Love it.",
    "Simple et efficace, bravo aux développeurs !",
)


@dataclass
class Portfolio:
    """What was made."""

    apps: list[App]
    sources: list[Source]
    incident: Incident | None
    destination: Destination | None
    irritant: int = 0


def seed(
    session: Session, *, today: date, days: int = 400, daily: float = 12.0, apps: int = 3, number: int = 7
) -> Portfolio:
    """Fill the tables: the first app has a bad release ten days ago, the second is calm, the third has no reviews."""
    chance = random.Random(number)
    made: list[App] = []
    sources: list[Source] = []
    for index, name in enumerate(("Banque Mésange", "Mésange Pro", "Mésange Jeunes")[:apps]):
        app = App(name=name)
        session.add(app)
        session.flush()
        made.append(app)
        sources += _sources(session, app, today, quiet=index == 2)
        if index < 2:
            _releases(session, app, today, days)
            _verbatims(session, app, today, days, daily if index == 0 else daily / 3, chance, broken=index == 0)
            _counters(session, app, today)
    roll_up(session)
    if not made:
        return Portfolio([], [], None, None)
    destination = Destination(kind="inbox", name="Boîte de test", config={"levels": ["alert"]}, sealed=None)
    session.add(destination)
    session.flush()
    incident = _incident(session, made[0], today, destination)
    for app in made[:2]:
        _irritants(session, app, today)
    session.flush()
    born = session.scalar(select(func.min(Irritant.id)).where(Irritant.app_id == made[0].id)) or 0
    return Portfolio(made, sources, incident, destination, born)


def _sources(session: Session, app: App, today: date, *, quiet: bool) -> list[Source]:
    now = datetime.combine(today, datetime.min.time(), UTC) + timedelta(hours=9)
    session.add(Listing(app_id=app.id, channel="app_store", external_id=str(1533000000 + app.id)))
    found = []
    for kind, channel, name in (
        ("app_store_feed", "app_store", "App Store FR"),
        ("google_play", "google_play", "Google Play fr"),
    ):
        source = Source(
            app_id=app.id,
            kind=kind,
            channel=channel,
            name=name,
            config={},
            rhythm_minutes=30,
            next_run_at=now + timedelta(minutes=12),
            high_water=None if quiet else now - timedelta(minutes=20),
            history_done=not quiet,
        )
        session.add(source)
        session.flush()
        found.append(source)
        if quiet:
            session.add(
                Run(
                    app_id=app.id,
                    source_id=source.id,
                    trigger="first",
                    outcome="running",
                    started_at=now,
                    seen=240,
                    stored=240,
                    progress=0.42,
                )
            )
            continue
        throttled = kind == "google_play"
        session.add(
            Run(
                app_id=app.id,
                source_id=source.id,
                trigger="schedule",
                outcome="complete",
                started_at=now - timedelta(hours=1),
                finished_at=now,
                pages=1,
                seen=50,
                stored=7,
            )
        )
        session.flush()
        session.add(
            Run(
                app_id=app.id,
                source_id=source.id,
                trigger="schedule",
                outcome="throttled" if throttled else "complete",
                reason="play.google.com asked for a pause of 10 minutes." if throttled else "",
                started_at=now - timedelta(minutes=20),
                finished_at=now,
                pages=1,
                seen=50,
                stored=0 if throttled else 3,
                revised=1,
                quarantined=1,
            )
        )
        for back in range(89):
            day = today - timedelta(days=back)
            state = (
                "unknown"
                if throttled and 37 <= back <= 41
                else "partial"
                if throttled and back == 42
                else "held"
                if back == 0
                else "complete"
            )
            session.add(
                Coverage(
                    app_id=app.id,
                    source_id=source.id,
                    day=day,
                    state=state,
                    reason="" if state == "complete" else "The store did not answer.",
                    checked_at=now,
                )
            )
        session.add(
            Quarantine(
                app_id=app.id, source_id=source.id, run_id=1, fingerprint=f"{source.id}", reason="no date", raw=b"{}"
            )
        )
    return found


def _releases(session: Session, app: App, today: date, days: int) -> None:
    count = max(days // 38, 1)
    for channel in ("app_store", "google_play"):
        for index in range(count):
            day = today - timedelta(days=10 + 38 * index + (1 if channel == "google_play" else 0))
            session.add(
                Release(
                    app_id=app.id,
                    channel=channel,
                    version=f"7.{count - index}",
                    build=None,
                    day=day,
                    notes="Corrections.",
                    released_at=datetime.combine(day, datetime.min.time(), ZONE) + timedelta(hours=9),
                )
            )


def _verbatims(
    session: Session, app: App, today: date, days: int, daily: float, chance: random.Random, *, broken: bool
) -> None:
    count = max(days // 38, 1)
    rows, topics, key = [], [], 0
    for back in range(days - 1, -1, -1):
        day = today - timedelta(days=back)
        if back in range(40, 43):
            continue
        bad_share = 0.55 if broken and back <= 9 else 0.16
        for _ in range(round(chance.gauss(daily, daily**0.5) * (0.7 if day.weekday() > 4 else 1.1)) if daily else 0):
            key += 1
            bad = chance.random() < bad_share
            stars = chance.choice((1, 1, 1, 2, 2, 3)) if bad else chance.choice((3, 4, 4, 5, 5, 5, 5, 5))
            channel = chance.choice(("app_store", "google_play", "google_play"))
            release = max(0, count - max(0, (back - 10) // 38 + (1 if back > 10 else 0)))
            at = datetime(
                day.year, day.month, day.day, chance.randrange(24), chance.randrange(60), tzinfo=ZONE
            ).astimezone(UTC)
            body = chance.choice(BAD if bad else GOOD)
            english = body[:5] in {"Since", "Easy "}
            rows.append(
                {
                    "app_id": app.id,
                    "source_id": 1,
                    "kind": channel,
                    "channel": channel,
                    "external_id": f"{key}",
                    "storefront": "fr" if channel == "app_store" else "",
                    "locale": None,
                    "stars": None if chance.random() < 0.01 else stars,
                    "title": chance.choice(("Déçu", "Bof", "À fuir")) if bad and channel == "app_store" else "",
                    "body": body,
                    "written_at": at,
                    "edited_at": None,
                    "first_seen_at": at,
                    "day": day,
                    "version": f"7.{release}" if release > 0 and chance.random() < 0.8 else "",
                    "version_origin": "reported",
                    "device": chance.choice((None, "Pixel 9", "Galaxy S24")) if channel == "google_play" else None,
                    "os": None,
                    "author": None,
                    "reply": "Bonjour, une correction arrive cette semaine." if bad and chance.random() < 0.2 else None,
                    "replied_at": None,
                    "thumbs_up": None,
                    "url": None,
                    "revision": 0,
                    "language": "en" if english else "fr",
                    "sentiment": -0.8 if bad else 0.7,
                    "label": "negative" if bad else "positive",
                    "confidence": 0.9,
                    "intents": ["problem"] if bad else ["praise"],
                    "urgent": bad and chance.random() < 0.02,
                    "model": "seed",
                }
            )
            choice = TOPICS[:3] if broken and back <= 9 and bad else TOPICS
            mood = -0.7 if bad else 0.5
            wanted = chance.sample(choice, chance.choice((0, 1, 1, 2)))
            topics.extend((f"{key}", topic, day, mood, body[:30]) for topic in wanted)
    ids: dict[str, int] = {}
    for start in range(0, len(rows), 2000):
        found = session.execute(
            insert(Verbatim).returning(Verbatim.external_id, Verbatim.id), rows[start : start + 2000]
        )
        ids |= dict(found.all())
    if topics:
        session.execute(
            insert(VerbatimTopic),
            [
                {
                    "app_id": app.id,
                    "verbatim_id": ids[external],
                    "topic": topic,
                    "day": day,
                    "sentiment": mood,
                    "evidence": words,
                }
                for external, topic, day, mood, words in topics
            ],
        )
    for number in chance.sample(sorted(ids.values()), min(len(ids), max(1, len(ids) // 40))):
        verbatim = session.get_one(Verbatim, (app.id, number))
        session.add(
            Revision(
                app_id=app.id,
                verbatim_id=number,
                revision=0,
                stars=1,
                title="",
                body="Ne marche plus du tout.",
                version="",
                written_at=verbatim.written_at - timedelta(days=2),
                replaced_at=verbatim.written_at,
            )
        )
        verbatim.revision = 1
    session.flush()


def roll_up(session: Session) -> None:
    """All rollups, counted from the rows in plain SQL: the judge of what pages say."""
    for table in ("daily_stars", "daily_topics", "weekly_topics", "daily_sources", "daily_hours"):
        session.execute(text(f"DELETE FROM {table}"))
    session.execute(
        text(
            "INSERT INTO daily_stars (app_id, day, channel, storefront, version, "
            "n, s1, s2, s3, s4, s5, negative, positive) "
            "SELECT app_id, day, channel, storefront, version, count(*), count(*) FILTER (WHERE stars = 1), "
            "count(*) FILTER (WHERE stars = 2), count(*) FILTER (WHERE stars = 3), count(*) FILTER (WHERE stars = 4), "
            "count(*) FILTER (WHERE stars = 5), count(*) FILTER (WHERE label = 'negative'), "
            "count(*) FILTER (WHERE label = 'positive') FROM verbatims GROUP BY 1, 2, 3, 4, 5"
        )
    )
    session.execute(
        text(
            "INSERT INTO daily_topics (app_id, day, channel, version, topic, n, negative) "
            "SELECT t.app_id, t.day, v.channel, v.version, t.topic, count(*), count(*) FILTER (WHERE t.sentiment < 0) "
            "FROM verbatim_topics t JOIN verbatims v ON v.app_id = t.app_id AND v.id = t.verbatim_id "
            "GROUP BY 1, 2, 3, 4, 5"
        )
    )
    session.execute(
        text(
            "INSERT INTO weekly_topics (app_id, week, channel, version, topic, n, negative) "
            "SELECT t.app_id, date_trunc('week', t.day)::date, v.channel, v.version, t.topic, count(*), "
            "count(*) FILTER (WHERE t.sentiment < 0) "
            "FROM verbatim_topics t JOIN verbatims v ON v.app_id = t.app_id AND v.id = t.verbatim_id "
            "GROUP BY 1, 2, 3, 4, 5"
        )
    )
    session.execute(
        text(
            "INSERT INTO daily_sources (app_id, source_id, day, n) "
            "SELECT app_id, source_id, day, count(*) FROM verbatims GROUP BY 1, 2, 3"
        )
    )
    session.execute(
        text(
            "INSERT INTO daily_hours (app_id, day, channel, part, n) "
            "SELECT v.app_id, day, channel, extract(hour FROM written_at AT TIME ZONE a.timezone)::int4 / 3, count(*) "
            "FROM verbatims v JOIN apps a ON a.id = v.app_id GROUP BY 1, 2, 3, 4"
        )
    )


def _counters(session: Session, app: App, today: date) -> None:
    at = datetime.combine(today, datetime.min.time(), UTC)
    for back in (60, 30, 1):
        session.add(
            RatingSnapshot(
                app_id=app.id,
                channel="app_store",
                storefront="fr",
                taken_at=at - timedelta(days=back),
                average=4.62 - back / 1000,
                count=48_000 - back * 20,
                histogram=None,
            )
        )
        session.add(
            RatingSnapshot(
                app_id=app.id,
                channel="google_play",
                storefront="",
                taken_at=at - timedelta(days=back),
                average=4.31,
                count=112_000 - back * 40,
                histogram=[9000, 3000, 6000, 20000, 74000],
            )
        )


def _irritants(session: Session, app: App, today: date) -> None:
    """One that began with the newest version, and two that were always there."""
    for topic, standing in (("sign_in", False), ("transfer", True), ("crash", True)):
        began = today - timedelta(days=10 if not standing else 1000)
        row = Irritant(
            app_id=app.id, key=f"topic:{topic}", keys=[f"topic:{topic}"], standing=standing,
            name_fr="Connexion impossible" if not standing else topic,
            name_en="Cannot sign in" if not standing else topic,
            state="ongoing" if standing else "emerging", state_since=today - timedelta(days=5), began_day=began,
            noticed_day=began, began_version="" if standing else "7.3", channels=[], score=5.2 if not standing else 0.0,
            share_before=0.02, share_peak=0.3, phrases=["me connecter", "virement"],
        )  # fmt: skip
        session.add(row)
        session.flush()
        if not standing:
            session.add(IrritantEvent(app_id=app.id, irritant_id=row.id, day=began, kind="born", detail={}))
    count(session, app.id, today, datetime.combine(today, datetime.min.time(), UTC))


def _incident(session: Session, app: App, today: date, destination: Destination) -> Incident:
    opened = today - timedelta(days=8)
    at = datetime.combine(opened, datetime.min.time(), UTC) + timedelta(hours=7)
    quoted = session.scalars(
        select(Verbatim)
        .where(Verbatim.app_id == app.id, Verbatim.stars == 1, Verbatim.day >= opened)
        .order_by(Verbatim.written_at.desc())
        .limit(3)
    ).all()
    incident = Incident(
        app_id=app.id,
        id=uuid4(),
        rule="rating_drop",
        subject="app",
        severity="alert",
        opened_at=at,
        opened_day=opened,
        updated_at=at,
        last_above_day=today,
        baseline_to=opened - timedelta(days=1),
        score=6.4,
        peak_score=6.9,
        effect={"before": 4.1, "after": 3.1, "difference": -1.0, "half_width": 0.3, "n_before": 320, "n_after": 88},
        evidence={
            "window": {"from": f"{opened - timedelta(days=2)}", "to": f"{today}", "days": 10, "reviews": 88},
            "baseline": {
                "from": f"{opened - timedelta(days=30)}",
                "to": f"{opened - timedelta(days=3)}",
                "reviews": 320,
            },
            "topics": [
                {"topic": "sign_in", "before": 0.04, "after": 0.31, "n": 27},
                {"topic": "crash", "before": 0.05, "after": 0.2, "n": 17},
            ],
            "version": {"channel": "google_play", "version": "7.10", "share": 0.8},
            "releases": [{"channel": "google_play", "version": "7.10", "day": f"{opened}", "inferred": False}],
            "holes": [{"day": f"{today - timedelta(days=40)}"}],
            "chance": {"years": 27.0, "months": 3.0, "streams": 100},
            "quotes": [_quote(verbatim) for verbatim in quoted],
        },
    )
    session.add(incident)
    session.flush()
    for hours, kind, actor, detail in (
        (0, "opened", "cocoon", {}),
        (30, "strengthened", "cocoon", {}),
        (31, "note", "Claire", {"note": "Vu avec l’équipe connexion."}),
    ):
        session.add(
            IncidentEvent(
                app_id=app.id,
                incident_id=incident.id,
                at=at + timedelta(hours=hours),
                kind=kind,
                actor=actor,
                detail=detail,
            )
        )
    delivery = Delivery(
        app_id=app.id,
        id=uuid4(),
        incident_id=incident.id,
        event_id=uuid4(),
        destination_id=destination.id,
        kind="incident.opened",
        message={"title": "Banque Mésange : 4,1 → 3,1 ★ sur 88 avis en 8 jours"},
        state="sent",
        tries=1,
        sent_at=at,
        attempts=[],
    )
    session.add(delivery)
    session.flush()
    session.add(InboxMessage(delivery_id=delivery.id, kind="slack", headers={}, body=SLACK_BODY))
    return incident


def _quote(v: Verbatim) -> dict[str, object]:
    return {
        "id": v.id,
        "text": v.body,
        "stars": v.stars,
        "version": v.version,
        "channel": v.channel,
        "storefront": v.storefront,
        "day": f"{v.day}",
        "topics": [],
        "urgent": v.urgent,
        "url": f"/apps/{v.app_id}/reviews#r{v.id}",
    }


SLACK_BODY = {
    "text": "Banque Mésange : 4,1 → 3,1 ★ sur 88 avis en 8 jours",
    "blocks": [
        {
            "type": "header",
            "text": {"type": "plain_text", "text": "Banque Mésange : 4,1 → 3,1 ★ sur 88 avis en 8 jours"},
        },
        {
            "type": "section",
            "text": {
                "type": "mrkdwn",
                "text": "Depuis mardi 17 nov., surtout la version *7.10* (Google Play)  ▇▇▆▇▅▂▁▁",
            },
        },
        {
            "type": "section",
            "text": {
                "type": "mrkdwn",
                "text": "> ★ Impossible de me connecter &lt;script&gt;\n> ★★ Se ferme toute seule",
            },
        },
        {
            "type": "context",
            "elements": [
                {
                    "type": "mrkdwn",
                    "text": "Sans changement réel, une alerte aussi forte n’arrive qu’environ une fois en 27 ans.",
                }
            ],
        },
        {"type": "section", "text": {"type": "mrkdwn", "text": "<http://127.0.0.1:8765/incidents/1|Voir l’incident>"}},
    ],
}
