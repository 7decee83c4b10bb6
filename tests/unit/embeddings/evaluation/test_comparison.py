from dataclasses import replace

import numpy as np
import pytest

from embeddings.baselines.ease_with_content import EaseWithContent, EaseWithContentConfig
from embeddings.data.dataset import Dataset, Histories
from embeddings.data.splits import random_split
from embeddings.evaluation.comparison import groups_by_history, tabulate
from embeddings.evaluation.experiment import Experiment, ExperimentResults
from embeddings.evaluation.trials import OURS, Result, Trial, split_tasks
from embeddings.scorers.ease import Ease, EaseConfig
from kg.errors import UsageError


@pytest.fixture(scope="module")
def compared(snapshot, text):
    """The right answer as `trailmix`, a random one, and the wrong one."""
    valid, test = split_tasks(
        Dataset.from_snapshot(snapshot, text), random_split(snapshot.interactions, seed=2)
    )
    asking = np.flatnonzero(np.diff(test.relevant.indptr))
    right = test.relevant[asking].toarray()
    scores = {OURS: right, "random": np.random.default_rng(0).random(right.shape), "wrong": -right}

    def result(name, matrix):
        ranking = test.measure(lambda _histories: matrix, 3, 5)
        return Result(name, EaseConfig(), ranking, {"old items": ranking})

    trial = Trial("random", valid, test, {"old items": test})
    experiment = Experiment([trial], snapshot.users.ids, snapshot.items.ids)
    return ExperimentResults(experiment, [[result(name, matrix)] for name, matrix in scores.items()])


@pytest.fixture(scope="module")
def table(compared):
    trial, results = compared.by_trial()[0]
    return tabulate(trial, results, OURS)


def test_the_best_other_method_is_the_baseline(table) -> None:
    assert table.baseline == "random"
    ours, other, worst = table.rows
    assert other.versus is None
    assert ours.ndcg.value == 1.0
    assert ours.versus.difference.value == pytest.approx(1.0 - other.ndcg.value)
    assert worst.versus.ratio.high < 1 < ours.versus.ratio.low
    assert sum(group.users for group in ours.groups) == table.users


def test_each_part_has_a_baseline_of_its_own(compared) -> None:
    """Of the old items the wrong method finds what the right one finds of all, and the other way round."""
    trial, (ours, random, wrong) = compared.by_trial()[0]
    swapped = replace(wrong, parts={"old items": ours.ranking})
    found = tabulate(trial, [replace(ours, parts={"old items": wrong.ranking}), random, swapped], OURS)
    assert found.baseline == "random"
    ours_of_part, *others = (row.versus_by_part["old items"] for row in found.rows)
    assert [versus and versus.baseline for versus in others] == ["wrong", None]
    assert ours_of_part.difference.value == pytest.approx(found.rows[2].ndcg.value - 1.0)
    named = tabulate(trial, [ours, random, swapped], OURS, against="random")
    assert named.rows[1].versus_by_part == {"old items": None}


def test_a_baseline_that_is_not_there_is_named(compared) -> None:
    trial, results = compared.by_trial()[0]
    assert tabulate(trial, results, OURS, against="wrong").baseline == "wrong"
    with pytest.raises(UsageError, match="'als' is not measured; there are trailmix, random, wrong"):
        tabulate(trial, results, OURS, against="als")


def test_thirds_of_users_by_history() -> None:
    groups = groups_by_history(np.array([1, 9, 2, 3, 4, 5]))
    assert {name: np.flatnonzero(mask).tolist() for name, mask in groups.items()} == {
        "1-2 events": [0, 2],
        "3-4 events": [3, 4],
        "5-9 events": [1, 5],
    }
    assert list(groups_by_history(np.array([5, 5, 5]))) == ["5 events"]
    assert groups_by_history(np.zeros(0, np.int64)) == {}


def test_a_new_item_has_the_scores_of_those_nearest(dataset) -> None:
    """Nobody is left to like item 0; the even items are near it in text and genre, the odd ones are not."""
    part = dataset.select_events(dataset.events.item != 0)
    config = EaseWithContentConfig(neighbours=3, regularisation=10.0, scale=2.0)
    extrapolated, ease = (
        EaseWithContent.fit(part, config),
        Ease.fit(part, EaseConfig(10.0)),
    )
    asked = Histories.of([[2, 4], [1, 3]], dataset.n_items)
    scores, plain = extrapolated.score(asked), ease.score(asked)
    assert (scores[:, 1:] == plain[:, 1:]).all()
    row = extrapolated.extrapolation[[0]].toarray()[0]
    assert set(np.flatnonzero(row)) <= set(range(2, 12, 2))
    assert row.sum() == pytest.approx(2.0)
    assert scores[:, 0] == pytest.approx(plain @ row, rel=1e-5)
    assert scores[0, 0] > scores[1, 0]
