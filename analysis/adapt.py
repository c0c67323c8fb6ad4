"""Adapting the shipped models to an installation's own stars and corrections, with numpy alone.

A head's new weights are the old ones plus a small change: the change minimises the logistic loss on the installation's
verbatims plus a penalty on its size (L-BFGS; Nocedal and Wright, Numerical Optimization, 2006, algorithm 7.4), so that
little data changes little. What is better is decided on verbatims that took no part. Deterministic.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis import clauses, features, heads, lexicon
from analysis.heads import HEADS, Model
from analysis.tokens import tokenise

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

LEAST = 300
"""Verbatims that a head needs to be adapted by stars."""

LEAST_CORRECTED = 30
"""Corrections that an intent needs; each needs `LEAST_EACH` for and against."""

LEAST_EACH = 8
_CORRECTED = 5.0  # how much more a correction weighs than a star
_PENALTIES = (3.0, 12.0, 48.0)
_BATCH = 2_000
_MEMORY = 8


@dataclass(frozen=True, slots=True)
class Known:
    """A verbatim with what is known of it: its stars, and what a person said of it (None: nothing)."""

    text: str
    language: str
    stars: int | None = None
    label: str | None = None
    intents: tuple[str, ...] | None = None

    @property
    def held(self) -> bool:
        """Whether it is kept back to measure on: a fifth, by its words, so that repeated words are on one side."""
        plain = " ".join(self.text.lower().split())
        return hashlib.md5(plain.encode("utf-8", "replace"), usedforsecurity=False).digest()[0] % 5 == 0


@dataclass(frozen=True, slots=True)
class Figures:
    """How well a model does on held-back verbatims: `n` of them, accuracy, and mean logistic loss."""

    n: int
    accuracy: float
    loss: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one head: its figures before and after on held-back verbatims, or how many more it needs."""

    head: str
    before: Figures | None = None
    after: Figures | None = None
    lacking: int = 0
    kept: bool = False


@dataclass(frozen=True, slots=True)
class _Table:
    """Features of verbatims: entries (row, bucket, value), and dense columns."""

    row: Ints
    bucket: Ints
    value: Floats
    dense: Floats

    def scores(self, hashed: Floats, dense: Floats, bias: float) -> Floats:
        found = np.bincount(self.row, hashed[self.bucket] * self.value, len(self.dense))
        total: Floats = found + self.dense @ dense + bias
        return total

    def only(self, rows: Ints) -> "_Table":
        place = np.full(len(self.dense), -1, dtype=np.int64)
        place[rows] = np.arange(len(rows))
        kept = place[self.row] >= 0
        return _Table(place[self.row[kept]], self.bucket[kept], self.value[kept], self.dense[rows])


def adapt(
    model: Model, known: Sequence[Known], tell: Callable[[Outcome], object] = lambda _: None
) -> tuple[Model, list[Outcome]]:
    """The model with every head replaced that became better on held-back verbatims, and what became of each head.

    `tell` is told each outcome as soon as it is known.
    """
    outcomes: list[Outcome] = []
    table = None
    hashed, dense = model.hashed.copy(), model.dense.copy()
    bias, slope, offset = model.bias.copy(), model.slope.copy(), model.offset.copy()
    for place, head in enumerate(HEADS):
        chosen, label, weight = _examples(head, known)
        held = np.array([known[i].held for i in chosen], dtype=bool)
        lacking = _lacking(head, label, held)
        if lacking:
            outcomes.append(Outcome(head, lacking=lacking))
            tell(outcomes[-1])
            continue
        table = table if table is not None else _represent(known)
        part = table.only(chosen)
        if not head.endswith("_stars"):
            part.dense[:, -len(heads.STAR_NAMES) :] = 0
        fitted = _fit_head(model, place, part, label, weight, held)
        before = _figures(model.slope[place], model.offset[place], _old(model, place, part), label, weight, held)
        after = _figures(
            fitted.slope, fitted.offset, part.scores(fitted.hashed, fitted.dense, fitted.bias), label, weight, held
        )
        better = after.loss < before.loss * 0.995 and after.accuracy >= before.accuracy
        outcomes.append(Outcome(head, before, after, kept=better))
        tell(outcomes[-1])
        if better:
            hashed[place], dense[:, place], bias[place] = fitted.hashed, fitted.dense, fitted.bias
            slope[place], offset[place] = fitted.slope, fitted.offset
    if not any(one.kept for one in outcomes):
        return model, outcomes
    fingerprint = hashlib.sha256(hashed.astype(np.float16).tobytes() + dense.tobytes() + bias.tobytes()).hexdigest()[:8]
    base = model.version.partition("+")[0]
    new = replace(
        model, version=f"{base}+{fingerprint}", hashed=hashed, dense=dense, bias=bias, slope=slope, offset=offset
    )
    return new, outcomes


def pack(model: Model, outcomes: Sequence[Outcome], learnt: str = "") -> bytes:
    """A model as a zip of the files that `heads.read` wants, with `learnt`, the phrases that came with it (YAML)."""
    weights = io.BytesIO()
    np.savez_compressed(
        weights, hashed=model.hashed.T.astype(np.float16), dense=model.dense, bias=model.bias,
        slope=model.slope, offset=model.offset,
    )  # fmt: skip
    about = {
        "version": model.version,
        "heads": HEADS,
        "dense": heads.DENSE_NAMES,
        "thresholds": dict(model.thresholds),
        "adapted": {
            one.head: {"before": round(one.before.loss, 4), "after": round(one.after.loss, 4), "kept": one.kept}
            for one in outcomes
            if one.before and one.after
        },
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as folder:
        folder.writestr("model.json", json.dumps(about, indent=1) + "\n")
        folder.writestr("model.npz", weights.getvalue())
        folder.writestr("topics.yaml", learnt)
    return packed.getvalue()


def _examples(head: str, known: Sequence[Known]) -> tuple[Ints, Bools, Floats]:
    """Which verbatims say something about a head, what, and how much it weighs."""
    chosen, label, weight = [], [], []
    name, _, stars = head.partition("_")
    for number, one in enumerate(known):
        if head == "sentiment":
            if one.label in ("negative", "positive"):
                said, heavy = one.label == "positive", _CORRECTED
            elif one.label is None and one.stars in (1, 2, 4, 5):
                said, heavy = one.stars > 3, 1.0
            else:
                continue
        elif one.intents is None or (stars and one.stars is None):
            continue
        else:
            said, heavy = name in one.intents, 1.0
        chosen.append(number)
        label.append(said)
        weight.append(heavy)
    found, weights = np.array(label, dtype=bool), np.array(weight, dtype=np.float64)
    for side in (True, False):
        if (found == side).any():
            weights[found == side] *= min(0.5 * weights.sum() / weights[found == side].sum(), 4.0)
    return np.array(chosen, dtype=np.int64), found, weights


def _lacking(head: str, label: Bools, held: Bools) -> int:
    """How many more verbatims a head needs before it can be adapted and judged."""
    least = LEAST if head == "sentiment" else LEAST_CORRECTED
    rare = min(int((label & ~held).sum()), int((~label & ~held).sum())) if len(label) else 0
    rare_held = min(int((label & held).sum()), int((~label & held).sum())) if len(label) else 0
    return max(least - len(label), LEAST_EACH - rare, 3 - rare_held, 0)


def _represent(known: Sequence[Known]) -> _Table:
    """Features as `understand` makes them, one row a verbatim."""
    rows, buckets, values, dense = [], [], [], []
    languages = lexicon.LANGUAGES
    for start in range(0, len(known), _BATCH):
        batch = known[start : start + _BATCH]
        tokens = tokenise([one.text for one in batch])
        spoken = np.array([languages.index(one.language) if one.language in languages else 0 for one in batch])
        cues = lexicon.find(tokens, spoken)
        parts = clauses.cut(tokens, cues)
        found = features.extract(tokens, parts.of, cues.wrapped)
        where, value = found.values(parts.doc, len(batch))
        rows.append(where + start)
        buckets.append(found.bucket)
        values.append(value)
        counted = heads.dense_features(lexicon.measure(tokens, cues, tokens.doc, len(batch)))
        stars = heads.star_features(np.array([one.stars or 0 for one in batch]))
        dense.append(np.hstack([counted, stars]).astype(np.float64))
    return _Table(np.concatenate(rows), np.concatenate(buckets), np.concatenate(values), np.vstack(dense))


@dataclass(frozen=True, slots=True)
class _Fitted:
    hashed: Floats
    dense: Floats
    bias: float
    slope: float
    offset: float


def _old(model: Model, place: int, part: _Table) -> Floats:
    return part.scores(
        model.hashed[place].astype(np.float64), model.dense[:, place].astype(np.float64), float(model.bias[place])
    )


def _fit_head(model: Model, place: int, part: _Table, label: Bools, weight: Floats, held: Bools) -> _Fitted:
    """Choose the penalty and calibrate on a fifth of what is not held back, then fit on all of that."""
    free = np.flatnonzero(~held)
    inner = free[np.arange(len(free)) % 5 == 0]
    outer = free[np.arange(len(free)) % 5 != 0]
    old = _old(model, place, part)
    best: tuple[float, float, float, float] | None = None
    for penalty in _PENALTIES:
        change = _change(part.only(outer), old[outer], label[outer], weight[outer], penalty)
        scores = old[inner] + _applied(part.only(inner), change)
        slope, offset = _platt(
            scores, label[inner], weight[inner], float(model.slope[place]), float(model.offset[place])
        )
        loss = _loss(slope * scores + offset, label[inner], weight[inner])
        if best is None or loss < best[0] - 1e-9:
            best = (loss, penalty, slope, offset)
    assert best is not None, "there are penalties"
    change = _change(part.only(free), old[free], label[free], weight[free], best[1])
    size = features.BUCKETS
    return _Fitted(
        (model.hashed[place] + change[:size]).astype(np.float16).astype(np.float64),
        (model.dense[:, place] + change[size:-1]).astype(np.float32).astype(np.float64),
        float(model.bias[place] + change[-1]),
        best[2],
        best[3],
    )


def _applied(part: _Table, change: Floats) -> Floats:
    return part.scores(change[: features.BUCKETS], change[features.BUCKETS : -1], float(change[-1]))


def _change(part: _Table, old: Floats, label: Bools, weight: Floats, penalty: float) -> Floats:
    """The change of the weights: minimise Σ w log(1 + e^(−y z)) + penalty/2 |change|², z = old + X · change."""
    sign = np.where(label, 1.0, -1.0)
    active, place = np.unique(part.bucket, return_inverse=True)  # what is never said keeps its weight
    size = len(active)

    def slope_at(x: Floats) -> tuple[float, Floats]:
        found = np.bincount(part.row, x[place] * part.value, len(old))
        margin = sign * (old + found + part.dense @ x[size:-1] + x[-1])
        loss = float(weight @ np.logaddexp(0, -margin)) + 0.5 * penalty * float(x @ x)
        pull = -sign * weight * heads.sigmoid(-margin)
        gradient = penalty * x
        gradient[:size] += np.bincount(place, pull[part.row] * part.value, size)
        gradient[size:-1] += part.dense.T @ pull
        gradient[-1] += pull.sum()
        return loss, gradient

    x = np.zeros(size + part.dense.shape[1] + 1)
    loss, gradient = slope_at(x)
    past: list[tuple[Floats, Floats, float]] = []
    for _ in range(40):
        step, alphas = -gradient, []
        for s, y, rho in reversed(past):
            alpha = rho * float(s @ step)
            alphas.append(alpha)
            step = step - alpha * y
        if past:
            s, y, _rho = past[-1]
            step = step * (float(s @ y) / float(y @ y))
        else:
            step = step / max(float(np.linalg.norm(gradient)), 1.0)
        for (s, y, rho), alpha in zip(past, reversed(alphas), strict=True):
            step = step + (alpha - rho * float(y @ step)) * s
        slope, length = float(gradient @ step), 1.0
        for _try in range(20):
            found, there = slope_at(x + length * step)
            if found <= loss + 1e-4 * length * slope:
                break
            length /= 2
        else:
            break
        moved, turned = length * step, there - gradient
        if float(moved @ turned) > 1e-12:
            past = [*past[-_MEMORY + 1 :], (moved, turned, 1 / float(moved @ turned))]
        done = loss - found < 1e-5 * abs(loss)
        x, loss, gradient = x + moved, found, there
        if done:
            break
    whole = np.zeros(features.BUCKETS + part.dense.shape[1] + 1)
    whole[active], whole[features.BUCKETS :] = x[:size], x[size:]
    return whole


def _platt(scores: Floats, label: Bools, weight: Floats, slope: float, offset: float) -> tuple[float, float]:
    """Slope and offset of probability = sigmoid(slope × score + offset), by Newton steps drawn towards the old ones."""
    x = np.array([slope, offset])
    start, columns = x.copy(), np.stack([scores, np.ones(len(scores))], axis=1)
    for _ in range(25):
        p = heads.sigmoid(columns @ x)
        gradient = columns.T @ (weight * (p - label)) + 2.0 * (x - start)
        curve = columns.T @ (columns * (weight * p * (1 - p))[:, None]) + 2.0 * np.eye(2)
        step = np.linalg.solve(curve, gradient)
        x = x - np.clip(step, -1, 1)
        if float(np.abs(step).max()) < 1e-9:
            break
    return (float(x[0]), float(x[1])) if x[0] > 0.05 else (slope, offset)


def _loss(z: Floats, label: Bools, weight: Floats) -> float:
    return float(weight @ np.logaddexp(0, np.where(label, -z, z)) / weight.sum())


def _figures(slope: float, offset: float, scores: Floats, label: Bools, weight: Floats, held: Bools) -> Figures:
    z = (slope * scores + offset)[held]
    accuracy = float(weight[held] @ ((z > 0) == label[held]) / weight[held].sum())
    return Figures(int(held.sum()), accuracy, _loss(z, label[held], weight[held]))


__all__ = ["LEAST", "LEAST_CORRECTED", "Figures", "Known", "Outcome", "adapt", "pack"]
