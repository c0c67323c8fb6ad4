"""What usual tools reach by the protocol of `analysis.train`: no text of the tested app, thresholds found on others.

Figures of the same tools by shuffling, or leaving one of six apps out, are higher: they are easier.
"""

from pathlib import Path

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score
from sklearn.svm import LinearSVC

from analysis import corpora
from analysis.train import best_cut

Bools = NDArray[np.bool_]


def intent_by_tfidf(data: Path) -> dict[str, float]:
    """Macro-F1 (problem, request, neither) of TF-IDF of words and characters, stars and a linear SVM, by language.

    Trained on the other app of MiniBAR and on Maalej's reviews, as ours is.
    """
    examples = corpora.read(data, "minibar") + corpora.read(data, "maalej")
    texts = [one.text for one in examples]
    apps = np.array([one.app for one in examples])
    french = np.array([one.language == "fr" for one in examples])
    known = np.array([one.corpus == "minibar" for one in examples])
    labels = {name: np.array([bool(getattr(one, name)) for one in examples]) for name in ("problem", "request")}
    stars = sp.csr_matrix((np.array([one.stars or 0 for one in examples])[:, None] == np.arange(6)).astype(np.float64))
    half = np.arange(len(examples)) % 2 == 0
    reached: dict[str, list[float]] = {"fr": [], "en": []}
    for app in sorted(set(apps[known])):
        seen, held = np.flatnonzero(apps != app), np.flatnonzero(apps == app)
        words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, strip_accents="unicode")
        pieces = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(2, 5), min_df=3, sublinear_tf=True, strip_accents="unicode"
        )
        for one in (words, pieces):
            one.fit([texts[row] for row in seen])
        table = sp.hstack([words.transform(texts), pieces.transform(texts), stars]).tocsr()
        told = {}
        for name, label in labels.items():
            inner = np.full(len(examples), np.nan)
            for side in (True, False):
                rows = seen[half[seen] == side]
                inner[rows] = _scores(table, label, known, seen[half[seen] != side], rows)
            here = seen[known[seen]]
            told[name] = _scores(table, label, known, seen, held) > best_cut(inner[here], label[here])
        for language, mine in (("fr", french[held]), ("en", ~french[held])):
            reached[language].append(_macro(labels, told, held, mine))
    return {language: float(np.mean(found)) for language, found in reached.items()}


def _scores(
    table: sp.csr_matrix, label: Bools, known: Bools, seen: NDArray[np.int64], read: NDArray[np.int64]
) -> NDArray[np.float64]:
    weight = np.where(known[seen], 1.0, 0.3)  # Maalej's labels follow other rules
    model = LinearSVC(C=0.3, random_state=0).fit(table[seen], label[seen], sample_weight=weight)
    found: NDArray[np.float64] = model.decision_function(table[read])
    return found


def _macro(labels: dict[str, Bools], told: dict[str, Bools], held: NDArray[np.int64], mine: Bools) -> float:
    truth = {name: label[held][mine] for name, label in labels.items()}
    said = {name: label[mine] for name, label in told.items()}
    neither = f1_score(~(truth["problem"] | truth["request"]), ~(said["problem"] | said["request"]))
    return float(np.mean([*(f1_score(truth[name], said[name]) for name in truth), neither]))
