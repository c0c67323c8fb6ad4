"""Rebuild the shipped models: `python -m analysis.train --data FOLDER` (dependency group `train`).

Deterministic for a given folder and scikit-learn. Every figure printed is for apps that the measured model never saw.
"""

import argparse
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score

from analysis import clauses, corpora, features, heads, labelled, lexicon, train_second
from analysis.corpora import Example
from analysis.tokens import tokenise

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
_BATCH = 2_000
_CORPORA = ("minibar", "maalej", "playstore_en", "viber")


@dataclass(frozen=True, slots=True)
class Task:
    """A head to fit: which examples are for it, their labels and weights, its penalty, and whether it reads stars."""

    name: str
    chosen: Bools
    label: Bools
    weight: Floats
    penalty: float
    stars: bool


def represent(examples: Sequence[Example]) -> sp.csr_matrix:
    """Features of examples as one sparse matrix: hashed buckets, then cues, then stars; as `understand` makes them."""
    blocks = []
    for start in range(0, len(examples), _BATCH):
        batch = examples[start : start + _BATCH]
        tokens = tokenise([example.text for example in batch])
        known = lexicon.LANGUAGES
        language = np.array([known.index(e.language) if e.language in known else 0 for e in batch])
        cues = lexicon.find(tokens, language)
        parts = clauses.cut(tokens)
        found = features.extract(tokens, parts.of, cues.wrapped)
        where, value = found.values(parts.doc, len(batch))
        hashed = sp.coo_matrix((value, (where, found.bucket)), shape=(len(batch), features.BUCKETS)).tocsr()
        counted = heads.dense_features(lexicon.measure(tokens, cues, tokens.doc, len(batch)))
        stars = heads.star_features(np.array([example.stars or 0 for example in batch]))
        blocks.append(sp.hstack([hashed, sp.csr_matrix(counted), sp.csr_matrix(stars)]).tocsr())
    return sp.vstack(blocks).tocsr()


def tasks(examples: Sequence[Example]) -> list[Task]:
    """One task a head, in the order of `heads.HEADS`."""
    stars = np.array([example.stars or 0 for example in examples])
    rated = (stars > 0) & (stars != 3)
    problem = np.array([bool(example.problem) for example in examples])
    request = np.array([bool(example.request) for example in examples])
    own = np.array([example.corpus == "own" for example in examples])
    known = np.array([example.problem is not None for example in examples])
    # Maalej's labels follow other rules than MiniBAR's and ours; crossed sentences are all alike.
    weights = {"maalej": 0.1, "written": 0.5, "own": 0.03}
    loose = np.array([weights.get(example.corpus, 1.0) for example in examples])
    praise = ~problem & ~request & (stars >= 4)
    rightly = known & np.array([example.corpus not in ("maalej", "own") for example in examples])
    found = {"sentiment": Task("sentiment", rated, stars > 3, _balanced(examples, rated, stars > 3), 0.15, False)}
    for suffix in ("", "_stars"):
        # Crossed sentences only where the words of a bank must do it all: they have no real stars.
        chosen = known & ~own if suffix else known
        found[f"problem{suffix}"] = Task(f"problem{suffix}", chosen, problem, loose, 1.0, bool(suffix))
        found[f"request{suffix}"] = Task(f"request{suffix}", chosen, request, loose, 1.0, bool(suffix))
        found[f"praise{suffix}"] = Task(f"praise{suffix}", rightly, praise, loose, 1.0, bool(suffix))
    return [found[name] for name in heads.HEADS]


def _balanced(examples: Sequence[Example], rated: Bools, positive: Bools) -> Floats:
    """Weights that make both classes equal in each app and language, so that no app's mix is learnt as a language's.

    Without it the commonest French words carry the happiness of one French app: unseen app .839, with it .871.
    French counts four times, for there is fifteen times less of it; hand-crossed sentences a quarter.
    """
    groups = np.array([f"{example.app} {example.language == 'fr'}" for example in examples])
    weight = np.array([4.0 if example.language == "fr" else 1.0 for example in examples])
    for group in sorted(set(groups)):
        for side in (True, False):
            rows = rated & (groups == group) & (positive == side)
            if rows.any():
                weight[rows] *= min(0.5 * (rated & (groups == group)).sum() / rows.sum(), 4.0)
    return np.where(np.array([example.corpus == "own" for example in examples]), 0.25 * weight, weight)


def fit(matrix: sp.csr_matrix, task: Task, rows: NDArray[np.int64]) -> Floats:
    """Weights of one head and its bias at the end, fitted on some rows. Columns it may not read stay at zero."""
    width = matrix.shape[1] if task.stars else matrix.shape[1] - len(heads.STAR_NAMES)
    model = LogisticRegression(C=task.penalty, solver="liblinear", dual=True, tol=0.01, max_iter=300, random_state=0)
    model.fit(matrix[rows, :width], task.label[rows], sample_weight=task.weight[rows])
    weights = np.zeros(matrix.shape[1] + 1)
    weights[:width] = model.coef_[0]
    weights[-1] = model.intercept_[0]
    return weights


Scores = Callable[[NDArray[np.int64], NDArray[np.int64]], Floats]
"""Scores of the second rows by a model that saw the first."""


def out_of_app(scores: Scores, task: Task, apps: NDArray[np.str_], measured: Bools) -> Floats:
    """Score of every row of the measured apps by a model that saw nothing of its app (not-a-number elsewhere)."""
    found = np.full(len(apps), np.nan)
    for app in sorted(set(apps[measured]) - {"own"}):
        held = np.flatnonzero(task.chosen & (apps == app))
        found[held] = scores(np.flatnonzero(task.chosen & (apps != app)), held)
    return found


def by_halves(scores: Scores, chosen: Bools, half: Bools) -> Floats:
    """Score of every chosen row by a model of the other half (not-a-number elsewhere): thresholds are found on it."""
    found = np.full(len(half), np.nan)
    for side in (True, False):
        held = np.flatnonzero(chosen & (half == side))
        found[held] = scores(np.flatnonzero(chosen & (half != side)), held)
    return found


def calibrate(scores: Floats, labels: Bools, weight: Floats) -> tuple[float, float]:
    """Slope and offset of a logistic curve from score to probability (Platt 1999), on held-out scores."""
    model = LogisticRegression(C=1e6).fit(scores[:, None], labels, sample_weight=weight)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def best_cut(scores: Floats, label: Bools) -> float:
    """Score of best F1, among 97 quantiles."""
    grid = np.quantile(scores, np.linspace(0.02, 0.98, 97))
    return float(max(grid, key=lambda cut: f1_score(label, scores > cut)))


def digest(examples: Sequence[Example]) -> str:
    """Hash of the training set: what the model was made from."""
    total = hashlib.sha256()
    for example in examples:
        total.update(repr(example).encode("utf-8", "surrogatepass"))
    return total.hexdigest()[:12]


def gather(folder: Path) -> list[Example]:
    """The training set: public reviews, with our labels on some, and our own sentences."""
    public = [example for corpus in _CORPORA for example in corpora.read(folder, corpus)]
    return [
        *labelled.lay_over(public, labelled.reviews(folder)),
        *corpora.own(),
        *(sentence.example() for sentence in labelled.sentences()),
    ]


def train(folder: Path, output: Path, say: Callable[[str], None]) -> None:
    """Fit every head, write model.npz and model.json to `output`, and say how well each does on unseen apps."""
    examples = gather(folder)
    matrix = represent(examples)
    apps = np.array([example.app for example in examples])
    languages = np.array([example.language for example in examples])
    weights, slopes, offsets = [], [], []
    readers = {name: _Reader() for name in ("", _WITH)}
    minibar = np.array([example.corpus == "minibar" for example in examples])
    half = np.array([hashlib.sha256(_plain(example.text)).digest()[0] % 2 == 0 for example in examples])
    table = train_second.represent(examples, matrix[:, features.BUCKETS :].toarray())
    if table is None:
        say("the encoder is not installed: the second reader stays as it is")
    report: dict[str, float] = {}
    joined = []
    for task in tasks(examples):
        measured = task.chosen & (apps != "own") if task.name == "sentiment" else task.chosen & minibar
        pair = _Pair(_first(matrix, task), _second(table, task) if table is not None else None)
        unseen, calibrated = pair.out_of_app(task, apps, measured)
        slope, offset = calibrated[""]
        if table is not None and pair.mixed is not None:
            there = table.fit(task.name, task.label, task.weight, np.flatnonzero(task.chosen))
            joined.append(train_second.join(pair.mixed, there, calibrated[""], calibrated[_WITH]))
        if task.name == "sentiment":
            for reader, scores in unseen.items():
                chance = heads.sigmoid(calibrated[reader][0] * scores + calibrated[reader][1])
                _report_sentiment(reader, chance, task, apps, languages, report)
        else:
            pair.find_cuts(task, apps, measured, half, unseen, calibrated, readers)
        weights.append(fit(matrix, task, np.flatnonzero(task.chosen)))
        slopes.append(slope)
        offsets.append(offset)
    for name, judged in readers.items():
        if judged.told:
            _report_intent(name, judged.told, examples, report)
    _report_insurance(folder, weights[0], report)
    for name, value in report.items():
        say(f"{name:75s} {value:.4f}")
    thresholds, made_from = readers[""].thresholds, digest(examples)
    _write(output, np.array(weights), np.array(slopes), np.array(offsets), thresholds, report, made_from)
    if table is not None:
        train_second.write(output, joined, readers[_WITH].thresholds, thresholds, made_from)
    say(f"wrote the models to {output} from {len(examples)} texts")


_WITH = " with the encoder"


@dataclass
class _Reader:
    """Thresholds of a reader, and what it told of each example of an app that it never saw."""

    thresholds: dict[str, float] = field(default_factory=dict)
    told: dict[str, Bools] = field(default_factory=dict)


@dataclass
class _Pair:
    """The first reader of a head, and the second mixed with it where there is an encoder."""

    first: Scores
    second: Scores | None
    mixed: train_second.Mix | None = None

    def out_of_app(
        self, task: Task, apps: NDArray[np.str_], measured: Bools
    ) -> tuple[dict[str, Floats], dict[str, tuple[float, float]]]:
        """Scores of each reader for apps that it never saw, and their calibration; sets how both are mixed."""
        found = {"": out_of_app(self.first, task, apps, measured)}
        if self.second is not None:
            alone = out_of_app(self.second, task, apps, measured)
            self.mixed = train_second.mix(task.name, found[""][measured], alone[measured])
            found[_WITH] = self.mixed.of(found[""], alone)
        known = {reader: measured & ~np.isnan(scores) for reader, scores in found.items()}
        return found, {
            reader: calibrate(scores[known[reader]], task.label[known[reader]], task.weight[known[reader]])
            for reader, scores in found.items()
        }

    def find_cuts(
        self,
        task: Task,
        apps: NDArray[np.str_],
        measured: Bools,
        half: Bools,
        unseen: dict[str, Floats],
        calibrated: dict[str, tuple[float, float]],
        readers: dict[str, _Reader],
    ) -> None:
        """Where an intent is told: for each held app from the others, and for the shipped model from all."""
        for held in (*sorted(set(apps[measured])), ""):
            here = measured & (apps != held)
            for reader, scores in self.by_halves(task.chosen & (apps != held), half).items():
                cut = best_cut(scores[here], task.label[here])
                if held:
                    told = readers[reader].told.setdefault(task.name, np.zeros(len(apps), dtype=bool))
                    told |= (apps == held) & (unseen[reader] > cut)
                else:
                    slope, offset = calibrated[reader]
                    chance = heads.sigmoid(np.array([slope * cut + offset]))
                    readers[reader].thresholds[task.name] = round(float(chance[0]), 4)

    def by_halves(self, chosen: Bools, half: Bools) -> dict[str, Floats]:
        """Scores of each reader by a model of the other half."""
        found = {"": by_halves(self.first, chosen, half)}
        if self.second is not None and self.mixed is not None:
            found[_WITH] = self.mixed.of(found[""], by_halves(self.second, chosen, half))
        return found


def _first(matrix: sp.csr_matrix, task: Task) -> Scores:
    def scores(seen: NDArray[np.int64], read: NDArray[np.int64]) -> Floats:
        weights = fit(matrix, task, seen)
        found: Floats = matrix[read] @ weights[:-1] + weights[-1]
        return found

    return scores


def _second(table: train_second.Table, task: Task) -> Scores:
    return lambda seen, read: table.scores(task.name, task.label, task.weight, seen, read)


def _plain(text: str) -> bytes:
    return " ".join(text.lower().split()).encode("utf-8", "replace")


def _report_sentiment(
    reader: str,
    probability: Floats,
    task: Task,
    apps: NDArray[np.str_],
    languages: NDArray[np.str_],
    report: dict[str, float],
) -> None:
    for app in sorted(set(apps[task.chosen]) - {"own"}):
        for language in ("fr", "en"):
            rows = np.flatnonzero(task.chosen & (apps == app) & (languages == language) & ~np.isnan(probability))
            if len(rows) > 100:
                report[f"sentiment AUC{reader}, unseen {app}, {language}"] = float(
                    roc_auc_score(task.label[rows], probability[rows])
                )
                report[f"sentiment accuracy{reader}, unseen {app}, {language}"] = float(
                    np.mean((probability[rows] > 0.5) == task.label[rows])
                )


def _report_insurance(folder: Path, weights: Floats, report: dict[str, float]) -> None:
    """Another trade altogether, never trained on (its licence does not allow it): French insurance reviews."""
    examples = [e for e in corpora.read(folder, "insurance_fr") if e.stars != 3]
    if examples:
        score = represent(examples) @ weights[:-1] + weights[-1]
        label = np.array([(example.stars or 0) > 3 for example in examples])
        report["sentiment AUC, insurance, fr"] = float(roc_auc_score(label, score))
        report["sentiment accuracy, insurance, fr"] = float(np.mean((score > 0) == label))


def _report_intent(reader: str, told: dict[str, Bools], examples: Sequence[Example], report: dict[str, float]) -> None:
    for suffix in ("", "_stars"):
        for app in ("Garmin Connect", "Huawei Health"):
            for language in ("fr", "en"):
                rows = np.array(
                    [
                        e.corpus == "minibar" and e.app == app and (e.language == "fr") == (language == "fr")
                        for e in examples
                    ]
                )
                problem = np.array([bool(e.problem) for e in examples])[rows]
                request = np.array([bool(e.request) for e in examples])[rows]
                saw_problem, saw_request = told[f"problem{suffix}"][rows], told[f"request{suffix}"][rows]
                each = [
                    f1_score(problem, saw_problem),
                    f1_score(request, saw_request),
                    f1_score(~problem & ~request, ~saw_problem & ~saw_request),
                ]
                name = f"intent{suffix}{reader} macro-F1, unseen {app}, {language}"
                report[name] = float(np.mean(each))
                report[f"  problem / {name}"], report[f"  request / {name}"], report[f"  neither / {name}"] = map(
                    float, each
                )


def _write(
    output: Path,
    weights: Floats,
    slopes: Floats,
    offsets: Floats,
    thresholds: dict[str, float],
    report: dict[str, float],
    made_from: str,
) -> None:
    hashed = weights[:, : features.BUCKETS].T.astype(np.float16)
    dense = weights[:, features.BUCKETS : -1].T.astype(np.float32)
    output.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        output / "model.npz", hashed=hashed, dense=dense, bias=weights[:, -1], slope=slopes, offset=offsets
    )
    fingerprint = hashlib.sha256(hashed.tobytes() + dense.tobytes()).hexdigest()[:8]
    about = {
        "version": f"1-{fingerprint}",
        "training_set": made_from,
        "heads": heads.HEADS,
        "dense": heads.DENSE_NAMES,
        "thresholds": thresholds,
        "unseen_apps": {name: round(value, 4) for name, value in report.items()},
    }
    (output / "model.json").write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", "utf-8")


def main() -> None:
    """Read the command line and train."""
    parser = argparse.ArgumentParser(prog="python -m analysis.train", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with a folder per corpus")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "data", help="where the model files go")
    arguments = parser.parse_args()
    train(arguments.data, arguments.output, print)


if __name__ == "__main__":
    main()
