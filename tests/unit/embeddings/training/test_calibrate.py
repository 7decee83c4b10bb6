"""Which queries the calibration is learnt from, and how relevant their candidates count."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.special import expit

from embeddings.data.dataset import Histories
from embeddings.ranking.calibration import CalibrationConfig
from embeddings.ranking.features import CandidateFeatures
from embeddings.training.calibrate import CalibrationQueries, CalibrationUsers, _rows, learn_calibration
from embeddings.training.holdout import HoldoutQueries
from embeddings.training.scored_queries import ScoredQueries

CONFIG = CalibrationConfig(min_relevant=20)


class FirstFeature:
    """A ranker by the first feature; the second says what is new, and moves known items up by 10."""

    def is_new(self, candidates):
        return candidates.values[:, :, 1] > 0

    def score(self, candidates):
        new = self.is_new(candidates) & (candidates.items >= 0)
        scores = candidates.values[:, :, 0] + np.float32(10 * new.any())
        return np.where(candidates.items >= 0, scores, -np.inf)


def scored(histories, liked, values, ask_next=True) -> ScoredQueries:
    """Candidates are the items in order, the last of them new."""
    n_items = values.shape[1]
    features = np.stack([values, np.broadcast_to(np.arange(n_items) == n_items - 1, values.shape)], axis=2)
    items = np.tile(np.arange(n_items), (len(values), 1))
    candidates = CandidateFeatures(
        items, features.astype(np.float32), np.zeros(values.shape, np.float32), n_items - 1, ask_next
    )
    users = np.arange(len(values))
    queries = HoldoutQueries(Histories.of(histories, n_items), sp.csr_array(liked), users)
    return ScoredQueries(queries, candidates)


def test_a_like_counts_as_much_as_it_is_asked_about() -> None:
    """User 0 has no history, and 2 likes are held out, of which 1 is asked about; of user 1 it is 1 of 1.

    Of user 2 nothing is held out, so nothing is learnt of them.
    """
    values = np.array([[3.0, 2.0, 1.0], [6.0, 5.0, 4.0], [9.0, 8.0, 7.0]])
    liked = np.array([[1.0, 0, 1], [0, 1, 0], [0, 0, 0]])
    queries = CalibrationQueries.of(scored([[], [0], [0]], liked, values), np.arange(3))
    scores, labels, lengths = _rows(FirstFeature(), queries, True)
    assert scores.tolist() == [13, 12, 11, 16, 15, 14]
    assert labels.tolist() == [0.5, 0, 0.5, 0, 1, 0]
    assert lengths.tolist() == [0, 0, 0, 1, 1, 1]
    scores, labels, _ = _rows(FirstFeature(), queries.known_items(), False)
    assert scores.tolist() == [3, 2, 6, 5], "without new items scores have another scale"
    assert labels.tolist() == [0.5, 0, 0, 1]


def test_an_empty_place_is_no_candidate_and_a_query_without_new_items_is_of_another_scale() -> None:
    found = scored([[0], [0]], np.array([[1.0, 0, 1], [1, 0, 0]]), np.array([[3.0, 2.0, 1.0]] * 2))
    found.candidates.items[0, 1] = -1
    found.candidates.items[1, 2] = -1
    scores, _, _ = _rows(FirstFeature(), CalibrationQueries.of(found, np.arange(2)), True)
    assert scores.tolist() == [13, 11]


def test_the_queries_of_calibration_users_are_collected() -> None:
    calibration = CalibrationUsers(np.array([False, True, True, False]))
    liked = np.array([[1.0, 0, 0], [1, 0, 0], [0, 1, 1], [0, 1, 0]])
    values = np.arange(12.0).reshape(4, 3)
    calibration.collect(scored([[0], [1], [1], [2]], liked, values))
    (found,) = calibration.queries
    assert found.candidates.values[:, :, 0].tolist() == values[[1, 2]].tolist()
    assert found.relevant.tolist() == [[True, False, False], [False, True, True]]
    assert (found.lengths.tolist(), found.held_out.tolist()) == ([1, 1], [1, 2])
    assert found.candidates.blended_score.shape == (2, 0)


def test_a_tenth_of_the_users_is_drawn_apart_from_what_holdouts_hide() -> None:
    """Of 10,000 users 1,000 are expected: four deviations, of sqrt(10,000 * .09) = 30, are 120."""
    users = CalibrationUsers.draw(10_000, CONFIG, 5).users
    assert abs(users.sum() - 1000) < 120
    assert users.tolist() == CalibrationUsers.draw(10_000, CONFIG, 5).users.tolist()
    hidden = np.random.default_rng(5).random(10_000) < 0.1
    assert abs((users & hidden).sum() - 100) < 4 * 10
    assert not CalibrationUsers.draw(10_000, CalibrationConfig(users=0), 5).users.any()


@pytest.fixture
def truth():
    """1,000 queries; p = 1 / (1 + exp(-score)) where known items alone are candidates."""
    rng = np.random.default_rng(1)
    values = rng.normal(-3, 1, (1000, 30))
    liked = (rng.random((1000, 30)) < expit(values)) * 1.0
    return values, liked


def test_curves_by_kind_of_question(truth) -> None:
    """A history of 400 likes is asked about 50, far more than are held out, so each of these counts twice."""
    values, liked = truth
    one = scored([np.arange(400) % 30] * 1000, liked, values)
    queries = [CalibrationQueries.of(one, np.arange(1000))]
    found = learn_calibration(FirstFeature(), queries, CONFIG)
    assert set(found.curves) == {(True, False), (True, True)}
    lengths, asked = np.array([400]), np.array([[-4.0, -3.0, -2.0]])
    known = found.curve(ask_next=True, new_items=False).probabilities(asked, lengths)
    with_new = found.curve(ask_next=True, new_items=True).probabilities(asked + 10, lengths)
    np.testing.assert_allclose(known[0], 2 * expit(asked[0]), atol=0.03)
    np.testing.assert_allclose(with_new[0], 2 * expit(asked[0]), atol=0.03)


def test_where_no_query_asks_for_what_comes_next_those_of_any_time_serve(truth) -> None:
    values, liked = truth
    one = scored([[0]] * 1000, liked, values, ask_next=False)
    found = learn_calibration(FirstFeature(), [CalibrationQueries.of(one, np.arange(1000))], CONFIG)
    for new_items in (False, True):
        any_time = found.curve(ask_next=False, new_items=new_items)
        assert any_time is not None
        assert found.curve(ask_next=True, new_items=new_items) is any_time


def test_from_too_few_likes_nothing_is_learnt(truth) -> None:
    values, liked = truth
    one = CalibrationQueries.of(scored([[0]] * 1000, liked, values), np.arange(4))
    assert not learn_calibration(FirstFeature(), [one], CONFIG).curves
    assert not learn_calibration(FirstFeature(), [], CONFIG).curves


def test_too_few_likes_of_what_comes_next_are_not_replaced_by_those_of_any_time(truth) -> None:
    values, liked = truth
    any_time = CalibrationQueries.of(scored([[0]] * 1000, liked, values, ask_next=False), np.arange(1000))
    following = CalibrationQueries.of(scored([[0]] * 1000, liked, values), np.arange(4))
    found = learn_calibration(FirstFeature(), [any_time, following], CONFIG)
    assert set(found.curves) == {(False, False), (False, True)}
