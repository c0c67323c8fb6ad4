"""What people speak of: the topics and steps of data/taxonomy.yaml, named in French and English.

Phrases may be in any language that is told apart (`language.LANGUAGES`); French and English have all of them.

An installation may lay its own over them (`use`); each process that reads texts is told by its entry point.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

import yaml

from analysis.language import LANGUAGES as SPOKEN

LANGUAGES = ("fr", "en")
"""Languages of names: a topic needs both."""
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the customer's journey; `names` by language."""

    id: str
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic: what it is called, where it stands on the journey, and the folded phrases that tell it, by language.

    `weak` phrases speak of this topic only where the text names nothing more precise ("ne marche plus");
    `excepted` ones take back what overlaps them ("connexion internet" is not signing in). `yielding` ones are dropped
    where the text speaks of a topic of `yields_to`: "la connexion échoue" is signing in, unless a watch is meant.
    """

    id: str
    step: str
    names: Mapping[str, str]
    phrases: Mapping[str, tuple[str, ...]]
    weak: Mapping[str, tuple[str, ...]]
    yielding: Mapping[str, tuple[str, ...]]
    yields_to: tuple[str, ...]
    excepted: tuple[str, ...]
    examples: Mapping[str, tuple[str, ...]]

    def every_phrase(self) -> Iterator[str]:
        """Phrases that tell the topic, of every language and strength."""
        for kind in (self.phrases, self.weak, self.yielding):
            for phrases in kind.values():
                yield from phrases


@dataclass(frozen=True, slots=True, eq=False)
class Taxonomy:
    """Steps in the order of the journey, and topics by id."""

    steps: tuple[Step, ...]
    topics: Mapping[str, Topic]

    def name(self, topic: str, language: str) -> str:
        """The topic's name, in English where the language has none; the id of a topic that is no longer known."""
        known = self.topics.get(topic)
        return topic.replace("_", " ") if known is None else known.names.get(language, known.names["en"])

    def step_name(self, step: str, language: str) -> str:
        """The step's name, in English where the language has none; the id of a step that is no longer known."""
        for known in self.steps:
            if known.id == step:
                return known.names.get(language, known.names["en"])
        return step.replace("_", " ")


class TaxonomyError(ValueError):
    """The installation's own topics cannot be used; the message says where and why."""


_TOPIC_PARTS = frozenset({"step", "name", "weak", "yielding", "yields_to", "except", "examples", "remove"})
_ID = re.compile(r"[a-z][a-z0-9_]{1,59}")


def _phrases(row: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    spoken = (*LANGUAGES, *(language for language in row if language in SPOKEN and language not in LANGUAGES))
    return {language: tuple(dict.fromkeys(row.get(language) or ())) for language in spoken}


@cache
def _shipped() -> dict[str, Any]:
    text = (resources.files("analysis") / "data" / "taxonomy.yaml").read_text("utf-8")
    raw: dict[str, Any] = yaml.load(text, Loader=_LOADER)  # noqa: S506  the safe loader, in C where there is one
    return raw


@lru_cache(maxsize=8)
def _loaded(*layers: str) -> Taxonomy:
    raw = _shipped()
    for layer in layers:
        if layer:
            raw = _over(raw, _own(layer))
    return _made(raw)


_current = ("", "")


def taxonomy() -> Taxonomy:
    """The topics in use: the shipped ones, what was learnt from corrections, and the installation's own over them."""
    return _loaded(*_current)


def shipped() -> Taxonomy:
    """The shipped topics alone."""
    return _loaded("", "")


def layers() -> tuple[str, str]:
    """What was learnt and what is the installation's own, as YAML."""
    return _current


def own() -> str:
    """What is laid over the shipped topics in this process, as YAML; "" where nothing is."""
    return "\n".join(part for part in _current if part)


def use(words: str, learnt: str = "") -> Taxonomy:
    """Put an installation's own topics (YAML) over the shipped ones, in this process. Raises TaxonomyError.

    `learnt` are phrases that training found in corrections; the installation's own words stand over them.
    """
    global _current  # noqa: PLW0603  one taxonomy a process is the point
    found = parse(words, learnt)
    _current = (learnt.strip(), words.strip())
    return found


def parse(words: str, learnt: str = "") -> Taxonomy:
    """The shipped topics with `words` (YAML) over them, without using it. Raises TaxonomyError with a sentence.

    Under `topics`, a new id needs `step` and `name: {fr, en}`; a known id may change these, add phrases (fr, en, es, …,
    weak, yielding, except, yields_to) and take some away (`remove: {fr, en, es, …}`); a null switches the topic off.
    `steps` adds or renames steps: `id: {fr, en}`.
    """
    try:
        return _loaded(learnt.strip(), words.strip())
    except TaxonomyError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise TaxonomyError(f"These topics cannot be used: {error}") from error


def _own(words: str) -> dict[str, Any]:
    try:
        raw = yaml.load(words, Loader=_LOADER)  # noqa: S506
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise TaxonomyError(f"This is not YAML: {where}{getattr(error, 'problem', None) or error}") from error
    if raw is None:
        return {}
    if not isinstance(raw, dict) or not set(raw) <= {"topics", "steps"}:
        raise TaxonomyError("The file must hold “topics” and, if you like, “steps”; nothing else.")
    return raw


def _over(shipped: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    steps = {**shipped["steps"]}
    for step, names in _mapping(own.get("steps") or {}, "steps").items():
        steps[_identity(step, "step")] = _names(names, f"step {step}")
    topics = dict(shipped["topics"])
    for topic, given in _mapping(own.get("topics") or {}, "topics").items():
        where = f"topic {_identity(topic, 'topic')}"
        if given is None:
            topics.pop(topic, None)
            continue
        row = _mapping(given, where)
        if strange := sorted(map(str, set(row) - _TOPIC_PARTS - set(SPOKEN))):
            raise TaxonomyError(
                f"{where}: “{strange[0]}” is not a part of a topic ({', '.join(sorted(_TOPIC_PARTS))}) nor a language"
                f" ({', '.join(SPOKEN)})."
            )
        known = topics.get(topic)
        if known is None and not {"step", "name"} <= set(row):
            raise TaxonomyError(f"{where} is new: it needs a “step” and a “name” in French and English.")
        place = row.get("step") or (known or {}).get("step")
        if place not in steps:
            raise TaxonomyError(f"{where}: there is no step “{place}” ({', '.join(steps)}).")
        topics[topic] = _merged(known or {}, row, where) | {"step": place}
    for topic, known in topics.items():
        left = [other for other in known.get("yields_to", ()) if other in topics]
        topics[topic] = known | {"yields_to": left}
    return {"steps": steps, "topics": topics}


def _merged(known: dict[str, Any], row: dict[str, Any], where: str) -> dict[str, Any]:
    merged = dict(known)
    if "name" in row:
        merged["name"] = _names(row["name"], where)
    taken = _spoken(row.get("remove"), f"{where}, remove")
    gone = {language: set(phrases) for language, phrases in taken.items()}
    for language in SPOKEN:
        added = _listed(row.get(language), f"{where}, {language}")
        left = [p for p in (*known.get(language, ()), *added) if p not in gone.get(language, ())]
        if left or language in LANGUAGES:
            merged[language] = left
    for part in ("weak", "yielding", "examples"):
        mine, theirs = _spoken(row.get(part), f"{where}, {part}"), known.get(part, {})
        merged[part] = {
            language: [
                p for p in (*theirs.get(language, ()), *mine.get(language, ())) if p not in gone.get(language, ())
            ]
            for language in dict.fromkeys((*theirs, *mine))
        }
    for part in ("except", "yields_to"):
        merged[part] = [*known.get(part, ()), *_listed(row.get(part), f"{where}, {part}")]
    return merged


def _spoken(value: object, where: str) -> dict[str, list[str]]:
    """Lists of phrases by language."""
    lists = _mapping(value or {}, where)
    if strange := sorted(map(str, set(lists) - set(SPOKEN))):
        raise TaxonomyError(f"{where}: “{strange[0]}” is not a language ({', '.join(SPOKEN)}).")
    return {language: _listed(phrases, f"{where}, {language}") for language, phrases in lists.items()}


def _mapping(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TaxonomyError(f"{where}: names with values are wanted here, not {value!r}.")
    return value


def _identity(value: object, what: str) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise TaxonomyError(f"“{value}” cannot be the id of a {what}: lower-case letters, digits and _ are.")
    return value


def _names(value: object, where: str) -> dict[str, str]:
    names = _mapping(value, f"{where}, name")
    if any(not isinstance(names.get(language), str) or not names[language].strip() for language in LANGUAGES):
        raise TaxonomyError(f"{where} needs a name in French and in English: name: {{fr: …, en: …}}.")
    return names


def _listed(value: object, where: str) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or any(not isinstance(word, str) for word in value):
        raise TaxonomyError(f"{where}: a list of phrases is wanted, each a text (write “yes” and numbers in quotes).")
    for phrase in value:
        if not phrase.strip() or not any(map(str.isalnum, phrase.split()[0])) or len(phrase) > 100:
            raise TaxonomyError(
                f"{where}: a phrase begins with a word and is at most 100 letters long, not “{phrase}”."
            )
        if phrase.split().count("..") > 2:
            raise TaxonomyError(f"{where}: at most two gaps (..) in a phrase, not “{phrase}”.")
    return value


def _made(raw: Mapping[str, Any]) -> Taxonomy:
    steps = tuple(Step(step, names) for step, names in raw["steps"].items())
    topics = {
        topic: Topic(
            topic,
            row["step"],
            row["name"],
            _phrases(row),
            _phrases(row.get("weak", {})),
            _phrases(row.get("yielding", {})),
            tuple(row.get("yields_to", ())),
            tuple(row.get("except", ())),
            _phrases(row.get("examples", {})),
        )
        for topic, row in raw["topics"].items()
    }
    unknown = {topic.step for topic in topics.values()} - {step.id for step in steps}
    if unknown:
        raise ValueError(f"topics stand on unknown steps: {sorted(unknown)}")
    lost = {other for topic in topics.values() for other in topic.yields_to} - set(topics)
    if lost:
        raise ValueError(f"topics yield to unknown topics: {sorted(lost)}")
    return Taxonomy(steps, topics)
