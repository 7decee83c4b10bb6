"""The bias of new items: NDCG by bias, and the choice of the bias."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from fake_scorers import blended_ranker

from embeddings.candidates.ensemble import SharedScorers, score_columns
from embeddings.candidates.specs import select_specs
from embeddings.data.dataset import Histories
from embeddings.ranking.features import feature_names
from embeddings.training import new_item_bias
from embeddings.training.calibrate import CalibrationUsers
from embeddings.training.config import NewItemBiasConfig, TrainingConfig
from embeddings.training.fit import fit
from embeddings.training.holdout import Holdout, HoldoutQueries
from embeddings.training.new_item_bias import (
    NewItemBiases,
    _mean_ndcg,
    _ndcg,
    _ndcg_by_bias,
    biases,
    chosen_bias,
    learn_new_item_biases,
)
from embeddings.training.scored_queries import score_queries
from kg.graph import NO_TIME

BIASES = biases(NewItemBiasConfig())


def test_ndcg_of_candidates_by_hand() -> None:
    ranked = np.array([[3.0, 2.0, 1.0], [1.0, 2.0, -np.inf]])
    relevant = np.array([[True, False, True], [True, False, False]])
    first = (1 / np.log2(2) + 1 / np.log2(4)) / (1 / np.log2(2) + 1 / np.log2(3) + 1 / np.log2(4))
    second = (1 / np.log2(3)) / (1 / np.log2(2))
    np.testing.assert_allclose(_ndcg(ranked, relevant, np.array([3, 1]), 20), [first, second])


def test_ndcg_counts_the_first_20_alone() -> None:
    ranked = -np.arange(25.0)[None]
    for place, gain in ((19, 1 / np.log2(21)), (20, 0.0)):
        relevant = np.arange(25)[None] == place
        np.testing.assert_allclose(_ndcg(ranked, relevant, np.array([1]), 20), [gain])
    everything = np.ones((1, 25), bool)
    np.testing.assert_allclose(_ndcg(ranked, everything, np.array([25]), 20), [1.0])


def test_who_has_no_score_is_not_in_the_list() -> None:
    ranked, relevant = np.array([[1.0, -np.inf]]), np.array([[False, True]])
    assert _ndcg(ranked, relevant, np.array([1]), 20).tolist() == [0.0]
    assert _ndcg(ranked, ~relevant, np.array([1]), 20).tolist() == [1.0]


def test_ndcg_by_bias(board, config) -> None:
    """One query has item 0, and the new item 4 is relevant; another has nothing relevant and does not count.

    Candidates 1, 2, 3, 4 stand at their blended scores; the bias moves item 4 among them, and without new
    items it is not found.
    """
    some = replace(config, scorers=select_specs(["popularity"]))
    relevant = sp.csr_array(np.array([[0, 0, 0, 0, 1.0], [0, 0, 0, 0, 0]]))
    queries = HoldoutQueries(Histories.of([[0], [1]], 5), relevant, np.arange(2))
    holdout = Holdout(board, np.zeros(5, np.bool_), (queries,))
    shared_scorers = SharedScorers.fit(board, some.scorers, 0)
    ranker = blended_ranker(feature_names(score_columns(some.scorers)))
    ranker = replace(ranker, new_item_bias=5.0, next_new_item_bias=5.0)
    calibration = CalibrationUsers(np.array([False, True]))
    (found,) = _ndcg_by_bias(ranker, holdout, shared_scorers, some, 0, calibration)
    assert [x.lengths.tolist() for x in calibration.queries] == [[1]]
    scored = next(score_queries(holdout, shared_scorers, some, 0))
    assert scored.queries.histories[0].tolist() == [0]
    blended = scored.candidates.blended_score[0]
    places = [1 + (blended[[1, 2, 3]] > blended[4] + bias).sum() for bias in BIASES]
    assert places[0] == 4
    assert places[-1] == 1
    np.testing.assert_allclose(found, [*([1 / np.log2(1 + place)] for place in places), [0.0]], rtol=1e-6)


def test_the_mean_is_over_the_users_of_all_holdouts(monkeypatch) -> None:
    """Two biases, and the list without new items: two users and one."""
    config = TrainingConfig(new_item_bias=NewItemBiasConfig(lowest=0.0, highest=0.125))
    found = {
        1: [np.array([[0.5, 0.3], [0.2, 0.1], [0.3, 0.0]])],
        2: [np.array([[0.4], [0.6], [0.3]])],
        3: [np.zeros((3, 0))],
    }
    monkeypatch.setattr(new_item_bias, "_ndcg_by_bias", lambda ranker, holdout, *_: found[holdout])
    ndcg, without = _mean_ndcg(None, [1, 2, 3], None, config, 0, None)
    np.testing.assert_allclose([*ndcg, without], [0.4, 0.3, 0.2], rtol=1e-6)
    nothing = _mean_ndcg(None, [3], None, config, 0, None)
    assert (nothing[0].tolist(), nothing[1]) == ([0.0, 0.0], 0.0)


@pytest.mark.parametrize(
    ("given_up", "bias"),
    [(0.0, 0.25), (0.09, 0.25), (0.11, 0.125), (0.49, 0.125), (0.51, 0.0), (1.0, -0.125)],
)
def test_the_lowest_bias_that_gives_up_no_more_of_what_new_items_add(given_up, bias) -> None:
    """Biases -.125 to .375. New items add .2 at most, to .1; those but the best give up .19, .1, .02, .08."""
    config = NewItemBiasConfig(lowest=-0.125, highest=0.375, given_up_gain=given_up)
    assert chosen_bias(np.array([0.11, 0.2, 0.28, 0.3, 0.22]), 0.1, config) == bias


def test_where_new_items_add_nothing_the_best_bias_is_chosen() -> None:
    config = NewItemBiasConfig(lowest=-0.125, highest=0.25, given_up_gain=1.0)
    assert chosen_bias(np.array([0.1, 0.3, 0.2, 0.1]), 0.4, config) == 0.0
    assert chosen_bias(np.array([0.3, 0.2, 0.1, 0.0]), 0.4, config) == -0.125


def test_of_biases_that_find_the_same_0_is_chosen() -> None:
    assert chosen_bias(np.full(len(BIASES), 0.2), 0.1, NewItemBiasConfig()) == 0.0


def _falling_from(best: int):
    """NDCG falls with the square of the distance from the best bias; new items add nothing."""
    return 1 - (np.arange(len(BIASES)) - best) ** 2 / 10000, 1.0


@pytest.mark.parametrize(("simulated", "last"), [(3, 5), (0, len(BIASES) - 1)])
def test_each_bias_is_chosen_in_its_own_holdouts(simulated, last, board, config, monkeypatch) -> None:
    kinds = []

    def ndcg(ranker, holdouts, *_):
        kinds.append(holdouts)
        return _falling_from(simulated if len(kinds) == 1 else last)

    monkeypatch.setattr(new_item_bias, "_mean_ndcg", ndcg)
    monkeypatch.setattr(new_item_bias, "new_item_share", lambda *_: 0.0)
    found = learn_new_item_biases(None, board, None, config, 0)
    assert found == NewItemBiases(BIASES[simulated], BIASES[last])
    assert [len(holdouts) for holdouts in kinds] == [2, 2]
    for holdout in kinds[1]:  # one of the three events of user 0 is hidden, the last one
        assert sorted(holdout.queries[0].histories[0].tolist()) == [0, 1]
    assert not any(holdout.excluded.any() for holdouts in kinds for holdout in holdouts)


def test_without_times_one_bias_serves_both(board, config, monkeypatch) -> None:
    kinds = []
    monkeypatch.setattr(
        new_item_bias, "_mean_ndcg", lambda _, holdouts, *__: kinds.append(1) or _falling_from(4)
    )
    timeless = replace(board, events=replace(board.events, time=np.full(len(board.events), NO_TIME)))
    found = learn_new_item_biases(None, timeless, None, config, 0)
    assert found == NewItemBiases(BIASES[4], BIASES[4])
    assert len(kinds) == 1


def test_the_bias_learnt_is_one_of_those_tried(config, dataset) -> None:
    ranker = fit(dataset, config).ranker
    assert {ranker.new_item_bias, ranker.next_new_item_bias} <= set(BIASES)
    fixed = fit(dataset, replace(config, new_item_bias=NewItemBiasConfig(0.3))).ranker
    assert (fixed.new_item_bias, fixed.next_new_item_bias) == (0.3, 0.3)


@pytest.mark.parametrize(("most", "hidden"), [(0.3, 0.125), (0.1, 0.1)])
def test_as_many_items_are_hidden_as_new_ones_are_estimated(most, hidden, board, config, monkeypatch) -> None:
    """One of five items has no events; half of it counts as new, beside four known ones: 1/8 of these."""
    drawn = []
    monkeypatch.setattr(new_item_bias, "random_holdout", lambda _, own, __: drawn.append(own))
    monkeypatch.setattr(new_item_bias, "last_events_holdout", lambda *_: None)
    monkeypatch.setattr(new_item_bias, "with_unpopular_items", lambda *_: None)
    monkeypatch.setattr(new_item_bias, "new_item_share", lambda *_: 0.5)
    monkeypatch.setattr(new_item_bias, "_mean_ndcg", lambda *_: _falling_from(4))
    assert board.has_interactions.sum() == 4
    learn_new_item_biases(
        None, board, None, replace(config, new_item_bias=NewItemBiasConfig(max_new_items=most)), 0
    )
    assert [(own.items, own.users) for own in drawn] == [(hidden, 0.0)] * 2
