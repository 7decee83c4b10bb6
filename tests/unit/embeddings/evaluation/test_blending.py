"""How the baseline `blend` is chosen, on the checkerboard and on scores given by hand."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from fake_scorers import FixedScores

from embeddings.baselines.blend import COMPONENTS, Blend, BlendConfig, Component
from embeddings.data.dataset import Dataset, Histories
from embeddings.data.splits import random_split
from embeddings.evaluation import blending
from embeddings.evaluation.blending import choose_blend, validation_queries
from embeddings.evaluation.trials import Task, Trial, measure_scorer, named_method, split_tasks
from embeddings.scorers.ease import Ease, EaseConfig
from embeddings.scorers.popularity import Popularity, PopularityConfig
from kg.progress import silent


@pytest.fixture(scope="module")
def trial(snapshot, text) -> Trial:
    whole = Dataset.from_snapshot(snapshot, text)
    return Trial("board", *split_tasks(whole, random_split(snapshot.interactions, seed=2)))


def test_the_score_is_the_weighted_mean_of_the_components_scores(dataset) -> None:
    """Every item of the checkerboard has interactions, so scores are standardized over all of them."""
    config = BlendConfig(
        (
            Component("ease", EaseConfig(1.0), 0.75),
            Component("popularity", PopularityConfig(), 0.25),
            Component("svd", None, 0.0),  # no weight: not even fitted
        )
    )
    histories = Histories.of([[0, 2], [1]], dataset.n_items)
    expected = np.zeros((2, dataset.n_items))
    for weight, scorer in ((0.75, Ease.fit(dataset, EaseConfig(1.0))), (0.25, Popularity.fit(dataset, None))):
        own = scorer.score(histories).astype(np.float64)
        deviation = own.std(axis=1, keepdims=True)
        expected += weight * np.arcsinh((own - own.mean(axis=1, keepdims=True)) / np.maximum(deviation, 1e-9))
    np.testing.assert_allclose(Blend.fit(dataset, config).score(histories), expected, atol=1e-5)


def test_components_are_as_they_are_best_alone_and_the_weights_are_convex(trial) -> None:
    config = choose_blend([trial], 3, 0, silent)["board"]
    assert tuple(x.scorer for x in config.components) == COMPONENTS
    weights = [x.weight for x in config.components]
    assert min(weights) >= 0
    assert sum(weights) == pytest.approx(1, abs=1e-6)
    for own in config.components:
        assert own.config == measure_scorer(own.scorer, trial.valid, trial.test, k=3).config


def test_a_trial_has_the_blend_that_was_chosen_for_it(trial) -> None:
    found = measure_scorer("blend", trial.valid, trial.test, k=3)
    assert found.config == choose_blend([trial], 3, 0, silent)["board"]
    assert found.ranking.means()["recall@3"] == 1.0, "it reads the board as EASE does"
    assert named_method("ease").choose is None


def hand_task(candidates=None) -> Task:
    """Two users and five items; user 0 has item 0 and went on to like item 2; user 1 likes nothing else."""
    relevant = sp.csr_array(np.array([[0, 0, 1.0, 0, 0], [0, 0, 0, 0, 0]]))
    excluded = sp.csr_array(np.array([[1.0, 0, 0, 0, 0], [0, 1.0, 0, 0, 0]]))
    none = Dataset.__new__(Dataset)
    none.__dict__["has_interactions"] = np.ones(5, np.bool_)
    return Task(none, Histories.of([[0], [1]], 5), excluded, relevant, candidates)


SCORES = [FixedScores([5.0, 4.0, 3.0, 2.0, 1.0]), FixedScores([0.0, 0.0, 1.0, 0.0, 9.0])]


def test_candidates_are_the_first_of_each_component(monkeypatch) -> None:
    """Item 0 is excluded, so the first two are 1 and 2 of the one, and 4 and 2 of the other: not item 3."""
    monkeypatch.setattr(blending, "_FIRST", 2)
    found = validation_queries(hand_task(), SCORES, seed=0)
    assert found.sizes.tolist() == [3]
    assert found.relevant.tolist() == [False, True, False]
    deviation = np.sqrt(2.0)
    np.testing.assert_allclose(
        found.scores[:, 0], np.arcsinh(np.array([1.0, 0.0, -2.0]) / deviation), atol=1e-5
    )


def test_a_query_whose_relevant_items_are_no_candidates_is_left_out(monkeypatch) -> None:
    monkeypatch.setattr(blending, "_FIRST", 1)
    assert len(validation_queries(hand_task(), SCORES, seed=0)) == 0
    assert len(validation_queries(hand_task(np.array([2, 3])), SCORES, seed=0)) == 1


def test_a_trial_without_validation_events_has_equal_weights(trial) -> None:
    nothing = replace(trial.valid, relevant=sp.csr_array(trial.valid.relevant.shape, dtype=np.float32))
    config = choose_blend([replace(trial, valid=nothing)], 3, 0, silent)["board"]
    assert {round(x.weight, 6) for x in config.components} == {round(1 / len(COMPONENTS), 6)}
