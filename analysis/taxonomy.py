"""What people speak of: the topics and steps of data/taxonomy.yaml, named in French and English."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml

LANGUAGES = ("fr", "en")


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


@dataclass(frozen=True, slots=True)
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


def _phrases(row: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    return {language: tuple(dict.fromkeys(row.get(language, ()))) for language in LANGUAGES}


@cache
def taxonomy() -> Taxonomy:
    """The shipped taxonomy. Raises ValueError where a topic names an unknown step or topic."""
    raw = yaml.safe_load((resources.files("analysis") / "data" / "taxonomy.yaml").read_text("utf-8"))
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
            _phrases(row["examples"]),
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
