"""A made-up portfolio of any size, written by set-based SQL: 5 apps, 24 months, 40 versions, 1.5 topics a verbatim.

Rows come in the order of time, as a service that has run for two years would hold them. Everything hangs on the row's
number by a hash, so that the same size gives the same data. Counts are made from the rows once, by the same columns
that the write path keeps in step.
"""

import time
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from analysis.taxonomy import taxonomy
from app.db import transaction

END = datetime(2026, 11, 22, 20, tzinfo=UTC)
MONTHS = 24
DAYS = 730
APPS = ("Banque Une", "Banque Deux", "Banque Trois", "Banque Quatre", "Banque Cinq")
CHUNK = 250_000

WORDS = (
    "application connexion virement compte carte paiement impossible depuis mise jour empreinte code mot passe banque "
    "conseiller agence plafond solde opération notification bug plante lente rapide pratique simple claire efficace "
    "super nulle déçue pénible erreur message écran noir blanc ouverture fermeture retrait découvert crédit prêt "
    "assurance livret épargne chèque photo document relevé téléphone tablette montre version ancienne nouvelle retour "
    "arrière service client attente réponse appel courrier virements instantanés bénéficiaire ajouter valider sécurité "
    "fraude piratée remboursement frais cotisation clôture déménagement adresse changement identité pièce refusée "
    "synchronisation budget catégorie graphique historique recherche export facture abonnement prélèvement rejeté "
    "transfer login password crash slow update screen account deposit cheque support waiting great easy useless"
)

INDEXES = (
    "uq_verbatims_app_id_kind_external_id",
    "ix_verbatims_app_id_written_at",
    "ix_verbatims_app_id_version",
    "ix_verbatims_search",
)

_hash = "(hashint8extended(g, {seed}) & 2147483647)"


def hashed(seed: int, below: int) -> str:
    """SQL for a whole number from 0 to `below` - 1, always the same for a row's number `g`."""
    return f"({_hash.format(seed=seed)} % {below})::int"


def uniform(seed: int) -> str:
    """SQL for a number from 0 to 1, likewise."""
    return f"({_hash.format(seed=seed)} / 2147483648.0)"


def _word(seed: int) -> str:
    """A word, the first of the list far more often than the last."""
    count = len(WORDS.split())
    return f"words[1 + floor({count} * power({uniform(seed)}, 2))::int]"


SENTENCE = " || ' ' || ".join(_word(100 + n) for n in range(9))
MORE = " || ' ' || ".join(_word(200 + n) for n in range(12))

VERBATIMS = f"""
INSERT INTO verbatims (app_id, id, source_id, kind, channel, external_id, storefront, stars, title, body, written_at,
  first_seen_at, day, version, version_origin, device, os, author, reply, replied_at, revision, language, sentiment,
  label, confidence, intents, urgent, model)
SELECT app, g, app, channel, channel, 'g' || g, front, stars,
  CASE WHEN channel = 'app_store' THEN {_word(11)} || ' ' || {_word(12)} ELSE '' END,
  body || CASE WHEN g % 997 = 0 THEN ' numéro' || g ELSE '' END, at, at + interval '20 minutes',
  (at AT TIME ZONE 'Europe/Paris')::date, version, CASE WHEN version = '' THEN '' ELSE 'reported' END,
  CASE WHEN channel = 'google_play' THEN devices[1 + {hashed(7, 12)}] END,
  CASE WHEN channel = 'google_play' THEN 'Android 1' || {hashed(8, 6)} END, md5(g::text),
  CASE WHEN {hashed(9, 5)} = 0 THEN 'Merci de votre retour, nos équipes regardent.' END,
  CASE WHEN {hashed(9, 5)} = 0 THEN at + interval '2 days' END,
  CASE WHEN {hashed(10, 50)} = 0 THEN 1 ELSE 0 END, language,
  CASE WHEN stars <= 2 THEN -0.7 WHEN stars = 3 THEN 0 ELSE 0.7 END,
  CASE WHEN stars <= 2 THEN 'negative' WHEN stars = 3 THEN 'mixed' ELSE 'positive' END, 0.8,
  CASE WHEN stars <= 2 THEN '{{problem}}'::text[] WHEN {hashed(13, 9)} = 0 THEN '{{request}}'::text[]
    ELSE '{{praise}}'::text[] END,
  {hashed(14, 200)} = 0, 'bench'
FROM (
  SELECT g, app, at, channel, words, devices,
    CASE WHEN channel = 'app_store' THEN (ARRAY['fr','fr','fr','fr','be','ch','lu','ca'])[1 + {hashed(3, 8)}]
      ELSE '' END AS front,
    CASE WHEN {uniform(4)} < CASE WHEN newest % 9 = 8 THEN 0.45 ELSE 0.2 END THEN 1 + {hashed(5, 2)}
      WHEN {uniform(4)} < 0.5 THEN 3 + {hashed(5, 2)} ELSE 5 END::smallint AS stars,
    CASE WHEN {uniform(6)} < 0.1 THEN '' WHEN {uniform(6)} < 0.25 THEN '7.' || greatest(newest - 1, 0)
      ELSE '7.' || newest END AS version,
    CASE WHEN {uniform(15)} < 0.8 THEN 'fr' WHEN {uniform(15)} < 0.95 THEN 'en' ELSE 'und' END AS language,
    CASE WHEN {uniform(16)} < 0.35 THEN {_word(17)} WHEN {uniform(16)} < 0.8 THEN {SENTENCE}
      ELSE {SENTENCE} || '. ' || {MORE} END AS body
  FROM (
    SELECT g, words, devices, CAST(:start AS timestamptz) + g * CAST(:step AS interval) AS at,
      (ARRAY[1,1,1,2,2,3,3,4,5,5])[1 + {hashed(1, 10)}]::bigint AS app,
      CASE WHEN {uniform(2)} < 0.4 THEN 'app_store' ELSE 'google_play' END AS channel,
      least(floor(40.0 * g / CAST(:rows AS float8)), 39)::int AS newest
    FROM generate_series(CAST(:low AS bigint), CAST(:high AS bigint)) g,
      (SELECT CAST(:words AS text[]) AS words, ARRAY['Pixel 9','Pixel 8','Galaxy S24','Galaxy S23','Galaxy A54',
        'Galaxy A15','Redmi Note 13','Xiaomi 14','OnePlus 12','Fairphone 5','Xperia 1','Moto G84'] AS devices) given
  ) placed
) drawn
"""


def topics_of(which: str) -> str:
    """The statement that writes the topics of the verbatims that a condition chooses."""
    return f"""
INSERT INTO verbatim_topics (app_id, verbatim_id, topic, day, sentiment, evidence)
SELECT v.app_id, v.id, topics[1 + (first + k * 7) % {len(taxonomy().topics)}], v.day,
  CASE WHEN v.label = 'negative' THEN -0.6 WHEN k = 1 AND v.g % 4 = 0 THEN -0.3 ELSE 0.5 END, left(v.body, 30)
FROM (
  SELECT app_id, id, g, day, label, body,
    floor({len(taxonomy().topics)} * power({uniform(20)}, 1.7))::int AS first, {hashed(21, 4)} AS many
  FROM (SELECT *, id AS g FROM verbatims WHERE {which}) w
) v, generate_series(0, v.many - 1) k, (SELECT CAST(:topics AS text[]) AS topics) given
"""


TOPICS = topics_of("app_id = ANY (ARRAY[1, 2, 3, 4, 5]) AND id BETWEEN :low AND :high")


def rollups(which: str = "true") -> tuple[str, ...]:
    """The statements that count the verbatims of some channels, in the order of time, as the write path lays them."""
    return (
        f"""INSERT INTO daily_stars
      (app_id, day, channel, storefront, version, n, s1, s2, s3, s4, s5, negative, positive)
    SELECT app_id, day, channel, storefront, version, count(*), count(*) FILTER (WHERE stars = 1),
      count(*) FILTER (WHERE stars = 2), count(*) FILTER (WHERE stars = 3), count(*) FILTER (WHERE stars = 4),
      count(*) FILTER (WHERE stars = 5), count(*) FILTER (WHERE label = 'negative'),
      count(*) FILTER (WHERE label = 'positive')
    FROM verbatims WHERE {which} GROUP BY 1, 2, 3, 4, 5 ORDER BY 2, 1""",
        f"""INSERT INTO daily_topics (app_id, day, channel, version, topic, n, negative)
    SELECT t.app_id, t.day, v.channel, v.version, t.topic, count(*), count(*) FILTER (WHERE t.sentiment < 0)
    FROM verbatim_topics t JOIN verbatims v ON v.app_id = t.app_id AND v.id = t.verbatim_id WHERE {which}
    GROUP BY 1, 2, 3, 4, 5 ORDER BY 2, 1""",
        f"""INSERT INTO weekly_topics (app_id, week, channel, version, topic, n, negative)
    SELECT app_id, date_trunc('week', day)::date AS week, channel, version, topic, sum(n), sum(negative)
    FROM daily_topics WHERE {which} GROUP BY 1, 2, 3, 4, 5 ORDER BY 2, 1""",
        f"""INSERT INTO daily_sources (app_id, source_id, day, n)
    SELECT app_id, source_id, day, count(*) FROM verbatims WHERE {which} GROUP BY 1, 2, 3""",
        f"""INSERT INTO daily_hours (app_id, day, channel, part, n)
    SELECT v.app_id, day, channel, extract(hour FROM written_at AT TIME ZONE a.timezone)::int4 / 3, count(*)
    FROM verbatims v JOIN apps a ON a.id = v.app_id WHERE {which} GROUP BY 1, 2, 3, 4""",
    )


AROUND = (
    """INSERT INTO sources (app_id, kind, channel, name, config, rhythm_minutes, high_water, history_done)
    SELECT a.id, c, c, initcap(c), '{}', 30, :end, true
    FROM apps a, unnest(ARRAY['app_store','google_play']) c ORDER BY a.id, c""",
    """INSERT INTO releases (app_id, channel, version, released_at, day, notes)
    SELECT a.id, c, '7.' || v, CAST(:start AS timestamptz) + v * interval '18.25 days',
      ((CAST(:start AS timestamptz) + v * interval '18.25 days') AT TIME ZONE 'Europe/Paris')::date, 'Corrections.'
    FROM apps a, unnest(ARRAY['app_store','google_play']) c, generate_series(0, 39) v""",
    """INSERT INTO coverage (app_id, source_id, day, state, reason, checked_at)
    SELECT s.app_id, s.id, CAST(:last AS date) - d, CASE WHEN d BETWEEN 40 AND 44 THEN 'unknown' ELSE 'complete' END,
      '', :end FROM sources s, generate_series(1, 729) d""",
    """INSERT INTO runs (app_id, source_id, trigger, outcome, started_at, finished_at, pages, seen, stored)
    SELECT s.app_id, s.id, 'schedule', 'complete', CAST(:end AS timestamptz) - n * interval '30 minutes', :end, 1, 50, 3
    FROM sources s, generate_series(1, 2000) n""",
    """INSERT INTO rating_snapshots (app_id, channel, storefront, taken_at, average, count)
    SELECT a.id, 'google_play', '', CAST(:end AS timestamptz) - d * interval '1 day', 4.3, 100000 - d
    FROM apps a, generate_series(0, 700) d""",
    """INSERT INTO incidents (app_id, id, rule, subject, state, severity, opened_at, opened_day, updated_at,
      last_above_day, score, peak_score, effect, evidence)
    SELECT a.id, gen_random_uuid(), 'rating_drop', 'app', CASE WHEN n = 0 THEN 'open' ELSE 'resolved' END, 'alert',
      CAST(:end AS timestamptz) - n * interval '9 days', CAST(:last AS date) - n * 9, :end, CAST(:last AS date), 4, 5,
      '{"before": 4.4, "after": 3.6, "difference": -0.8, "half_width": 0.3, "n_before": 900, "n_after": 200}',
      '{"window": {"from": "2026-11-01", "to": "2026-11-20", "days": 19, "reviews": 200}}'
    FROM apps a, generate_series(0, 60) n""",
)


def build(engine: Engine, rows: int) -> None:
    """Fill a freshly migrated database. Prints how it goes."""
    start = END - timedelta(days=DAYS)
    given = {"start": start, "end": END, "last": END.date(), "rows": rows, "step": timedelta(days=DAYS) / rows}
    given |= {"words": WORDS.split(), "topics": list(taxonomy().topics)}
    began = time.perf_counter()

    def done(what: str) -> None:
        print(f"  {time.perf_counter() - began:7.0f} s  {what}", flush=True)

    with transaction(engine) as session:
        session.execute(text("SET LOCAL synchronous_commit = off"))
        for name in APPS:
            session.execute(text("INSERT INTO apps (name, timezone) VALUES (:name, 'Europe/Paris')"), {"name": name})
        for statement in AROUND:
            run(session, statement, given)
        definitions = dict(
            session.execute(
                text(
                    "SELECT indexname, indexdef FROM pg_indexes WHERE tablename IN ('verbatims', 'verbatim_topics')"
                    " AND indexname NOT LIKE 'pk_%' AND indexname NOT LIKE 'uq_%'"
                )
            ).all()
        )
        for name in definitions:
            session.execute(text(f"DROP INDEX {name}"))
        session.execute(text("ALTER TABLE verbatim_topics DROP CONSTRAINT fk_verbatim_topics_app_id_verbatims"))
    for low in range(1, rows + 1, CHUNK):
        with transaction(engine) as session:
            session.execute(text("SET LOCAL synchronous_commit = off"))
            chunk = given | {"low": low, "high": min(low + CHUNK - 1, rows)}
            run(session, VERBATIMS, chunk)
            run(session, TOPICS, chunk)
        done(f"{chunk['high']:,} verbatims")
    with transaction(engine) as session:
        session.execute(text("SET LOCAL maintenance_work_mem = '1GB'"))
        session.execute(text("SET LOCAL work_mem = '512MB'"))
        for name, definition in definitions.items():
            session.execute(text(definition))
            done(name)
        session.execute(
            text(
                "ALTER TABLE verbatim_topics ADD CONSTRAINT fk_verbatim_topics_app_id_verbatims FOREIGN KEY"
                " (app_id, verbatim_id) REFERENCES verbatims (app_id, id) ON DELETE CASCADE NOT VALID"
            )
        )
        session.execute(
            text("SELECT setval(pg_get_serial_sequence('verbatims', 'id'), (SELECT max(id) FROM verbatims))")
        )
    for statement in rollups():
        with transaction(engine) as session:
            session.execute(text("SET LOCAL work_mem = '512MB'"))
            session.execute(text(statement))
        done(statement.split("(", 1)[0].removeprefix("INSERT INTO ").strip())
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    done("vacuum")


def run(session: Session, statement: str, given: Mapping[str, object]) -> None:
    """Execute a statement with those of the given values that it names."""
    names = {name for name in given if f":{name}" in statement}
    session.execute(text(statement), {name: given[name] for name in names})


def today() -> date:
    """The day on which the made-up data ends."""
    return END.date()
