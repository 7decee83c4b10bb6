"""Which items become candidates, and in which order: 3 queries and 5 items, worked out by hand.

Items 0, 1 and 2 are known, 3 and 4 are new. Standardized over the known items, scores 2, 0, 1 are A, -A, 0
with A = sqrt(3 / 2): their mean is 1 and their variance (1 + 1 + 0) / 3.
"""

from dataclasses import replace

import numpy as np
from fake_scorers import FixedScores, FixedVectors, ensemble_of, first_and_previous

from embeddings.candidates.ensemble import ScorerEnsemble
from embeddings.candidates.select import CandidateConfig, _blended, _take, _top, select_candidates
from embeddings.data.dataset import Histories
from embeddings.ranking.features import BLENDED_SCORE

A = np.sqrt(3 / 2)
S = np.arcsinh(A)
"""What A counts in a blended score."""
KNOWN_ITEMS = np.array([True, True, True, False, False])
EASE = [2.0, 0.0, 1.0, 1.0, 1.0]
POPULARITY = [0.0, 2.0, 1.0, 1.0, 1.0]
"""Standardized -A, A, 0, 0, 0."""
RIDGE = [1.0, 1.0, 1.0, 3.0, -1.0]
"""By ridge item 3 has three times the score of item 0, item 4 its negative."""


def ensemble_with(**scorers) -> ScorerEnsemble:
    return ensemble_of(scorers, first_and_previous(RIDGE), KNOWN_ITEMS)


def select(histories: Histories, ensemble: ScorerEnsemble, excluded=None):
    return select_candidates(histories, ensemble, CandidateConfig(), excluded)


def no_history(count: int) -> Histories:
    return Histories.of([[]] * count, 5)


def column(found, ensemble: ScorerEnsemble, name: str) -> np.ndarray:
    return found.scores[(*ensemble.score_columns, BLENDED_SCORE).index(name)]


def test_known_items_come_best_first_by_their_weighted_scores() -> None:
    """EASE weighs 1, popularity 0.5; with equal weights, all would stand at 0, in the order 0, 1, 2."""
    ensemble = ensemble_with(popularity=FixedScores(POPULARITY), ease=FixedScores([0.0, 2.0, 1.0, 0.0, 0.0]))
    found = select(no_history(1), ensemble)
    assert found.items[:, :3].tolist() == [[1, 2, 0]]
    ensemble = ensemble_with(popularity=FixedScores(POPULARITY), ease=FixedScores(EASE))
    found = select(no_history(1), ensemble)
    assert found.items[:, :3].tolist() == [[0, 2, 1]]
    by_hand = [[(1 * S - 0.5 * S) / 1.5, (-1 * S + 0.5 * S) / 1.5, 0.0]]
    np.testing.assert_allclose(found.blended_score[:, :3], by_hand, atol=1e-5)


def test_scores_without_a_weight_select_no_known_item() -> None:
    ensemble = ensemble_with(ease=FixedScores(EASE), text=FixedScores([0.0, 100.0, 0.0, 0.0, 0.0]))
    found = select(no_history(1), ensemble)
    assert found.items[:, :3].tolist() == [[0, 2, 1]]
    np.testing.assert_allclose(found.blended_score[:, :3], [[S, -S, 0.0]], atol=1e-5)


def test_new_items_come_best_first_by_their_own_weights() -> None:
    """Scores extrapolated by ridge and by the item before; text weighs 0.5 there, ease itself nothing.

    By ridge items 3 and 4 have 3 S and -S, by their neighbours 2 and 3 the scores 0 and 0 (item 3 scores as
    the mean of known items); text standardized over the known ones, 1, -1, 0, is A times the score.
    """
    ease = FixedScores(EASE)
    ensemble = ensemble_with(ease=ease, text=FixedScores([1.0, -1.0, 0.0, -2.0, 0.0]))
    found = select(no_history(1), ensemble)
    assert found.items[:, 3:].tolist() == [[3, 4]]
    third = (np.arcsinh(3 * S) + np.arcsinh(0) + 0.5 * np.arcsinh(-2 * A)) / 2.5
    fourth = (np.arcsinh(-S) + np.arcsinh(0) + 0.5 * np.arcsinh(0)) / 2.5
    np.testing.assert_allclose(found.blended_score[:, 3:], [[third, fourth]], atol=1e-5)
    ensemble = ensemble_with(ease=ease, text=FixedScores([1.0, -1.0, 0.0, -200.0, 200.0]))
    assert select(no_history(1), ensemble).items[:, 3:].tolist() == [[4, 3]]


def test_the_weights_of_new_items_count() -> None:
    """By ridge popularity weighs half of what ease does; by neighbours it has no weight."""
    ensemble = ensemble_with(ease=FixedScores(EASE), popularity=FixedScores(POPULARITY))
    found = select(no_history(1), ensemble)
    assert found.items[:, 3:].tolist() == [[3, 4]]
    third = (np.arcsinh(3 * S) + 0 + 0.5 * np.arcsinh(-3 * S)) / 2.5
    fourth = (np.arcsinh(-S) + 0 + 0.5 * np.arcsinh(S)) / 2.5
    np.testing.assert_allclose(found.blended_score[:, 3:], [[third, fourth]], atol=1e-5)


def test_a_blended_score_is_the_weighted_mean() -> None:
    scores = {"a": np.array([[1.0, 2.0]], np.float32), "b": np.array([[3.0, 6.0]], np.float32)}
    np.testing.assert_allclose(_blended(scores, {"b": 0.5}, (1, 2)), [[3.0, 6.0]], rtol=1e-5)
    by_hand = [[(3 * 1.0 + 1 * 3.0) / (3 + 1), (3 * 2.0 + 1 * 6.0) / (3 + 1)]]
    np.testing.assert_allclose(_blended(scores, {"a": 3.0, "b": 1.0}, (1, 2)), by_hand, rtol=1e-5)
    assert _blended({}, {}, (1, 2)).tolist() == [[0.0, 0.0]]


def test_nothing_is_extrapolated_where_all_items_are_known() -> None:
    """The columns are NaN, and the candidates are those of the scorers."""
    ensemble = ensemble_with(ease=FixedScores(EASE))
    known = replace(ensemble, has_interactions=np.ones(5, bool))
    found = select(Histories.of([[0]], 5), known)
    columns = dict(zip(known.score_columns, found.scores, strict=False))
    assert found.n_known == found.items.shape[1]
    assert np.isnan(columns["ease_ridge"]).all()
    assert np.isnan(columns["ease_knn"]).all()
    assert np.isfinite(columns["ease"]).all()
    with_new = dict(
        zip(ensemble.score_columns, select(Histories.of([[0]], 5), ensemble).scores, strict=False)
    )
    assert np.isfinite(with_new["ease_ridge"]).all()


def test_what_a_user_has_and_what_is_excluded_is_no_candidate() -> None:
    """Query 0 has item 0, query 1 has 1 and 3, query 2 all known ones; item 4 is excluded, then item 2."""
    ensemble = ensemble_with(ease=FixedScores(EASE))
    histories = Histories.of([[0], [1, 3], [2, 0, 1]], 5)
    found = select(histories, ensemble)
    assert found.items.tolist() == [[2, 1, -1, 3, 4], [0, 2, -1, 4, -1], [-1, -1, -1, 3, 4]]
    found = select(histories, ensemble, np.arange(5) == 4)
    assert found.items.tolist() == [[2, 1, -1, 3, -1], [0, 2, -1, -1, -1], [-1, -1, -1, 3, -1]]
    found = select(histories, ensemble, np.arange(5) == 2)
    assert found.items.tolist() == [[1, -1, -1, 3, 4], [0, -1, -1, 4, -1], [-1, -1, -1, 3, 4]]


def test_the_blended_score_is_that_of_all_items_candidates_or_not() -> None:
    ensemble = ensemble_with(ease=FixedScores(EASE))
    found = select(Histories.of([[0], [1, 3]], 5), ensemble, np.arange(5) == 4)
    new = [np.arcsinh(3 * S) / 2, np.arcsinh(-S) / 2]
    np.testing.assert_allclose(found.blended_score, [[S, -S, 0, *new]] * 2, atol=1e-5)


def test_each_query_has_candidates_of_its_own() -> None:
    rows = [EASE, [0.0, 1.0, 2.0, 1.0, 1.0], [1.0, 2.0, 0.0, 1.0, 1.0]]
    found = select(no_history(3), ensemble_with(ease=FixedScores(rows)))
    # by ridge items 3 and 4 have 3 S and -S, then -3 S and S, then 0; the item before 3 has 0, S, -S
    assert found.items.tolist() == [[0, 2, 1, 3, 4], [2, 1, 0, 4, 3], [1, 0, 2, 4, 3]]


def test_candidates_have_the_scores_of_their_own_items() -> None:
    """Ease scores all items, facts the candidates alone."""
    facts = FixedVectors([1.0], [[2.0], [0.0], [1.0], [5.0], [1.0]])
    ensemble = ensemble_with(ease=FixedScores([[0.0, 1.0, 2.0, 1.0, 1.0], EASE]), facts=facts)
    found = select(no_history(2), ensemble)
    assert found.items.tolist() == [[2, 1, 0, 4, 3], [0, 2, 1, 3, 4]]
    np.testing.assert_allclose(
        column(found, ensemble, "ease"), [[A, 0, -A, 0, 0], [A, 0, -A, 0, 0]], atol=1e-5
    )
    expected = [[0, -A, A, 0, 4 * A], [A, 0, -A, 4 * A, 0]]
    np.testing.assert_allclose(column(found, ensemble, "facts"), expected, atol=1e-5)
    expected = [[-S, -S, -S, S, -3 * S], [S, S, S, 3 * S, -S]]
    np.testing.assert_allclose(column(found, ensemble, "ease_ridge"), expected, atol=1e-5)
    # the neighbours of items 0, 1, 2, 3, 4 are 0, 0, 1, 2, 3
    expected = [[0, -S, -S, 0, S], [S, -S, S, 0, 0]]
    np.testing.assert_allclose(column(found, ensemble, "ease_knn"), expected, atol=1e-5)
    blended = np.take_along_axis(found.blended_score, found.items, 1)
    np.testing.assert_allclose(column(found, ensemble, "blended_score"), blended, atol=1e-6)


def test_no_more_than_128_known_and_40_new_candidates() -> None:
    """Items 0..129 are known, each better than the one before; 130..174 new, the later the worse by ridge."""
    known = np.arange(175) < 130
    scores = FixedScores(np.minimum(np.arange(175.0), 129))
    ensemble = ensemble_of({"ease": scores}, first_and_previous(np.arange(175.0)), known)
    found = select(Histories.of([[]], 175), ensemble)
    # item 0 scores below the mean, so by ridge the first new items are the best of them; neighbours are equal
    assert found.items[0, :128].tolist() == list(range(129, 1, -1))
    assert found.items[0, 128:].tolist() == list(range(130, 170))
    assert found.n_known == 128


def test_as_many_candidates_as_configured() -> None:
    config = CandidateConfig(known_items=2, new_items=1)
    found = select_candidates(no_history(1), ensemble_with(ease=FixedScores(EASE)), config)
    assert found.items.tolist() == [[0, 2, 3]]
    assert found.n_known == 2


def test_without_new_or_without_known_items_the_others_are_candidates() -> None:
    for known in (np.ones(5, bool), np.zeros(5, bool)):
        ensemble = ensemble_of({"ease": FixedScores(EASE)}, first_and_previous(RIDGE), known)
        found = select(no_history(2), ensemble)
        assert [sorted(row) for row in found.items.tolist()] == [[0, 1, 2, 3, 4]] * 2
        assert found.scores.shape == (len(ensemble.score_columns) + 1, 2, 5)


def test_the_best_of_some_items_by_hand() -> None:
    scores = np.array([[5.0, 9.0, 7.0, 8.0, 1.0], [2.0, 9.0, -np.inf, 2.0, 2.0]])
    among = np.array([0, 2, 3, 4])
    assert _top(scores, among, 3).tolist() == [[3, 2, 0], [0, 3, 4]]  # equal scores: by item number
    assert _top(scores, among, 1)[0].tolist() == [3]
    assert _top(scores, among, 9).tolist() == [[3, 2, 0, 4], [0, 3, 4, -1]]
    assert _top(scores, among[:0], 3).shape == (2, 0)
    assert _top(np.full((1, 5), -np.inf), among, 2).tolist() == [[-1, -1]]


def test_scores_taken_at_the_items_of_each_query() -> None:
    scores = np.arange(12.0).reshape(2, 2, 3)
    taken = _take(scores, np.array([[2, 0], [1, 1]]))
    assert taken.tolist() == [[[2.0, 0.0], [4.0, 4.0]], [[8.0, 6.0], [10.0, 10.0]]]
