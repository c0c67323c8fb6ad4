"""The story's survey: some forty answers a month for a year, as a file that people export: NPS and a comment."""

import csv
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random

from app.demo import plot
from app.demo.chance import cumulated, draw, poisson
from app.demo.facts import Story
from app.demo.writing import Draft, Writer

NAME = "Enquête de satisfaction"
DECLARED = ("date=written_at", "réponse=response_id", "recommandation=nps", "commentaire=text", "version=version")
"""What the columns mean; langue is known by its name."""
_PER_DAY = 1.33
_MONTHS = 12
_SCORES = cumulated((0.02, 0.01, 0.02, 0.03, 0.03, 0.07, 0.07, 0.13, 0.2, 0.19, 0.23))
_ANGRY = cumulated((0.16, 0.08, 0.1, 0.1, 0.09, 0.12, 0.11, 0.1, 0.08, 0.04, 0.02))
_COMMENTS = 0.72
_LIMIT = (1, 4, 6, 8)
"""Up to which score an answer is worded as a review of one, two, three, four stars."""


def write_survey(story: Story, path: Path, until: datetime, seed: int) -> int:
    """Write the answers of the year before `until` as CSV; returns how many."""
    rng = Random(f"{seed}/survey")  # noqa: S311 - a story, not a secret
    writer = Writer(rng)
    topics, odds = tuple(plot.TOPIC_SHARES), cumulated(tuple(plot.TOPIC_SHARES.values()))
    last = until.date() - timedelta(days=1)
    number = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, delimiter=";")
        table.writerow(["réponse", "date", "recommandation", "commentaire", "langue", "version"])
        for back in range(round(_MONTHS * 30.4375) - 1, -1, -1):
            day = last - timedelta(days=back)
            broken = [p for p in story.planted if p.began_day <= day < p.mended_day]
            for _ in range(poisson(_PER_DAY, rng.random)):
                number += 1
                at = datetime.combine(day, time(8), UTC) + timedelta(seconds=int(rng.random() * 12 * 3600))
                hurt = bool(broken) and rng.random() < 0.4
                score = draw(_ANGRY if hurt else _SCORES, rng.random())
                stars = next((i for i, most in enumerate(_LIMIT, start=1) if score <= most), 5)
                language = "fr" if rng.random() < 0.84 else "en"
                version = _version(story, day)
                kind = "praise" if stars >= 4 else "mixed" if stars == 3 else "complaint"
                topic = broken[0].key if hurt and stars < 4 else topics[draw(odds, rng.random())]
                draft = Draft(kind, language, stars, None if stars >= 4 else topic, version=version)
                said = writer.write(draft)[1] if rng.random() < _COMMENTS else ""
                table.writerow([f"E{number:05d}", f"{at:%Y-%m-%dT%H:%M:%SZ}", score, said, language, version])
    return number


def _version(story: Story, day: date) -> str:
    return story.current_release("app_store", datetime.combine(day, time(), UTC)).version
