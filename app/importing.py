"""Import of a file: the way in for every export that has no collector, by the same walk and ledger as a feed."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import select
from sqlalchemy.orm import Session
from tqdm import tqdm

from app import clock
from app.context import Context
from app.errors import Problem
from app.jobs import look_before_history
from app.judge import judge
from app.setup import find_or_make_app
from app.walk import walk
from collectors.base import Page, Probe
from collectors.file_import import FileSource
from collectors.file_mapping import Mapping, guess_mapping
from models.apps import App
from models.sources import Run, Source

STORE_KINDS = {"app_store": "app_store_feed", "google_play": "google_play"}
"""An export of a store's reviews with their ids meets the same reviews from the feed: they are one."""

REASONS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the columns are taken for, with the corrections, and the zone of times that name none."""

    mapping: Mapping
    zone: str
    file: str

    def shown(self) -> str:
        """The mapping as a person checks it: column, field, how sure, an example."""
        lines = [f"{self.file}: what the columns are taken for"]
        for column in self.mapping.columns:
            sure = f"{column.confidence:4.0%}" if column.field else "    "
            example = next((each for each in column.examples if each.strip()), "")
            example = example if len(example) <= 48 else example[:47] + "…"
            lines.append(f"  {column.name[:24]:<24} → {column.field or '(left out)':<12} {sure}  {example}")
        lines += [f"  note: {note}" for note in self.mapping.notes]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file's rows. `reasons` counts the quarantined rows by reason, the most frequent first."""

    app: str
    app_id: int
    source_id: int
    outcome: str
    reason: str
    rows: int
    stored: int
    revised: int
    already_there: int
    quarantined: int
    reasons: dict[str, int]
    scores: int = 0
    """Of `stored`, a survey's scores; the rest are texts."""

    @classmethod
    def of(
        cls, app: App, source: Source, run: Run, reasons: Counter[str], *, scores: int = 0, new_scores: int = 0
    ) -> "Imported":
        """Tell what a run did. A survey's answers are counted apart: `scores`, of which `new_scores` are new."""
        return cls(
            app=app.name,
            app_id=app.id,
            source_id=source.id,
            outcome=run.outcome,
            reason=run.reason,
            rows=run.seen + scores + run.quarantined,
            stored=run.stored + new_scores,
            revised=run.revised,
            already_there=run.seen + scores - run.stored - run.revised - new_scores,
            quarantined=run.quarantined,
            reasons=dict(reasons.most_common()),
            scores=new_scores,
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def shown(self) -> str:
        """For people."""
        parts = f" ({self.stored - self.scores:,} texts, {self.scores:,} scores)" if self.scores else ""
        lines = [
            f"{self.app}: {self.stored:,} stored{parts}, {self.revised:,} revised, "
            f"{self.already_there:,} already there, {self.quarantined:,} quarantined."
        ]
        shown = list(self.reasons.items())[:REASONS_SHOWN]
        lines += [f"  quarantined {count:,}: {reason}" for reason, count in shown]
        if rest := sum(self.reasons.values()) - sum(count for _, count in shown):
            lines.append(f"  quarantined {rest:,}: for other reasons")
        if self.outcome != "complete":
            lines.append(f"  {self.outcome}: {self.reason}")
        elif self.reason:
            lines.append(f"  {self.reason}")
        return "\n".join(lines)


def read_mapping(path: Path, corrections: Sequence[str] = (), *, zone: str = "Europe/Paris") -> Chosen:
    """Guess what a file's columns mean, then apply COLUMN=FIELD corrections. Raises Problem or SourceError."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise Problem(422, f"There is no time zone {zone!r}; one is Europe/Paris.", where="zone") from error
    choices: dict[str, str] = {}
    for each in corrections:
        column, equals, field = each.partition("=")
        if not equals or not column.strip():
            raise Problem(422, f"--map wants COLUMN=FIELD, not {each!r}.", where="map")
        choices[column.strip()] = "" if field.strip() == "-" else field.strip()
    guessed = guess_mapping(path)
    return Chosen(guessed.corrected(choices) if choices else guessed, zone, path.name)


def import_file(
    context: Context,
    path: Path,
    app_name: str,
    *,
    channel: str = "file",
    mapping: Chosen | None = None,
    name: str = "",
    show_progress: bool = False,
) -> Imported:
    """Import a file into an app, made if it is not there. Never alerts; importing twice changes nothing."""
    _must_be_channel(channel)
    chosen = mapping or read_mapping(path)
    with context.transaction() as session:
        app_id = find_or_make_app(session, app_name).id
    return import_into(context, path, app_id, channel=channel, mapping=chosen, name=name, show_progress=show_progress)


def _must_be_channel(channel: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,39}", channel):
        raise Problem(422, "A channel is a short word in small letters, such as app_store or survey.", where="channel")


def import_into(
    context: Context,
    path: Path,
    app_id: int,
    *,
    channel: str,
    mapping: Chosen,
    name: str = "",
    show_progress: bool = False,
) -> Imported:
    """The same for an app that is there, with the columns taken for what `mapping` says."""
    _must_be_channel(channel)
    chosen = mapping
    with context.transaction() as session:
        app = session.get_one(App, app_id)
        source = _file_source(session, app.id, channel, name or path.name, chosen)
    look_before_history(context, app.id)
    with tqdm(desc=path.name, unit=" rows", disable=None if show_progress else True, leave=False) as bar:

        def tell(run: Run) -> None:
            if run.progress:
                bar.total = max(int(run.seen / run.progress), run.seen)
            bar.n = run.seen
            bar.refresh()

        collector = _Told(FileSource(path, chosen.mapping, zone=ZoneInfo(chosen.zone)))
        run = walk(context.engine, source.id, collector, seal=context.seal, trigger="import", on_progress=tell)
    with context.transaction() as session:
        judge(session, app.id, clock.now(), base_url=context.settings.base_url, quiet=True)
    return Imported.of(app, source, run, collector.reasons)


def _file_source(session: Session, app_id: int, channel: str, name: str, chosen: Chosen) -> Source:
    """The source of this file: the same name again is the same source, with the mapping of this time."""
    wanted = select(Source).where(
        Source.app_id == app_id, Source.kind == "file", Source.channel == channel, Source.name == name
    )
    source = session.scalar(wanted)
    if source is None:
        source = Source(app_id=app_id, kind="file", channel=channel, name=name, config={}, rhythm_minutes=None)
        session.add(source)
        session.flush()
    # Ids are worth something beyond this file only where it has them, and where we know whose they are.
    known_ids = "external_id" in chosen.mapping.fields and channel != "file"
    identity = STORE_KINDS.get(channel, f"file:{channel}") if known_ids else f"file:{source.id}"
    source.config = {
        "map": {c.name: c.field for c in chosen.mapping.columns},
        "zone": chosen.zone,
        "day_first": chosen.mapping.day_first,
        "identity": identity,
    }
    return source


class _Told:
    """A file whose quarantined rows are counted by reason on their way."""

    kind = FileSource.kind

    def __init__(self, file: FileSource) -> None:
        self._file = file
        self.reasons: Counter[str] = Counter()

    def pages(self, resume: str | None = None) -> Iterator[Page]:
        """The file's pages."""
        for page in self._file.pages(resume):
            self.reasons.update(_reason(row.reason) for row in page.quarantined)
            yield page

    def probe(self) -> list[Probe]:
        """What the columns are taken for."""
        return self._file.probe()


def _reason(words: str) -> str:
    """A row's reason without its number and its value: "row 7: column 'note': the stars '9' are not 1 to 5"."""
    words = re.sub(r"^row \d+: ", "", words)
    column, found, fault = words.partition("': ") if words.startswith("column '") else ("", "", words)
    if found or fault.startswith("the date"):
        fault = re.sub(r" ('[^']*'|\"[^\"]*\"|\d{4}-\d\d-\d\d(T\S+)?)", " …", fault)
    return f"{column}{found}{fault}"
