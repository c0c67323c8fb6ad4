"""What the encoder's vectors say of topics and of the urgent lane, by heads learnt on sentences (`train_topics.py`).

A topic that an installation added is not in the heads: it is known by its own names, examples and phrases.
"""

from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from analysis import embeddings
from analysis.embeddings import Floats
from analysis.taxonomy import Taxonomy, Topic

URGENT = "urgent"
_ALIKE = 0.62
"""Cosine from which a text is like an example of a topic that the heads do not know."""
_ALIKE_SCALE = 12.0  # per unit of cosine around `_ALIKE`, in log-odds


@dataclass(frozen=True, slots=True)
class Head:
    """One row of `weights` (n, SIZE) and `bias` (n) for each of `ids`: the shipped topics, then `URGENT`."""

    ids: tuple[str, ...]
    weights: Floats
    bias: Floats

    def chances(self, vectors: Floats) -> NDArray[np.float64]:
        """Probability of each id for each vector, shape (vectors, ids)."""
        scores = vectors @ self.weights.T + self.bias
        chances: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-np.clip(scores.astype(np.float64), -60, 60)))
        return chances


@cache
def load() -> Head:
    """The shipped heads."""
    with resources.files("analysis").joinpath("data/topic_head.npz").open("rb") as file:
        stored = np.load(file, allow_pickle=False)
        ids = tuple(str(name) for name in stored["ids"])
        return Head(ids, stored["weights"].astype(np.float32), stored["bias"].astype(np.float32))


def chances(vectors: Floats, known: Taxonomy) -> NDArray[np.float64]:
    """Probability of each topic of `known`, in its order, for each vector: shape (vectors, topics)."""
    head = load()
    told = head.chances(vectors)
    at = {name: place for place, name in enumerate(head.ids)}
    out = np.zeros((len(vectors), len(known.topics)))
    for column, topic in enumerate(known.topics.values()):
        if topic.id in at:
            out[:, column] = told[:, at[topic.id]]
        else:
            likest = np.max(vectors @ _prototypes(topic).T, axis=1, initial=-1.0)
            out[:, column] = 1.0 / (1.0 + np.exp(-_ALIKE_SCALE * (likest - _ALIKE)))
    return out


def urgent(vectors: Floats) -> NDArray[np.float64]:
    """Probability that each text must reach a person today."""
    head = load()
    row = head.ids.index(URGENT)
    chances: NDArray[np.float64] = Head((URGENT,), head.weights[row : row + 1], head.bias[row : row + 1]).chances(
        vectors
    )[:, 0]
    return chances


def knows(topic: str) -> bool:
    """Whether the heads learnt this topic."""
    return topic in load().ids


_made: dict[tuple[str, ...], Floats] = {}


def _prototypes(topic: Topic) -> Floats:
    """Vectors of what a topic's owner wrote of it, shape (sentences, SIZE); made once a process."""
    sentences = _sentences(topic)
    if sentences not in _made:
        vectors = embeddings.encoder().vectors(sentences)
        _made[sentences] = np.zeros((0, embeddings.SIZE), dtype=np.float32) if vectors is None else vectors
    return _made[sentences]


def _sentences(topic: Topic) -> tuple[str, ...]:
    written = [*topic.names.values()]
    written += [example for examples in topic.examples.values() for example in examples]
    for phrases in topic.phrases.values():
        written += [phrase for phrase in phrases if " " in phrase and not {"*", "_", "."} & set(phrase)]
    return tuple(dict.fromkeys(written))
