"""py3langid's naive Bayes model (Lui & Baldwin, ACL 2012; 4.5 MB, BSD), walked for a whole batch at once.

The library walks one text after the other, a Python step for each byte (5,000 to 11,000 texts a second). Here every
text of the batch takes its next step in the same numpy call: same automaton, same scores, several times faster.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
_NAMES = {"nb": "no"}  # the library says Norwegian where we say Bokmål
READ = 120
"""Bytes read of one text: enough to tell any language."""


@dataclass(frozen=True, slots=True)
class _Model:
    move: NDArray[np.uint32]
    row: NDArray[np.int64]
    feature: NDArray[np.int32]
    table: Floats
    prior: Floats
    columns: NDArray[np.int64]


@cache
def _model(languages: tuple[str, ...]) -> _Model:
    from py3langid import langid  # half a second: only when a text is to be read

    whole = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE)
    columns = np.array([whole.nb_classes.index(_NAMES.get(language, language)) for language in languages])
    return _Model(
        np.asarray(whole.tk_nextmove, dtype=np.uint32),
        np.asarray(whole.tk_row, dtype=np.int64) << 8,
        np.asarray(whole.tk_output, dtype=np.int32),
        np.ascontiguousarray(whole.nb_ptc[:, columns], dtype=np.float32),
        np.asarray(whole.nb_pc[columns], dtype=np.float32),
        columns,
    )


def log_likelihoods(texts: Sequence[str], languages: tuple[str, ...]) -> tuple[Floats, NDArray[np.int64]]:
    """Naive Bayes scores, shape (texts, languages), without the model's own prior, and the bytes read of each text."""
    model = _model(languages)
    raw = [text.encode("utf-8", "ignore")[:READ] for text in texts]
    lengths = np.fromiter(map(len, raw), dtype=np.int64, count=len(raw))
    scores = np.zeros((len(raw), len(languages)), dtype=np.float32)
    if not raw or not lengths.max():
        return scores, lengths
    order = np.argsort(-lengths, kind="stable")
    letters = np.frombuffer(b"".join(raw), dtype=np.uint8)
    begins = (np.cumsum(lengths) - lengths)[order]
    still = np.searchsorted(-lengths[order], -np.arange(1, lengths.max() + 1), side="right")
    state = np.zeros(len(raw), dtype=np.int64)
    found, owner = [], []
    for step, alive in enumerate(still):
        state = model.move[model.row[state[:alive]] + letters[begins[:alive] + step]].astype(np.int64)
        feature = model.feature[state]
        hit = np.flatnonzero(feature >= 0)
        found.append(feature[hit])
        owner.append(order[hit])
    features = np.concatenate(found).astype(np.int64)
    pairs, counts = np.unique(np.concatenate(owner) * len(model.table) + features, return_counts=True)
    documents, features = pairs // len(model.table), pairs % len(model.table)
    weight = np.log1p(counts).astype(np.float32)
    edges = np.searchsorted(documents, np.arange(len(raw) + 1)).tolist()
    for document, (first, last) in enumerate(pairwise(edges)):  # a product each: four times as fast as `reduceat`
        if last > first:
            scores[document] = weight[first:last] @ model.table[features[first:last]]
    return scores, lengths
