"""Candidates by the ranker above all others by the blended score."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from fake_scorers import FixedScores, blended_ranker, ensemble_of, first_and_previous

from embeddings.candidates.select import CandidateConfig
from embeddings.data.dataset import Dataset, Histories
from embeddings.ranking.boosters import BoosterEnsemble
from embeddings.ranking.calibration import Calibration, CalibrationCurve
from embeddings.ranking.features import CandidateFeatures, FeatureConfig, ItemFeatures, feature_names
from embeddings.ranking.ranker import Ranker
from embeddings.ranking.two_stage import TwoStageConfig, TwoStageRecommender, scores_of_all

INF = np.inf


def test_candidates_stand_above_all_others() -> None:
    """The lowest candidate scores -2, so the others, 0 to -3 by their blended scores, start at -2.001."""
    blended = np.array([[4.0, 1.0, 2.0, 3.0, 0.5], [0.0, 1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0, 5.0]])
    candidates = CandidateFeatures(
        np.array([[1, -1, 4], [3, 0, -1], [-1, -1, -1]]), np.zeros((3, 3, 0)), blended, 3
    )
    ranked = np.array([[-2.0, -INF, 7.0], [0.5, 0.25, -INF], [-INF, -INF, -INF]])
    by_hand = [
        [4 - 4 - 2.001, -2.0, 2 - 4 - 2.001, 3 - 4 - 2.001, 7.0],
        [0.25, 1 - 4 + 0.249, 2 - 4 + 0.249, 0.5, 4 - 4 + 0.249],
        [-4.001, -3.001, -2.001, -1.001, -0.001],
    ]
    np.testing.assert_allclose(scores_of_all(candidates, ranked), by_hand, rtol=1e-6)


@pytest.fixture
def two_stage(board: Dataset) -> TwoStageRecommender:
    """Ranked by the blended score, which is that of ease alone: 3, 2, 1, 0 of the known items 0, 1, 2, 3."""
    items = ItemFeatures.of(board, FeatureConfig())
    ensemble = ensemble_of(
        {"ease": FixedScores([3.0, 2.0, 1.0, 0.0, 9.0])}, first_and_previous([1.0] * 5), items.known
    )
    ranker = blended_ranker(feature_names(ensemble.score_columns))
    return TwoStageRecommender(ensemble, items, ranker, TwoStageConfig())


@pytest.fixture
def unlearnt(two_stage) -> TwoStageRecommender:
    """The same without any trees."""
    return replace(two_stage, ranker=Ranker.unfitted(two_stage.ranker.features, {"ease": 1.0}))


def test_what_is_liked_is_below_all_candidates(two_stage) -> None:
    """Item 4 extrapolates to 0 (the scores of items 0 and 3 cancel out), between the known ones."""
    scores = two_stage.score(Histories.of([[], [0], [1, 2]], 5))
    order = np.argsort(-scores, axis=1, kind="stable").tolist()
    assert order == [[0, 1, 4, 2, 3], [1, 4, 2, 3, 0], [0, 4, 3, 1, 2]]
    high, low = (np.arcsinh(x / np.sqrt(5 / 4)) for x in (1.5, 0.5))
    np.testing.assert_allclose(scores[0], [high, low, -low, -high, 0], atol=1e-5)
    np.testing.assert_allclose(scores[1, 0], -high - 1e-3, atol=1e-5)
    assert two_stage.score(Histories.of([], 5)).shape == (0, 5)


def test_scores_do_not_depend_on_the_other_users(two_stage) -> None:
    both = two_stage.score(Histories.of([[0], [1, 2]], 5))
    np.testing.assert_array_equal(both[1:], two_stage.score(Histories.of([[1, 2]], 5)))


def test_probabilities_are_those_of_the_curve_for_the_kind_of_question(two_stage, unlearnt) -> None:
    """Item 4 of the board is new; a curve of one knot at 0 has its logit there."""
    curves = {
        kind: CalibrationCurve(0.0, 1.0, np.zeros(1), np.array([-float(n)]))
        for n, kind in enumerate([(False, False), (False, True), (True, False), (True, True)])
    }
    histories, zero = Histories.of([[0], [1]], 5), np.zeros((2, 1), np.float32)
    known = replace(two_stage.items, has_interactions=np.ones(5, np.float32))
    for own, new_items in ((two_stage, True), (replace(two_stage, items=known), False)):
        for ask_next in (False, True):
            kind = replace(histories, ask_next=ask_next)
            learnt = replace(own, ranker=replace(own.ranker, calibration=Calibration(curves)))
            assert learnt.calibrated(kind)
            logits = -float(2 * ask_next + new_items)
            np.testing.assert_allclose(
                learnt.probabilities(kind, zero), 1 / (1 + np.exp(-logits)) * np.ones((2, 1))
            )
    for without in (two_stage, unlearnt):
        assert not without.calibrated(histories)
        np.testing.assert_allclose(without.probabilities(histories, zero + np.float32(np.log(3))), 3 / 4)


def test_without_trees_all_items_are_ranked_by_fixed_weights(unlearnt) -> None:
    """Ease is the only scorer: arcsinh of its scores, standardized over all five items, new or not.

    The scores 3, 2, 1, 0, 9 have the mean 15 / 5 = 3 and the variance (0 + 1 + 4 + 9 + 36) / 5 = 10.
    """
    scores, contributions = unlearnt.score_one(Histories.of([[]], 5))
    by_hand = [np.arcsinh((score - 3) / np.sqrt(10)) for score in (3, 2, 1, 0, 9)]
    np.testing.assert_allclose(scores, by_hand, atol=1e-5)
    np.testing.assert_allclose(contributions(np.array([4, 1]))["ease"], scores[[4, 1]], atol=1e-6)


def test_without_trees_weights_that_were_learnt_rank(unlearnt) -> None:
    """Ease has weight 1 and popularity 3, so popularity counts for three quarters.

    Popularity 0, 0, 0, 0, 5 has the mean 1 and the variance (4 * 1 + 16) / 5 = 4.
    """
    scorers = {"ease": FixedScores([3.0, 2.0, 1.0, 0.0, 9.0]), "popularity": FixedScores([0.0, 0, 0, 0, 5])}
    ensemble = ensemble_of(scorers, first_and_previous([1.0] * 5), np.ones(5, np.bool_))
    ranker = replace(unlearnt.ranker, shrunk_weights={"ease": 1.0, "popularity": 3.0})
    weighted = replace(unlearnt, ensemble=ensemble, ranker=ranker)
    scores, _ = weighted.score_one(Histories.of([[]], 5))
    ease = np.arcsinh((np.array([3, 2, 1, 0, 9]) - 3) / np.sqrt(10))
    popularity = np.arcsinh((np.array([0, 0, 0, 0, 5]) - 1) / 2)
    np.testing.assert_allclose(scores, 0.25 * ease + 0.75 * popularity, atol=1e-5)


def test_without_trees_what_is_liked_is_below_all_others(unlearnt) -> None:
    """Item 4 is the best, 6 / sqrt(10) above the mean, and item 3 the last, 3 / sqrt(10) below it."""
    scores, contributions = unlearnt.score_one(Histories.of([[4]], 5))
    assert np.argsort(-scores).tolist() == [0, 1, 2, 3, 4]
    best, last = np.arcsinh(6 / np.sqrt(10)), np.arcsinh(-3 / np.sqrt(10))
    np.testing.assert_allclose(scores[4], best + (last - best - 1e-3), atol=1e-5)
    shares = contributions(np.arange(5))
    np.testing.assert_allclose(sum(shares.values()), scores, atol=1e-6)
    assert shares["base_value"][:4].tolist() == [0, 0, 0, 0]


def test_contributions_sum_to_the_score_of_each_item(two_stage, monkeypatch) -> None:
    """Candidates of [0] are 1, 2, 3, none and 4; the whole score of another item is the blended score's."""

    def given(self, candidates, places, names):
        assert candidates.items[0, places].tolist() == [4, 2]
        assert names == ("ease", "ease_ridge", "ease_knn")
        return {"ease": np.float32([1.0, 2.0]), "blended_score": np.float32([10.0, 20.0])}

    scores, contributions = two_stage.score_one(Histories.of([[0]], 5))
    monkeypatch.setattr(Ranker, "contributions", given)
    shares = contributions(np.array([4, 0, 2]))
    assert shares["ease"].tolist() == [1.0, 0.0, 2.0]
    np.testing.assert_allclose(shares["blended_score"], [10.0, scores[0], 20.0], rtol=1e-6)


def test_a_constant_is_added_to_new_items_alone(two_stage, board) -> None:
    """Where all trees give 0, only the constant is left."""

    class Zero(BoosterEnsemble):
        def score(self, values):
            return np.zeros(len(values), np.float32)

    zero = Zero(("",), (1.0,))
    ranker = replace(two_stage.ranker, all_items=zero, next_new_item_bias=0.5)
    scores = replace(two_stage, ranker=ranker).score(Histories.of([[0]], 5))[0]
    assert scores[[1, 2, 3, 4]].tolist() == [0.0, 0.0, 0.0, 0.5]
    assert scores[0] < 0


def test_what_is_allowed_is_ranked_whatever_its_blended_score(two_stage) -> None:
    """Two known items are candidates, and the ranker turns the blended scores round; see `two_stage`."""
    low, high = (np.arcsinh(x / np.sqrt(5 / 4)) for x in (0.5, 1.5))
    blended = two_stage.ranker.all_items
    turned = SimpleNamespace(score=lambda values: -blended.score(values), models=blended.models)
    known = replace(two_stage.ranker.known_items, boosters=turned)
    config = TwoStageConfig(candidates=CandidateConfig(known_items=2, new_items=1))
    own = replace(
        two_stage, ranker=replace(two_stage.ranker, known_items=known, next_items=known), config=config
    )
    nobody = Histories.of([[]], 5)
    for allowed, ranked in (
        ([0, 1, 2, 3], {1: -low, 0: -high}),
        ([2, 3], {3: high, 2: low}),
        ([1, 2, 3], {2: low, 1: -low}),
        ([3], {3: high}),
    ):
        scores, _ = own.score_one(nobody, np.isin(np.arange(5), allowed))
        np.testing.assert_allclose(scores[list(ranked)], list(ranked.values()), atol=1e-5)
        others = [item for item in range(5) if item not in ranked]
        assert scores[others].max() < min(ranked.values())
    scores, _ = own.score_one(nobody, np.zeros(5, bool))
    assert np.isfinite(scores).all(), "nothing is left"
