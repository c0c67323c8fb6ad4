"""Rebuild the head of the encoder: `python -m analysis.train_embeddings --data FOLDER`.

Stars of 6,600 French and English reviews, as many good as bad ones of each app. Prints the AUC on French for a head
that saw English only: what another language may expect.
"""

import argparse
import json
import random
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from analysis import corpora, embeddings

_PARTS = (
    ("minibar", "fr", "Garmin Connect", 1500),
    ("minibar", "fr", "Huawei Health", 1500),
    ("minibar", "en", "Garmin Connect", 700),
    ("minibar", "en", "Huawei Health", 700),
    ("playstore_en", "en", "", 2000),
    ("maalej", "en", "", 600),
)


def main() -> None:
    """Read the command line, fit, print, write analysis/data/embedding_head.json."""
    parser = argparse.ArgumentParser(prog="python -m analysis.train_embeddings", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    arguments = parser.parse_args()
    chance = random.Random(3)  # noqa: S311  a sample, not a secret
    rows: list[corpora.Example] = []
    for corpus, language, app, count in _PARTS:
        found = [
            one
            for one in corpora.read(arguments.data, corpus)
            if one.language == language and one.stars in (1, 2, 4, 5) and len(one.text) >= 8 and app in ("", one.app)
        ]
        for good in (True, False):
            side = [one for one in found if ((one.stars or 0) > 3) == good]
            chance.shuffle(side)
            rows += side[: count // 2]
    vectors = embeddings.installed().vectors([one.text for one in rows])
    if vectors is None:
        raise SystemExit("the encoder is not installed")
    save(vectors, np.array([(one.stars or 0) > 3 for one in rows]), np.array([one.language == "fr" for one in rows]))


def save(vectors: np.ndarray, good: np.ndarray, french: np.ndarray) -> None:
    """Fit and write."""
    english = LogisticRegression(C=1.0, max_iter=500).fit(vectors[~french], good[~french])
    across = float(roc_auc_score(good[french], english.decision_function(vectors[french])))
    print(f"AUC on French, learnt from English alone: {across:.4f}")  # noqa: T201  a command's answer
    head = LogisticRegression(C=1.0, max_iter=500).fit(vectors, good)
    about = {
        "weights": [round(float(weight), 5) for weight in head.coef_[0]],
        "bias": round(float(head.intercept_[0]), 5),
        "english_to_french_auc": round(across, 4),
    }
    (Path(__file__).parent / "data" / "embedding_head.json").write_text(json.dumps(about) + "\n", "utf-8")


if __name__ == "__main__":
    main()
