"""What stands beside the made-up reviews: two years of crashes and sessions, 200,000 survey answers, 300,000 tickets.

All five apps have three crash tools on two channels. The survey and the help desk belong to the third app, the one that
is timed: what customers wrote in tickets and comments are verbatims of their own channels, counted as all others are.
Written once into a database that lacks it, so that a kept folder is completed too.
"""

import time
from datetime import timedelta

from sqlalchemy import Engine, text

from analysis.taxonomy import taxonomy
from app.db import transaction
from benchmarks import ten_million as reviews
from benchmarks.ten_million import DAYS, END, WORDS
from models.voices_counts import count_answers, count_tickets

APP = 3
TICKETS, ANSWERS = 300_000, 200_000
OTHERS = "channel NOT IN ('app_store', 'google_play')"

TOOLS = """INSERT INTO sources (app_id, kind, channel, name, config, rhythm_minutes, high_water, history_done)
SELECT a.id, tools.kind, tools.channel, tools.name, '{}', 60, :end, true FROM apps a, (VALUES
  ('crashlytics_bigquery', 'app_store', 'Crashlytics iOS'), ('crashlytics_bigquery', 'google_play', 'Crashlytics'),
  ('play_vitals', 'google_play', 'Play Vitals')) tools (kind, channel, name)"""
VOICES = """INSERT INTO sources (app_id, kind, channel, name, config, rhythm_minutes, high_water, history_done)
VALUES (:app, 'qualtrics', 'survey', 'Qualtrics', '{}', 60, :end, true),
  (:app, 'zendesk', 'zendesk', 'Zendesk', '{}', 15, :end, true)"""
LEDGER = """INSERT INTO coverage (app_id, source_id, day, state, reason, checked_at)
SELECT s.app_id, s.id, CAST(:last AS date) - d, CASE WHEN d < 2 THEN 'held' ELSE 'complete' END, '', :end
FROM sources s, generate_series(0, 729) d WHERE s.kind NOT IN ('app_store', 'google_play')"""
RUNS = """INSERT INTO runs (app_id, source_id, trigger, outcome, started_at, finished_at, pages, seen, stored, figures)
SELECT s.app_id, s.id, 'schedule', 'complete', CAST(:end AS timestamptz) - n * interval '1 hour', :end, 1, 0, 0, 200
FROM sources s, generate_series(1, 1000) n WHERE s.kind NOT IN ('app_store', 'google_play')"""

# Five versions are alive on a day: the newest of forty and the four before it.
ALIVE = """SELECT s.app_id, s.id AS source_id, s.kind, s.channel, CAST(:last AS date) - d AS day, v AS back,
    CASE v WHEN -1 THEN '' ELSE '7.' || least(floor(40.0 * (730 - d) / 730), 39)::int - v END AS version,
    CASE v WHEN -1 THEN 260000 ELSE (130000 * power(0.45, v))::int END
      + hashint8(d * 64 + s.id * 7 + v) % 4000 AS ran,
    0.002 + 0.0015 * (abs(hashint8(s.id + 40 * (730 - d) / 730)) % 4) AS rate
  FROM sources s, generate_series(0, 729) d, generate_series(-1, 4) v
  WHERE s.kind IN ('crashlytics_bigquery', 'play_vitals')
    AND (v = -1 OR least(floor(40.0 * (730 - d) / 730), 39) >= v)"""
SESSIONS = f"""INSERT INTO daily_sessions (app_id, source_id, day, version, channel, sessions, users, users_rounded,
  crashed_sessions, crash_free_users, anr_free_users, withheld)
SELECT app_id, source_id, day, version, channel, CASE WHEN kind = 'crashlytics_bigquery' THEN ran * 3 END, ran,
  kind = 'play_vitals', CASE WHEN kind = 'crashlytics_bigquery' THEN (ran * 3 * rate)::int END,
  CASE WHEN kind = 'play_vitals' AND back < 3 THEN 1 - 2 * rate END,
  CASE WHEN kind = 'play_vitals' AND back < 3 THEN 1 - rate END, kind = 'play_vitals' AND back >= 3
FROM ({ALIVE}) alive"""
CRASHES = f"""INSERT INTO daily_crashes (app_id, source_id, day, version, issue_id, kind, channel, events, users)
SELECT app_id, source_id, day, version, 0, told, channel, 1 + (ran * rate * 2)::int, 1 + (ran * rate)::int
FROM ({ALIVE}) alive, unnest(ARRAY['crash', 'anr']) told WHERE told = 'crash' OR channel = 'google_play'"""
ISSUES = """INSERT INTO crash_issues (app_id, source_id, channel, external_id, kind, title, subtitle, first_version,
  last_version, first_seen_at, last_seen_at, state, url)
SELECT s.app_id, s.id, s.channel, 'issue' || n, CASE WHEN n % 5 = 0 THEN 'anr' ELSE 'crash' END,
  'java.lang.NullPointerException in TransferScreen' || n, 'com.banque.TransferScreen.onClick', '7.' || n / 5,
  '7.' || least(39, n / 5 + 8), CAST(:end AS timestamptz) - (200 - n) * interval '3.65 days',
  least(:end, CAST(:end AS timestamptz) - (200 - n) * interval '3.65 days' + interval '146 days'), 'open',
  'https://crashes.example/' || n
FROM sources s, generate_series(1, 199) n WHERE s.kind IN ('crashlytics_bigquery', 'play_vitals')"""
# An issue lives eight versions long, about 146 days: forty of two hundred are alive on a day.
OF_ISSUES = f"""INSERT INTO daily_crashes (app_id, source_id, day, version, issue_id, kind, channel, events, users)
SELECT a.app_id, a.source_id, a.day, a.version, i.id, i.kind, a.channel,
  1 + abs(hashint8(i.id * 1000 + (a.day - DATE '2020-01-01'))) % (40 >> greatest(a.back, 0)),
  1 + abs(hashint8(i.id * 1000 + (a.day - DATE '2020-01-01'))) % (20 >> greatest(a.back, 0))
FROM ({ALIVE}) a JOIN crash_issues i ON i.app_id = a.app_id AND i.source_id = a.source_id
  AND a.day BETWEEN CAST(i.first_seen_at AS date) AND CAST(i.first_seen_at AS date) + 146 WHERE a.back < 3"""
SIGNALS = """INSERT INTO crash_signals (app_id, source_id, channel, external_id, kind, at, title, version)
SELECT s.app_id, s.id, s.channel, 'signal' || n, 'velocity', CAST(:end AS timestamptz) - n * interval '11 days',
  'Crashes rise in 7.' || 39 - n / 2, '7.' || 39 - n / 2
FROM sources s, generate_series(0, 60) n WHERE s.kind = 'crashlytics_bigquery'"""

SCORES = f"""INSERT INTO survey_answers (app_id, source_id, survey, wave, question, respondent, type, score, low, high,
  segment, version, answered_at, day, person)
SELECT :app, s.id, 'relation', to_char(at, 'YYYY-MM'), 'q' || kind, md5('r' || g), types[kind], CASE kind
    WHEN 1 THEN CASE WHEN {reviews.uniform(31)} < 0.5 THEN 9 + g % 2 WHEN {reviews.uniform(31)} < 0.75 THEN 7 + g % 2
      ELSE g % 7 END
    WHEN 2 THEN 1 + {reviews.hashed(32, 5)} WHEN 3 THEN 1 + {reviews.hashed(32, 7)} ELSE g % 2 END,
  CASE kind WHEN 1 THEN 0 WHEN 4 THEN 0 ELSE 1 END, (ARRAY[10, 5, 7, 1])[kind],
  (ARRAY['jeunes', 'familles', 'aisés', 'pros'])[1 + {reviews.hashed(33, 4)}],
  '7.' || least(floor(40.0 * g / :answers), 39)::int, at, (at AT TIME ZONE 'Europe/Paris')::date,
  CASE WHEN g % 2 = 0 THEN md5('p' || g % 90000) END
FROM (SELECT g, CAST(:start AS timestamptz) + g * (interval '730 days' / :answers) AS at,
    CASE WHEN g % 10 < 7 THEN 1 WHEN g % 10 = 7 THEN 2 WHEN g % 10 = 8 THEN 3 ELSE 4 END AS kind,
    ARRAY['nps', 'csat', 'effort', 'satisfied'] AS types FROM generate_series(1, :answers) g) given,
  (SELECT id FROM sources WHERE app_id = :app AND kind = 'qualtrics') s"""
DESK = f"""INSERT INTO tickets (app_id, source_id, kind, channel, external_id, via, status, created_at, day,
  updated_at, first_answer_at, resolved_at, satisfied, deleted_at, person)
SELECT :app, s.id, 'zendesk', 'zendesk', 't' || g,
  (ARRAY['email', 'phone', 'web', 'messaging'])[1 + {reviews.hashed(41, 4)}],
  CASE WHEN g % 20 = 0 THEN 'open' ELSE 'solved' END, at, (at AT TIME ZONE 'Europe/Paris')::date, at,
  CASE WHEN g % 50 > 0 THEN at + {reviews.hashed(42, 4000)} * interval '1 minute' END,
  CASE WHEN g % 20 > 0 THEN at + {reviews.hashed(43, 20000)} * interval '1 minute' + interval '3 days' END,
  CASE WHEN g % 4 = 0 THEN {reviews.hashed(44, 5)} > 0 END, CASE WHEN g % 400 = 0 THEN at + interval '9 days' END,
  CASE WHEN g % 3 > 0 THEN md5('p' || {reviews.hashed(45, 90000)}) END
FROM (SELECT g, CAST(:start AS timestamptz) + g * (interval '730 days' / :tickets) AS at
    FROM generate_series(1, :tickets) g) given,
  (SELECT id FROM sources WHERE app_id = :app AND kind = 'zendesk') s"""

_NAMES = """app_id, source_id, kind, channel, external_id, body, written_at, first_seen_at, day, version,
  version_origin, author, person, thread, language, sentiment, label, confidence, intents, urgent, model"""
COMMENTS = f"""INSERT INTO verbatims ({_NAMES})
SELECT app_id, source_id, 'qualtrics', 'survey', 'c' || g, {reviews.SENTENCE}, answered_at, answered_at, day, version,
  'reported', respondent, person, NULL, 'fr', CASE WHEN score <= 6 THEN -0.6 ELSE 0.6 END,
  CASE WHEN score <= 6 THEN 'negative' ELSE 'positive' END, 0.8, '{{}}'::text[], false, 'bench'
FROM (SELECT a.*, a.id AS g, CAST(:words AS text[]) AS words FROM survey_answers a
  WHERE a.app_id = :app AND a.type = 'nps' AND a.id % 10 < 5) said"""
CONVERSATIONS = f"""INSERT INTO verbatims ({_NAMES})
SELECT app_id, source_id, 'zendesk', 'zendesk', external_id || '-' || turn,
  {reviews.SENTENCE} || '. ' || {reviews.MORE}, at, at, (at AT TIME ZONE 'Europe/Paris')::date, '', '',
  md5('a' || {reviews.hashed(45, 90000)}), person, external_id, 'fr', -0.4,
  CASE WHEN g % 5 < 3 THEN 'negative' ELSE 'neutral' END, 0.7, '{{problem}}'::text[], g % 150 = 0, 'bench'
FROM (SELECT t.*, t.id * 4 + turn AS g, turn, t.created_at + turn * interval '7 hours' AS at,
    CAST(:words AS text[]) AS words
  FROM tickets t, generate_series(0, 2) turn
  WHERE t.app_id = :app AND t.deleted_at IS NULL AND turn <= t.id % 3
    AND (turn = 0 OR t.created_at < :end - interval '1 day')
) said WHERE at <= :end"""

TABLES = (
    "sources coverage runs daily_sessions daily_crashes crash_issues crash_signals survey_answers tickets verbatims"
    " verbatim_topics daily_stars daily_topics weekly_topics daily_sources daily_hours daily_answers"
    " daily_tickets"
)


def complete(engine: Engine) -> bool:
    """Write what is not there yet; returns whether it wrote anything. Prints how it goes."""
    began = time.perf_counter()
    given = {"app": APP, "end": END, "last": END.date(), "start": END - timedelta(days=DAYS)}
    given |= {"answers": ANSWERS, "tickets": TICKETS, "words": WORDS.split(), "topics": list(taxonomy().topics)}
    steps = {
        "crashes and sessions": (TOOLS, VOICES, LEDGER, RUNS, SESSIONS, CRASHES, ISSUES, OF_ISSUES, SIGNALS),
        "survey answers and tickets": (SCORES, DESK),
        "what was said in them": (COMMENTS, CONVERSATIONS, reviews.topics_of(f"app_id = {APP} AND {OTHERS}")),
        "their counts": reviews.rollups(OTHERS),
    }
    with transaction(engine) as session:
        if session.scalar(text("SELECT EXISTS (SELECT FROM daily_sessions)")):
            return False
        session.execute(text("SET LOCAL synchronous_commit = off"))
        session.execute(text("SET LOCAL work_mem = '512MB'"))
        for what, statements in steps.items():
            for statement in statements:
                reviews.run(session, statement, given)
            if DESK in statements:
                days = [END.date() - timedelta(days=back) for back in range(-1, DAYS + 2)]
                count_answers(session, APP, days)
                count_tickets(session, APP, days)
            print(f"  {time.perf_counter() - began:7.0f} s  {what}", flush=True)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"VACUUM ANALYZE {', '.join(TABLES.split())}"))
    print(f"  {time.perf_counter() - began:7.0f} s  vacuum", flush=True)
    return True
