"""What the shipped models learn from: whose labels, at what weight, and never the measured app."""

import numpy as np
import pytest

from analysis.corpora import Example
from tests.analysis.shared import DATA

train = pytest.importorskip("analysis.train", reason="needs the dependency group train")
train_second = pytest.importorskip("analysis.train_second", reason="needs the dependency group train")


def test_labelled_reviews_of_large_corpora_are_all_read_by_the_second_reader() -> None:
    texts = [f"review {number}" for number in range(60)]
    labelled = [Example(text, "en", "netflix", "playstore_en", 2, problem=True, request=False) for text in texts]
    unlabelled = [Example(text, "en", "netflix", "playstore_en", 2) for text in texts]
    assert all(map(train_second._is_read, labelled))
    assert 5 < sum(map(train_second._is_read, unlabelled)) < 40


def test_labels_weigh_by_how_near_their_rules_are_and_praise_is_learnt_from_all_but_maalej() -> None:
    examples = [
        Example("a", "fr", "Garmin Connect", "minibar", 5, problem=False, request=False),
        Example("b", "en", "netflix", "playstore_en", 1, problem=True, request=False),
        Example("c", "en", "maalej", "maalej", 5, problem=False, request=False),
        Example("d", "fr", "own", "written", 4, problem=False, request=True),
        Example("e", "en", "spotify", "playstore_en", 5),
        Example("f", "fr", "own", "own", 1, problem=True, request=False),
    ]
    found = {task.name: task for task in train.tasks(examples)}
    assert found["problem_stars"].chosen.tolist() == [True, True, True, True, False, False]
    assert found["problem"].chosen.tolist() == [True, True, True, True, False, True]
    assert found["praise_stars"].chosen.tolist() == [True, True, False, True, False, False]
    weight = found["request"].weight
    assert weight[0] == weight[1] > weight[3] > weight[2] > weight[5]


def test_scores_out_of_app_are_made_for_measured_apps_alone_by_models_that_did_not_see_them() -> None:
    apps = np.array(["one", "one", "two", "own"])
    task = train.Task("problem", np.ones(4, dtype=bool), np.array([True, False, True, False]), np.ones(4), 1.0, False)
    seen_by: dict[str, set[str]] = {}

    def scores(seen: np.ndarray, read: np.ndarray) -> np.ndarray:
        seen_by[apps[read[0]]] = set(apps[seen])
        return np.zeros(len(read))

    found = train.out_of_app(scores, task, apps, np.array([True, True, False, False]))
    assert seen_by == {"one": {"two", "own"}}
    assert np.isnan(found).tolist() == [False, False, True, True]


@pytest.mark.shared
def test_every_labelled_review_and_written_sentence_is_learnt_from_once() -> None:
    if not (DATA / "playstore_en").is_dir():
        pytest.skip("needs ../shared/data/playstore_en")
    known = [one for one in train.gather(DATA) if one.problem is not None]
    ours = [one for one in known if one.corpus in ("playstore_en", "viber")]
    assert len(ours) == 1_000
    assert len({(one.text, one.app) for one in ours}) == 1_000
    assert sum(one.corpus == "written" for one in known) > 1_000
