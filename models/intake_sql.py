"""The statements behind models.intake, in the order they run. All work on the temporary table of one page.

`fate` of an incoming row: new, revised (its words or stars changed), touched (something else changed: a reply, its
votes, its version), reread (same words, new analysis), unchanged, stale (older than what we have).
"""

COLUMNS = {
    "number": "int4",
    "external_id": "text",
    "written_at": "timestamptz",
    "edited_at": "timestamptz",
    "day": "date",
    "storefront": "text",
    "locale": "text",
    "stars": "int2",
    "title": "text",
    "body": "text",
    "version": "text",
    "device": "text",
    "os": "text",
    "author": "text",
    "reply": "text",
    "replied_at": "timestamptz",
    "thumbs_up": "int4",
    "url": "text",
    "person": "text",
    "thread": "text",
    "language": "text",
    "sentiment": "float4",
    "label": "text",
    "confidence": "float4",
    "intents": "text[]",
    "urgent": "bool",
    "model": "text",
}
TOPIC_COLUMNS = {"number": "int4", "topic": "text", "sentiment": "float4", "evidence": "text"}

_definitions = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
_topic_definitions = ", ".join(f"{name} {kind}" for name, kind in TOPIC_COLUMNS.items())

STAGE = (
    f"CREATE TEMP TABLE IF NOT EXISTS incoming ({_definitions}, verbatim_id int8, fate text,"
    " was_day date, was_storefront text, was_version text, was_stars int2, was_label text)",
    f"CREATE TEMP TABLE IF NOT EXISTS incoming_topics ({_topic_definitions})",
    "CREATE TEMP TABLE IF NOT EXISTS moved"
    " (sign int4, verbatim_id int8, day date, storefront text, version text, stars int2, label text)",
    "CREATE TEMP TABLE IF NOT EXISTS moved_topics (sign int4, day date, version text, topic text, sentiment float4)",
    "TRUNCATE incoming, incoming_topics, moved, moved_topics",
)

_analysis = ("language", "sentiment", "label", "confidence", "intents", "urgent", "model")
_carried = [name for name in COLUMNS if name != "number"]

INSERT_NEW = f"""
WITH fresh AS (
  INSERT INTO verbatims (app_id, source_id, kind, channel, first_seen_at, version_origin, {", ".join(_carried)})
  SELECT :app_id, :source_id, :kind, :channel, :now, CASE WHEN version <> '' THEN 'reported' ELSE '' END,
         {", ".join(_carried)}
  FROM incoming ORDER BY number
  ON CONFLICT (app_id, kind, external_id) DO NOTHING
  RETURNING id, external_id
)
UPDATE incoming i SET verbatim_id = fresh.id, fate = 'new' FROM fresh WHERE fresh.external_id = i.external_id
"""

# What is older than our newest state is a store's cache talking, never an edit.
JUDGE_KNOWN = """
UPDATE incoming i SET verbatim_id = v.id,
  was_day = v.day, was_storefront = v.storefront, was_version = v.version, was_stars = v.stars, was_label = v.label,
  fate = CASE
    WHEN (v.stars, v.title, v.body) IS DISTINCT FROM (i.stars, i.title, i.body) THEN
      CASE WHEN greatest(i.written_at, i.edited_at) < greatest(v.written_at, v.edited_at)
        THEN 'stale' ELSE 'revised' END
    WHEN (i.version <> '' AND i.version <> v.version)
      OR (i.reply IS NOT NULL AND (i.reply, i.replied_at) IS DISTINCT FROM (v.reply, v.replied_at))
      OR (i.thumbs_up IS NOT NULL AND i.thumbs_up IS DISTINCT FROM v.thumbs_up)
      OR (i.device IS NOT NULL AND i.device IS DISTINCT FROM v.device)
      OR (i.person IS NOT NULL AND i.person IS DISTINCT FROM v.person) THEN 'touched'
    WHEN i.model <> v.model THEN 'reread'
    ELSE 'unchanged' END
FROM incoming known CROSS JOIN LATERAL (
  SELECT * FROM verbatims
  WHERE app_id = :app_id AND kind = :kind AND external_id = known.external_id LIMIT 1
) v
WHERE known.fate IS NULL AND i.number = known.number
"""

# What people said of the very same words stands over what a model says of them.
_corrected = """
FROM corrections c
WHERE c.app_id = :app_id AND c.verbatim_id = i.verbatim_id AND i.fate IN ('revised', 'touched', 'reread')
  AND c.words = md5(i.title || E'\\n' || i.body)
"""
KEEP_CORRECTIONS = f"""
UPDATE incoming i SET
  sentiment = CASE WHEN c.label IS NULL OR c.label = i.label THEN i.sentiment
    WHEN c.label = 'negative' THEN -0.9 WHEN c.label = 'positive' THEN 0.9 ELSE 0 END,
  label = coalesce(c.label, i.label),
  confidence = CASE WHEN c.label IS NULL THEN i.confidence ELSE 1 END,
  intents = coalesce(c.intents, i.intents)
{_corrected}
"""

LEAVE_TOPICS = f"""
DELETE FROM incoming_topics t USING (
  SELECT i.number, c.topics FROM incoming i, corrections c {_corrected[_corrected.index("WHERE") :]}
) corrected
WHERE t.number = corrected.number AND jsonb_typeof(corrected.topics) = 'array'
"""

KEEP_TOPICS = f"""
INSERT INTO incoming_topics (number, topic, sentiment, evidence)
SELECT i.number, said ->> 'topic', (said ->> 'sentiment')::float4, ''
FROM incoming i, corrections c, jsonb_array_elements(c.topics) said
{_corrected[_corrected.index("WHERE") :]}  AND jsonb_typeof(c.topics) = 'array'
"""

# A known verbatim keeps its day: its counts move, they do not travel to the day of the edit.
COUNT_OLD = """
INSERT INTO moved
SELECT -1, verbatim_id, was_day, was_storefront, was_version, was_stars, was_label
FROM incoming WHERE fate IN ('revised', 'touched', 'reread')
"""

COUNT_OLD_TOPICS = """
WITH gone AS (
  DELETE FROM verbatim_topics t USING incoming i
  WHERE t.app_id = :app_id AND t.verbatim_id = i.verbatim_id AND i.fate IN ('revised', 'touched', 'reread')
  RETURNING t.verbatim_id, t.topic, t.sentiment
)
INSERT INTO moved_topics SELECT -1, m.day, m.version, gone.topic, gone.sentiment
FROM gone JOIN moved m ON m.verbatim_id = gone.verbatim_id AND m.sign = -1
"""

KEEP_REVISION = """
INSERT INTO verbatim_revisions (app_id, verbatim_id, revision, stars, title, body, version, written_at, replaced_at)
SELECT v.app_id, v.id, v.revision, v.stars, v.title, v.body, v.version, greatest(v.written_at, v.edited_at), :now
FROM incoming i JOIN verbatims v ON v.app_id = :app_id AND v.id = i.verbatim_id WHERE i.fate = 'revised'
"""

UPDATE_KNOWN = f"""
UPDATE verbatims v SET
  stars = i.stars, title = i.title, body = i.body,
  edited_at = CASE WHEN i.fate = 'revised'
    THEN greatest(v.edited_at, nullif(greatest(i.written_at, i.edited_at), v.written_at)) ELSE v.edited_at END,
  revision = v.revision + CASE WHEN i.fate = 'revised' THEN 1 ELSE 0 END,
  version = CASE WHEN i.version <> '' THEN i.version ELSE v.version END,
  version_origin = CASE WHEN i.version <> '' THEN 'reported' ELSE v.version_origin END,
  reply = coalesce(i.reply, v.reply), replied_at = coalesce(i.replied_at, v.replied_at),
  thumbs_up = coalesce(i.thumbs_up, v.thumbs_up), device = coalesce(i.device, v.device), os = coalesce(i.os, v.os),
  person = coalesce(i.person, v.person), thread = coalesce(i.thread, v.thread),
  {", ".join(f"{name} = i.{name}" for name in _analysis)}
FROM incoming i
WHERE v.app_id = :app_id AND v.id = i.verbatim_id AND i.fate IN ('revised', 'touched', 'reread')
"""

COUNT_NEW = """
INSERT INTO moved
SELECT 1, verbatim_id, coalesce(was_day, day), coalesce(was_storefront, storefront),
  CASE WHEN version <> '' THEN version ELSE coalesce(was_version, '') END, stars, label
FROM incoming WHERE fate IN ('new', 'revised', 'touched', 'reread')
"""

INSERT_TOPICS = """
WITH fresh AS (
  INSERT INTO verbatim_topics (app_id, verbatim_id, topic, day, sentiment, evidence)
  SELECT DISTINCT ON (i.verbatim_id, t.topic) :app_id, i.verbatim_id, t.topic, m.day, t.sentiment, t.evidence
  FROM incoming_topics t JOIN incoming i ON i.number = t.number
  JOIN moved m ON m.verbatim_id = i.verbatim_id AND m.sign = 1
  ORDER BY i.verbatim_id, t.topic, t.sentiment
  ON CONFLICT (app_id, verbatim_id, topic) DO NOTHING
  RETURNING verbatim_id, topic, sentiment
)
INSERT INTO moved_topics SELECT 1, m.day, m.version, fresh.topic, fresh.sentiment
FROM fresh JOIN moved m ON m.verbatim_id = fresh.verbatim_id AND m.sign = 1
"""

_stars = ", ".join(f"coalesce(sum(sign) FILTER (WHERE stars = {n}), 0) AS s{n}" for n in range(1, 6))
_added = ("n", "s1", "s2", "s3", "s4", "s5", "negative", "positive")

# Sorted, so that pages of several kinds that meet on the same counts wait for each other and never deadlock.
MOVE_STARS = f"""
INSERT INTO daily_stars (app_id, day, channel, storefront, version, {", ".join(_added)})
SELECT :app_id, day, :channel, storefront, version, sum(sign) AS n, {_stars},
  coalesce(sum(sign) FILTER (WHERE label = 'negative'), 0), coalesce(sum(sign) FILTER (WHERE label = 'positive'), 0)
FROM moved GROUP BY day, storefront, version ORDER BY day, storefront, version
ON CONFLICT (app_id, day, channel, storefront, version) DO UPDATE SET
  {", ".join(f"{name} = daily_stars.{name} + excluded.{name}" for name in _added)}
"""

MOVE_TOPICS = """
INSERT INTO daily_topics (app_id, day, channel, version, topic, n, negative)
SELECT :app_id, day, :channel, version, topic, sum(sign), coalesce(sum(sign) FILTER (WHERE sentiment < 0), 0)
FROM moved_topics GROUP BY day, version, topic ORDER BY day, version, topic
ON CONFLICT (app_id, day, channel, version, topic) DO UPDATE SET
  n = daily_topics.n + excluded.n, negative = daily_topics.negative + excluded.negative
"""

# The same by week, for long spans.
MOVE_WEEKS = """
INSERT INTO weekly_topics (app_id, week, channel, version, topic, n, negative)
SELECT :app_id, day - (extract(isodow FROM day)::int4 - 1) AS week, :channel, version, topic, sum(sign),
  coalesce(sum(sign) FILTER (WHERE sentiment < 0), 0)
FROM moved_topics GROUP BY week, version, topic ORDER BY week, version, topic
ON CONFLICT (app_id, week, channel, version, topic) DO UPDATE SET
  n = weekly_topics.n + excluded.n, negative = weekly_topics.negative + excluded.negative
"""

COUNT_SOURCES = """
INSERT INTO daily_sources (app_id, source_id, day, n)
SELECT :app_id, :source_id, day, count(*) FROM incoming WHERE fate = 'new' GROUP BY day ORDER BY day
ON CONFLICT (app_id, source_id, day) DO UPDATE SET n = daily_sources.n + excluded.n
"""

_part = "(extract(hour FROM written_at AT TIME ZONE a.timezone)::int4 / 3)"

COUNT_HOURS = f"""
INSERT INTO daily_hours (app_id, day, channel, part, n)
SELECT :app_id, day, :channel, {_part} AS part, count(*)
FROM incoming, apps a WHERE a.id = :app_id AND fate = 'new' GROUP BY day, part ORDER BY day, part
ON CONFLICT (app_id, day, channel, part) DO UPDATE SET n = daily_hours.n + excluded.n
"""

# A version first seen in a review is a release whose date we infer, until a store tells it.
INFER_RELEASES = """
INSERT INTO releases (app_id, channel, version, released_at, day, inferred)
SELECT :app_id, :channel, i.version, min(i.written_at), min(i.day), true
FROM incoming i WHERE i.fate IN ('new', 'revised', 'touched') AND i.version <> ''
GROUP BY i.version ORDER BY i.version
ON CONFLICT (app_id, channel, version) DO UPDATE SET released_at = excluded.released_at, day = excluded.day
WHERE releases.inferred AND excluded.released_at < releases.released_at
"""

# The vocabulary that forgives typing (models.finding); sorted, so that two pages at once never wait in a circle.
LEARN_WORDS = """
INSERT INTO search_words (word)
SELECT DISTINCT unaccent(word) AS plain FROM unnest(CAST(:words AS text[])) word ORDER BY plain
ON CONFLICT DO NOTHING
"""

# Two pages of one app and kind (two storefronts) follow each other: no deadlock, and no row changes under our feet.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('cocoon:intake:' || :kind, :app_id))"

# Without its size the planner takes the page for one row and compares every pair (500 rows a second, not 20,000).
KNOW_SIZE = "ANALYZE incoming (number, external_id)"

STEPS = (
    ONE_AT_A_TIME,
    KNOW_SIZE,
    INSERT_NEW,
    JUDGE_KNOWN,
    KEEP_CORRECTIONS,
    LEAVE_TOPICS,
    KEEP_TOPICS,
    COUNT_OLD,
    COUNT_OLD_TOPICS,
    KEEP_REVISION,
    UPDATE_KNOWN,
    COUNT_NEW,
    INSERT_TOPICS,
    MOVE_STARS,
    MOVE_TOPICS,
    MOVE_WEEKS,
    COUNT_SOURCES,
    COUNT_HOURS,
    INFER_RELEASES,
)

# What was deleted at its source goes with its topics and revisions (by their keys), and out of the counts.
WITHDRAW = (
    ("lock", ONE_AT_A_TIME),
    ("stage", STAGE[2]),
    ("stage topics", STAGE[3]),
    ("empty", "TRUNCATE moved, moved_topics"),
    (
        "topics",
        """
INSERT INTO moved_topics SELECT -1, v.day, v.version, t.topic, t.sentiment
FROM verbatims v JOIN verbatim_topics t ON t.app_id = v.app_id AND t.verbatim_id = v.id
WHERE v.app_id = :app_id AND v.kind = :kind AND v.thread = ANY(:threads)
""",
    ),
    (
        "delete",
        f"""
WITH gone AS (
  DELETE FROM verbatims WHERE app_id = :app_id AND kind = :kind AND thread = ANY(:threads)
  RETURNING id, source_id, day, channel, written_at, storefront, version, stars, label
), noted AS (
  INSERT INTO moved SELECT -1, id, day, storefront, version, stars, label FROM gone RETURNING 1
), counted AS (
  UPDATE daily_sources d SET n = d.n - g.n
  FROM (SELECT source_id, day, count(*) AS n FROM gone GROUP BY source_id, day) g
  WHERE d.app_id = :app_id AND d.source_id = g.source_id AND d.day = g.day
), quieter AS (
  UPDATE daily_hours d SET n = d.n - g.n
  FROM (
    SELECT day, channel, {_part} AS part, count(*) AS n FROM gone, apps a WHERE a.id = :app_id GROUP BY 1, 2, 3
  ) g
  WHERE d.app_id = :app_id AND d.day = g.day AND d.channel = g.channel AND d.part = g.part
)
SELECT count(*) FROM noted
""",
    ),
    ("stars", MOVE_STARS),
    ("counts", MOVE_TOPICS),
    ("weeks", MOVE_WEEKS),
)
