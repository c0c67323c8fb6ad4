"""Which column of a file means what: guessed from the names and the values, shown, and open to correction."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from collections.abc import Mapping as Pairs
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from collectors.base import SourceError
from collectors.file_values import (
    blank,
    country,
    day_and_month_order,
    language_code,
    looks_like_a_date,
    plain,
    stars,
)
from collectors.tables import BROKEN, EXTRA, Layout, find_layout, rows
from collectors.values import RowFault, sound

SAMPLE = 500

# Names of columns as stores, survey tools and people write them, the most telling first.
_NAMES = """
body: review text, review body, review, texte de l avis, avis, verbatim, content, contenu, body, text
body: texte, comment, commentaire, commentaires, comments, message, feedback, review content, data
body: description, reponse libre, answer text
stars: star rating, stars, num stars, nombre d etoiles, nb etoiles, etoiles, note, rating, score, im
stars: rating, review rating, user rating, rate, note sur 5, notation, evaluation, satisfaction, star
written_at: review submit date and time, written at, date publication, date de publication, published at
written_at: published, review date, date avis, date de l avis, date, at, created at, created, created date, date
written_at: de creation, date creation, submitted at, posted at, posted, datetime, timestamp, time, updated
written_at: updated at, im updated
title: review title, title, titre, subject, objet, sujet, headline
version: app version name, app version, version, version name, review created version, im version, version de
version: l application, version app
build: app version code, build, build number, version code, numero de build
author: author, auteur, user name, username, author name, reviewer nickname, nickname, reviewer, pseudo
author: utilisateur, nom d utilisateur, customer id, user id, name
storefront: storefront, store front, country, pays, territory, country code, code pays, territoire
locale: reviewer language, language, langue, locale, lang, review language, ori lang, storefront language
locale: code langue
external_id: review id, id avis, avis id, external id, uuid, id, identifiant
reply: developer reply text, developer reply, developer response body, developer response, reply content
reply: reply, answer, reponse, reponse du developpeur, reply text
replied_at: developer reply date and time, replied at, reply date, date answer, answer date, date reponse, date
replied_at: de reponse
edited_at: review last update date and time, edited at, modified at, last modified, date de modification
device: device, device model, appareil, modele, modele de l appareil
os: os version, os, android os version, android version, ios version, systeme, systeme d exploitation
thumbs_up: thumbs up count, thumbs up, thumbs, num likes, likes, like count, helpful count, helpful, votes, im
thumbs_up: vote sum, utile, j aime
url: review link, review url, url, link, lien
"""


def _fields() -> dict[str, tuple[str, ...]]:
    fields: dict[str, tuple[str, ...]] = {}
    for line in _NAMES.strip().splitlines():
        field, _, names = line.partition(": ")
        fields[field] = (*fields.get(field, ()), *names.split(", "))
    return fields


FIELDS = _fields()
_COUNTING = frozenset({"id", "ids", "no", "nr", "num", "numero", "number", "index", "row", "ligne", "rang", "rank"})
_FRENCH_WORDS = frozenset(
    {"le", "la", "les", "des", "est", "une", "pas", "très", "et", "je", "vous", "pour", "avec", "mais"}
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: the field it means ('' for none), how sure the guess is (0 to 1), and what it holds."""

    name: str
    field: str = ""
    confidence: float = 0.0
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mapping:
    """What the columns of a file mean; `notes` say what a person should look at.

    `day_first`: 03/04/2021 is the third of April.
    """

    columns: tuple[Column, ...]
    layout: Layout
    day_first: bool = True
    notes: tuple[str, ...] = ()

    @property
    def fields(self) -> dict[str, str]:
        """Field → name of its column."""
        return {column.field: column.name for column in self.columns if column.field}

    @property
    def unmapped(self) -> tuple[str, ...]:
        """Names of the columns that are not imported."""
        return tuple(column.name for column in self.columns if not column.field)

    def corrected(self, choices: Pairs[str, str]) -> "Mapping":
        """Return the mapping with columns given other fields (any usual name of it; '' or 'ignore' for none).

        Raises SourceError(refused) for a column or a field that does not exist, and for a field given to two columns.
        """
        given: dict[str, str] = {}
        names = [column.name for column in self.columns]
        for name, field in choices.items():
            if name not in names:
                raise SourceError(f"The file has no column {name!r}; it has {', '.join(names)}.", "refused")
            given[name] = _field(field)
        taken = [field for field in given.values() if field]
        if double := next((field for field in taken if taken.count(field) > 1), ""):
            raise SourceError(f"Two columns were given to {double!r}; one column a field.", "refused")
        columns = []
        for column in self.columns:
            if column.name in given:
                columns.append(replace(column, field=given[column.name], confidence=1.0))
            else:
                columns.append(replace(column, field="", confidence=0.0) if column.field in taken else column)
        return replace(self, columns=tuple(columns), notes=_notes(tuple(columns), ()))


def _field(name: str) -> str:
    """Return the field that a usual name means, as people type it."""
    wanted = _words(name)
    if wanted in {"", "ignore", "none", "rien"}:
        return ""
    for field, names in FIELDS.items():
        if name.strip() == field or wanted in names or wanted == _words(field):
            return field
    raise SourceError(f"There is no field {name!r}; there are {', '.join(FIELDS)}, and ignore.", "refused")


def _words(name: str) -> str:
    """A column's name as plain lower-case words: thumbsUpCount, Thumbs_Up count → thumbs up count."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return " ".join(re.findall(r"[a-z0-9]+", plain(spaced)))


def guess_mapping(path: Path) -> Mapping:
    """Guess what each column of a file means, from its name and its first 500 rows; dates from the whole column.

    Raises SourceError where the file cannot be read or shows no column with texts or stars.
    """
    layout = find_layout(path)
    sample = [row for row, _ in islice(rows(path, layout), SAMPLE)]
    cells: dict[str, list[Any]] = {}
    for row in sample:
        for name, value in row.items():
            if name not in {EXTRA, BROKEN}:
                cells.setdefault(name, []).append(value)
    if not cells:
        raise SourceError(f"The file {path.name} holds no row that can be read.", "format")
    chosen, doubts = _by_name(cells)
    _by_values(cells, chosen)
    day_first, order = _date_order(path, layout, chosen, cells)
    columns = tuple(
        Column(name, *chosen.get(name, ("", 0.0)), examples=_examples(values)) for name, values in cells.items()
    )
    return Mapping(columns, layout, day_first, _notes(columns, (*doubts, *order)))


def _by_name(cells: dict[str, list[Any]]) -> tuple[dict[str, tuple[str, float]], list[str]]:
    """Give each field the column with its most telling name, if the values can be read as it."""
    chosen: dict[str, tuple[str, float]] = {}
    doubts: list[str] = []
    for field, names in FIELDS.items():
        known = {_words(name): name for name in reversed(cells) if name not in chosen}
        for words in names:
            if words not in known:
                continue
            values = [value for value in cells[known[words]] if not blank(value)]
            fit = _fit(field, values)
            if 0.6 <= fit < 0.8 and field == "stars" and not _of_another_scale(values):
                # The name tells it, and some values are wrong: those rows are set aside, the others are read.
                doubts.append(f"some values of the column {known[words]!r} are not 1 to 5: those rows are set aside")
                chosen[known[words]] = (field, round(0.95 * fit, 2))
                break
            if fit >= 0.8:
                chosen[known[words]] = (field, round(0.95 * fit, 2))
                break
            doubts.append(f"the column {known[words]!r} is named like {field}, but its values are not")
    return chosen, doubts


def _fit(field: str, values: list[Any]) -> float:
    """The share of the values that read as the field; 1 where there is none to judge by."""
    if not values:
        return 1.0
    if field == "external_id":
        # A row's number is no identity: the next file would begin at the same one.
        return 0.0 if _counts_up(values) or len({sound(value) for value in values}) < len(values) else 1.0
    reads: dict[str, Callable[[Any], object]] = {
        "stars": _reads_as_stars,
        "written_at": looks_like_a_date,
        "replied_at": looks_like_a_date,
        "edited_at": looks_like_a_date,
        "storefront": country,
        "locale": language_code,
        "thumbs_up": lambda value: re.fullmatch(r"\d{1,9}(\.0)?", sound(value)),
    }
    read = reads.get(field)
    return sum(bool(read(value)) for value in values) / len(values) if read else 1.0


def _of_another_scale(values: list[Any]) -> bool:
    """Whether marks go to ten, to twenty or to a hundred: three different whole numbers above five, or more."""
    numbers = {int(text) for text in map(sound, values) if re.fullmatch(r"\d{1,3}", text)}
    return len([number for number in numbers if number > 5]) >= 3


def _counts_up(values: list[Any]) -> bool:
    numbers = [int(text) for text in map(sound, values) if re.fullmatch(r"\d{1,9}", text)]
    return len(numbers) == len(values) and all(b - a == 1 for a, b in pairwise(numbers))


def _reads_as_stars(value: Any) -> bool:
    try:
        return stars(value) is not None
    except RowFault:
        return False


def _by_values(cells: dict[str, list[Any]], chosen: dict[str, tuple[str, float]]) -> None:
    """Where no name told it: the longest texts are the body, moments the date, 1 to 5 the stars."""
    found = {field for field, _ in chosen.values()}
    free = {
        name: present
        for name, values in cells.items()
        if name not in chosen and (present := [value for value in values if not blank(value)])
    }
    if "body" not in found:
        lengths = {name: sum(len(sound(value)) for value in values) / len(values) for name, values in free.items()}
        longest = max(lengths, key=lambda name: lengths[name], default="")
        if longest and lengths[longest] >= 20 and _fit("written_at", free[longest]) < 0.5:
            chosen[longest] = ("body", 0.6)
            free.pop(longest)
    if "written_at" not in found:
        dates = [name for name, values in free.items() if _fit("written_at", values) >= 0.95]
        if dates:
            chosen[dates[0]] = ("written_at", 0.6)
            free.pop(dates[0])
    if "stars" not in found:
        # A column of ones could be anything.
        rated = [
            name
            for name, values in free.items()
            if _fit("stars", values) == 1.0 and len({sound(value) for value in values}) >= 3 and not _numbering(name)
        ]
        if rated:
            chosen[rated[0]] = ("stars", 0.5)


def _numbering(name: str) -> bool:
    """Whether a column's name says that its numbers tell rows or things apart, or belong to another field."""
    words = _words(name)
    others = {each for field, names in FIELDS.items() if field != "stars" for each in names}
    return words in others or bool(_COUNTING & set(words.split()))


def _date_order(
    path: Path, layout: Layout, chosen: dict[str, tuple[str, float]], cells: dict[str, list[Any]]
) -> tuple[bool, list[str]]:
    """Decide over the whole column whether 03/04/2021 is in April (day first) or in March."""
    name = next((name for name, (field, _) in chosen.items() if field == "written_at"), "")
    if not name or sum(day_and_month_order(cells[name])) == 0:
        return True, []
    day, month, both = day_and_month_order(row.get(name) for row, _ in rows(path, layout))
    if day or month:
        if day and month:
            odd = min(day, month)
            order = "day first" if day >= month else "month first"
            return day >= month, [f"the dates of {name!r} are read {order}; {odd} rows can only be read the other way"]
        return bool(day), []
    if not both:
        return True, []
    french = _is_french(cells, chosen)
    order = (
        "day first (dd/mm), as the texts are French" if french else "month first (mm/dd), as the texts are not French"
    )
    return french, [f"the dates of {name!r} could be read both ways; they are read {order}"]


def _is_french(cells: dict[str, list[Any]], chosen: dict[str, tuple[str, float]]) -> bool:
    name = next((name for name, (field, _) in chosen.items() if field == "body"), "")
    words = Counter(word for value in cells.get(name, [])[:200] for word in sound(value).lower().split())
    return sum(words[word] for word in _FRENCH_WORDS) > 0.05 * max(1, words.total())


def _examples(values: Iterable[Any]) -> tuple[str, ...]:
    shown: dict[str, None] = {}
    for value in values:
        if not blank(value):
            text = " ".join(sound(value).split())
            shown[text if len(text) <= 60 else text[:59] + "…"] = None
        if len(shown) == 3:
            break
    return tuple(shown)


def _notes(columns: tuple[Column, ...], others: tuple[str, ...]) -> tuple[str, ...]:
    fields = {column.field for column in columns}
    notes = list(others)
    if not fields & {"body", "title"}:
        notes.append("no column of texts: only stars would come in")
    if "stars" not in fields:
        notes.append("no column of stars: the texts come in without")
    if "written_at" not in fields:
        notes.append("no date column: every row gets the date of the file, and trends will show one day")
    return tuple(notes)
