"""The Play Console's monthly exports in a folder: reviews with their history, the store's rating and crashes per day.

They come days late, and hold what the API's seven days missed. Source: Google, Play Console Help, "Download and export
monthly reports": reviews_PACKAGE_YYYYMM.csv, ratings_PACKAGE_YYYYMM_overview.csv and crashes_PACKAGE_YYYYMM_{overview,
app_version}.csv, UTF-16 with a mark.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from collectors.base import Page, Probe, SourceError
from collectors.file_values import blank, language_code, moment
from collectors.play_format import PLAY, package_name
from collectors.tables import BROKEN, EXTRA, Row, find_layout, rows
from collectors.values import RowFault, from_epoch, plausible, quarantine, sound, whole_stars
from models.records import CrashKind, DailyCrashesRecord, QuarantinedRow, RatingRecord, VerbatimRecord

AGAIN = 2
"""Months that every walk reads again: rows come days late, and answers and edits change them."""
LAST_DAY = timedelta(days=1)
MOST_FILES = 2_000


class PlayConsoleCsv:
    """The exports of one app in a folder and the folders in it, newest month first, one page a month.

    The first page holds the newest two months. Ids are those of the public page and of the API, so that a review
    counts once, whichever way it came. A rating without a text has no id and is no review: it is left to the counters.
    The newest day of an export is not over in it, so that each page says `until` when it can be complete.
    """

    kind = "play_console_csv"

    def __init__(self, app_id: str, folder: str) -> None:
        self.app_id = package_name(app_id)
        self._folder = Path(folder).expanduser()

    def pages(self, resume: str | None = None) -> Iterator[Page]:
        """Yield a page a month from the newest backwards, or from the month before `resume` (YYYYMM).

        Raises SourceError: gone where the folder or its exports are missing, and, after the last page, where none of
        them is a file of reviews: what the others tell is kept, and the reviews are unknown; refused where they may not
        be read, format where a file is not what the console exports.
        """
        months = self._months()
        left = [month for month in months if resume is None or month < resume]
        again = 1 if resume is not None else AGAIN
        groups = [left[:again], *([month] for month in left[again:])]
        reviewed = [month for month, files in months.items() if any(map(_of_reviews, files))]
        until: datetime | None = None
        for number, group in enumerate(groups, start=1):
            done = number == len(groups)
            page = self._page(group, months)
            newest = max((row.edited_at or row.written_at for row in page.verbatims), default=None)
            until = until or (newest and newest - LAST_DAY) or (_over(reviewed[0]) if reviewed else None)
            yield replace(
                page,
                resume=group[-1] if group and not done else None,
                end="exhausted" if done and reviewed else None,
                progress=number / len(groups),
                until=until,
                # So many days are named as those of which no review is known.
                reaches=None if reviewed else _begun(group[-1]),
            )
        if not reviewed:
            raise SourceError(self._no_reviews, "gone")

    def probe(self) -> list[Probe]:
        """Look for the exports, and read the first line of the newest ones."""
        name = "Play Console exports"
        try:
            months = self._months()
            newest = max(months)
            for file in months[newest]:
                find_layout(file)
        except SourceError as error:
            return [Probe(name, False, error.message)]
        if not any(_of_reviews(file) for files in months.values() for file in files):
            return [Probe(name, False, self._no_reviews)]
        return [Probe(name, True, f"{len(months)} months, the newest is {newest[:4]}-{newest[4:]}.")]

    @property
    def _no_reviews(self) -> str:
        """What is said where only ratings or crashes were downloaded."""
        return f"No file of reviews (reviews_{self.app_id}_YYYYMM.csv) is among the exports: the reviews are unknown."

    def _months(self) -> dict[str, list[Path]]:
        """Find the exports by month, newest first, reviews before ratings."""
        try:
            if not self._folder.is_dir():
                raise SourceError(f"There is no folder {self._folder}.", "gone")
            found = sorted(file for file in self._folder.rglob("*.csv*") if file.is_file())
        except OSError as error:
            raise SourceError(f"The folder {self._folder} cannot be read ({error.strerror}).", "refused") from error
        return self._by_month(found, f"The folder {self._folder}")

    def _by_month(self, found: list[Path], where: str) -> dict[str, list[Path]]:
        """Sort the exports of this app by month, newest first, reviews before ratings; other files are passed over."""
        app = re.escape(self.app_id)
        kinds = rf"reviews_{app}_(\d{{6}})|ratings_{app}_(\d{{6}})_overview"
        kinds += rf"|crashes_{app}_(\d{{6}})_(?:overview|app_version)"
        name = re.compile(rf"(?:{kinds})\b.*\.csv(?:\.gz)?")
        months: dict[str, list[Path]] = {}
        for file in sorted(found, key=lambda one: (not _of_reviews(one), one.name)):
            if matched := name.fullmatch(file.name):
                months.setdefault(matched[1] or matched[2] or matched[3], []).append(file)
        if not months:
            text = f"{where} holds no export of {self.app_id} (reviews_{self.app_id}_YYYYMM.csv)."
            raise SourceError(text, "gone")
        if sum(map(len, months.values())) > MOST_FILES:
            raise SourceError(f"{where} holds more than {MOST_FILES} exports.", "refused")
        return dict(sorted(months.items(), reverse=True))

    def _local(self, file: Path) -> Path:
        """The file as it can be opened here."""
        return file

    def _page(self, group: list[str], months: dict[str, list[Path]]) -> Page:
        verbatims: list[VerbatimRecord] = []
        ratings: list[RatingRecord] = []
        crashes: list[DailyCrashesRecord] = []
        bad: list[QuarantinedRow] = []
        notes: list[str] = []
        for month in group:
            for file in map(self._local, months[month]):
                if _of_reviews(file):
                    silent = self._reviews(file, verbatims, bad)
                    if silent:
                        notes.append(f"{silent} ratings without a text in {month} are no reviews")
                elif file.name.startswith("crashes_"):
                    crashes += self._crashes(file, bad)
                else:
                    self._ratings(file, ratings, bad)
        if group and (missing := _missing(group, list(months))):
            notes.append(f"there is no export of {', '.join(missing)}")
        return Page(
            tuple(verbatims),
            tuple(ratings),
            daily_crashes=tuple(crashes),
            quarantined=tuple(bad),
            note="; ".join(notes),
        )

    def _reviews(self, file: Path, good: list[VerbatimRecord], bad: list[QuarantinedRow]) -> int:
        """Read a file of reviews; returns how many ratings without a text it holds."""
        silent = 0
        for row in _table(file, "star rating", "review link"):
            if self._of_another_app(row):
                continue
            try:
                record = review(row, self.app_id)
            except RowFault as fault:
                bad.append(quarantine(row, f"{file.name}: {fault}"))
                continue
            if record is None:
                silent += 1
            else:
                good.append(record)
        return silent

    def _ratings(self, file: Path, good: list[RatingRecord], bad: list[QuarantinedRow]) -> None:
        for row in _table(file, "date", "total average rating"):
            if self._of_another_app(row):
                continue
            try:
                record = rating(row)
            except RowFault as fault:
                bad.append(quarantine(row, f"{file.name}: {fault}"))
                continue
            if record is not None:
                good.append(record)

    def _crashes(self, file: Path, bad: list[QuarantinedRow]) -> list[DailyCrashesRecord]:
        """Read crashes and ANRs per day, of all versions or by version code."""
        found: list[DailyCrashesRecord] = []
        for row in _table(file, "date", "daily crashes"):
            if self._of_another_app(row):
                continue
            try:
                found += crashes(row, by_version="_app_version" in file.name)
            except RowFault as fault:
                bad.append(quarantine(row, f"{file.name}: {fault}"))
        return found

    def _of_another_app(self, row: Row) -> bool:
        return sound(row.get("package name")) not in {self.app_id, ""}


def _table(file: Path, *needed: str) -> Iterator[Row]:
    """Yield rows by column in lower case: the console writes "Package Name" in some files, "Package name" in others.

    Raises SourceError(format) where a needed column is missing.
    """
    layout = replace(find_layout(file), form="csv", delimiter=",", header=True)
    for number, (row, _) in enumerate(rows(file, layout)):
        named = {name if name in {BROKEN, EXTRA} else name.strip().lower(): cell for name, cell in row.items()}
        if not number and BROKEN not in named and (missing := [name for name in needed if name not in named]):
            raise SourceError(
                f"{file.name} lacks the column {' and '.join(missing)} of the console's export.", "format"
            )
        yield named


def review(row: Row, app_id: str) -> VerbatimRecord | None:
    """Read one row; None for a rating without a text and without an id. Raises RowFault with the reason."""
    if BROKEN in row:
        raise RowFault("a quote is not closed")
    if EXTRA in row:
        raise RowFault("the row has more cells than columns")
    title, body = sound(row.get("review title")), sound(row.get("review text"))
    external_id = _id(row.get("review link"))
    if not external_id:
        if title or body:
            raise RowFault("the link names no review, so that it has no id")
        return None
    written_at = _moment(row, "review submit")
    if written_at is None:
        raise RowFault("the row has no date")
    changed_at = _moment(row, "review last update")
    reply = sound(row.get("developer reply text"))
    return VerbatimRecord(
        external_id=external_id,
        written_at=written_at,
        edited_at=changed_at if changed_at is not None and changed_at > written_at else None,
        body=body,
        title=title,
        stars=whole_stars(row.get("star rating")),
        locale=language_code(row.get("reviewer language")),
        version=_short(row, "app version name"),
        build=_short(row, "app version code") or _short(row, "app version"),
        device=_short(row, "device"),
        reply=reply or None,
        replied_at=_moment(row, "developer reply") if reply else None,
        url=f"{PLAY}/store/apps/details?id={app_id}&reviewId={quote(external_id, safe='')}",
    )


def _id(link: Any) -> str:
    """The review's id from its link (also percent-encoded: gp%3A…); '' where there is none."""
    try:
        return sound((parse_qs(urlsplit(sound(link)).query).get("reviewId") or [""])[0])[:200]
    except ValueError:
        return ""


def _moment(row: Row, what: str) -> datetime | None:
    """The moment of a column pair, in whole seconds as the other ways tell it; milliseconds first, else the text."""
    millis, text = row.get(f"{what} millis since epoch"), row.get(f"{what} date and time")
    if not blank(millis):
        if not re.fullmatch(r"[0-9]{12,14}", sound(millis)):
            raise RowFault(f"the {what} time {sound(millis)[:20]!r} is no number of milliseconds")
        return from_epoch(int(sound(millis)) // 1000, f"{what} time")
    return None if blank(text) else moment(text).replace(microsecond=0)


def _short(row: Row, name: str) -> str | None:
    value = row.get(name)
    return None if blank(value) else sound(value)[:200]


def rating(row: Row) -> RatingRecord | None:
    """Read one day of the overview; None where the console tells no average (NA or nothing). Raises RowFault.

    The average is that of all ratings up to the day; how many there are, the export does not tell. The moment is noon
    UTC, which is the same day in the console's own time zone (Pacific) and in ours.
    """
    told = row.get("total average rating")
    if BROKEN in row or EXTRA in row:
        raise RowFault("the row does not fit the columns")
    if blank(told):
        return None
    text = sound(told).replace(",", ".")
    if not re.fullmatch(r"[1-5](\.[0-9]+)?", text) or float(text) > 5:
        raise RowFault(f"the average {text[:20]!r} is not 1 to 5")
    try:
        day = date.fromisoformat(sound(row.get("date")))
    except ValueError as error:
        raise RowFault(f"the date {sound(row.get('date'))[:20]!r} cannot be read") from error
    return RatingRecord(plausible(datetime.combine(day, time(12), UTC)), float(text), None)


def crashes(row: Row, *, by_version: bool) -> list[DailyCrashesRecord]:
    """Read one day's crashes and ANRs; NA and blanks are not told. Raises RowFault.

    A version is a code here, in brackets as everywhere where nothing names it. Days are the console's (Pacific).
    """
    if BROKEN in row or EXTRA in row:
        raise RowFault("the row does not fit the columns")
    try:
        day = date.fromisoformat(sound(row.get("date")))
    except ValueError as error:
        raise RowFault(f"the date {sound(row.get('date'))[:20]!r} cannot be read") from error
    code = _short(row, "app version code") or _short(row, "app version")
    if by_version and not code:
        return []
    found = []
    kinds: tuple[tuple[str, CrashKind], ...] = (("daily crashes", "crash"), ("daily anrs", "anr"))
    for column, kind in kinds:
        told = row.get(column)
        if blank(told):
            continue
        if not re.fullmatch(r"[0-9]{1,12}", sound(told)):
            raise RowFault(f"{column} is {sound(told)[:20]!r}, no count")
        found.append(DailyCrashesRecord(day, int(sound(told)), kind, f"({code})" if by_version else ""))
    return found


def _of_reviews(file: Path) -> bool:
    return file.name.startswith("reviews_")


def _begun(month: str) -> datetime:
    """The first moment of a month (YYYYMM)."""
    return datetime(int(month[:4]), int(month[4:]), 1, tzinfo=UTC)


def _over(month: str) -> datetime:
    """The last moment of a month (YYYYMM)."""
    year, number = divmod(int(month[:4]) * 12 + int(month[4:]), 12)
    return datetime(year, number + 1, 1, tzinfo=UTC) - timedelta(seconds=1)


def _missing(group: list[str], months: list[str]) -> list[str]:
    """Months that lie between those of the group and the one after them without an export."""
    place = months.index(group[-1])
    shown = [*group, *months[place + 1 : place + 2]]
    missing = []
    for newer, older in pairwise(shown):
        month = _before(newer)
        while month > older:
            missing.append(month)
            month = _before(month)
    return missing


def _before(month: str) -> str:
    year, number = int(month[:4]), int(month[4:])
    return f"{year:04}{number - 1:02}" if number > 1 else f"{year - 1:04}12"
