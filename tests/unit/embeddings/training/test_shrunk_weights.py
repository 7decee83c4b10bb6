"""Weights between those of the specs and those that few queries ask for."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from embeddings.candidates.specs import fixed_weights
from embeddings.data.dataset import Histories
from embeddings.ranking.listwise import Queries
from embeddings.ranking.ranker import RankerConfig
from embeddings.training import shrunk_weights
from embeddings.training.config import TrainingConfig
from embeddings.training.fit import fit
from embeddings.training.holdout import HoldoutConfig, HoldoutQueries
from embeddings.training.shrunk_weights import _columns, chosen_penalty


def part(seed: int, weights: list[float], count: int = 12) -> Queries:
    """Queries of six candidates; the relevant one follows from these weights and a little noise."""
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(count, 6, 2)).astype(np.float32)
    relevant = np.zeros((count, 6), np.bool_)
    best = np.argmax(scores @ weights + 0.3 * rng.gumbel(size=(count, 6)), axis=1)
    relevant[np.arange(count), best] = True
    return Queries(scores.reshape(-1, 2), relevant.ravel(), np.full(count, 6))


EVEN = np.array([0.5, 0.5])


def test_parts_that_agree_move_the_weights() -> None:
    parts = [part(seed, [2.0, 0.0]) for seed in range(4)]
    assert chosen_penalty(parts, EVEN, (100.0, 1.0)) == 1.0


def test_what_one_part_says_and_the_others_do_not_keeps_the_fixed_weights() -> None:
    """What is learnt from either part harms the other, which wants the opposite."""
    parts = [part(0, [2.0, 0.0]), part(1, [0.0, 2.0])]
    assert chosen_penalty(parts, EVEN, (100.0, 1.0)) == np.inf


def test_fixed_weights_that_are_right_stay() -> None:
    parts = [part(seed, [2.0, 2.0], 3) for seed in range(4)]
    assert chosen_penalty(parts, EVEN, (3.0, 0.1)) == np.inf


@pytest.mark.parametrize("count", [0, 1])
def test_one_part_cannot_be_compared_with_another(count) -> None:
    assert chosen_penalty([part(0, [2.0, 0.0])] * count, EVEN, (1.0,)) == np.inf


@pytest.fixture
def little(config) -> TrainingConfig:
    """Too few queries for trees, enough for weights."""
    ranker = RankerConfig(min_queries=10**6, min_weight_queries=10, weight_penalties=(0.1,))
    return replace(config, ranker=ranker, holdout=HoldoutConfig(cold_holdouts=1, random_holdouts=2))


def test_a_model_without_trees_ranks_by_weights_fitted_to_its_holdouts(dataset, little, monkeypatch) -> None:
    """Content and EASE read the board and popularity tells nothing, so its weight falls."""
    monkeypatch.setattr(shrunk_weights, "chosen_penalty", lambda parts, prior, penalties: penalties[0])
    ranker = fit(dataset, little).ranker
    assert not ranker.learnt
    weights, fixed = ranker.shrunk_weights, fixed_weights(little.scorers)
    assert set(weights) == set(fixed)
    assert sum(weights.values()) == pytest.approx(1)
    assert min(weights.values()) >= 0
    assert weights["popularity"] < fixed["popularity"] / sum(fixed.values())


def test_with_fewer_queries_the_weights_are_fixed(dataset, little) -> None:
    fewer = replace(little, ranker=replace(little.ranker, min_weight_queries=10**6))
    assert fit(dataset, fewer).ranker.shrunk_weights == {}


def test_a_model_with_trees_needs_no_weights(dataset, config) -> None:
    assert fit(dataset, config).ranker.shrunk_weights == {}


@pytest.mark.parametrize(("most", "rows"), [(10_000, [1, 2]), (0, [1])])
def test_candidates_are_the_items_without_the_history(most, rows, monkeypatch) -> None:
    """User 0 has item 0 and likes item 1 next; of user 1 nothing is relevant, so there is no query."""
    monkeypatch.setattr(shrunk_weights, "_MAX_ITEMS", most)
    found = {"one": np.array([[1.0, 2, 3], [4, 5, 6]]), "two": np.array([[7.0, 8, 9], [10, 11, 12]])}
    monkeypatch.setattr(shrunk_weights, "comparable_columns", lambda *_: found)
    relevant = sp.csr_array(np.array([[0, 1.0, 0], [0, 0, 0]]))
    queries = HoldoutQueries(Histories.of([[0], [1]], 3), relevant, np.arange(2))
    ours = _columns(queries, None, ("two", "one"), np.random.default_rng(0))
    assert ours.scores.tolist() == [[found["two"][0, row], found["one"][0, row]] for row in rows]
    assert ours.relevant.tolist() == [row == 1 for row in rows]
    assert ours.sizes.tolist() == [len(rows)]


@pytest.mark.parametrize(("last", "penalty"), [(9.5, 1.0), (11.5, np.inf)])
def test_weights_must_be_better_by_more_than_a_standard_error(last, penalty, monkeypatch) -> None:
    """The prior loses 10 on each part. Gains of 1, 1, .5 sum to 2.5 with a standard error of .5; those of
    1, 1, -1.5 sum to .5 with one of 2.5. The weights for a part are fitted on the two others.
    """
    fitted_on = []
    monkeypatch.setattr(shrunk_weights, "joined", list)
    monkeypatch.setattr(shrunk_weights, "sharpness", lambda *_: 1.0)
    monkeypatch.setattr(shrunk_weights, "convex_weights", lambda others, *_: fitted_on.append(others) or 2.0)
    losses = {1.0: [10, 10, 10], 2.0: [9, 9, last]}
    monkeypatch.setattr(shrunk_weights, "listwise_loss", lambda part: lambda own: (losses[own][part], None))
    assert chosen_penalty([0, 1, 2], 1.0, (1.0,)) == penalty
    assert fitted_on == [[1, 2], [0, 2], [0, 1]]
