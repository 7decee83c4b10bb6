"""The ranking by fixed weights: 4 items, of which item 0 has likes, worked out by hand."""

import numpy as np
import pytest
from fake_scorers import FixedScores, FixedVectors, ensemble_of, first_and_previous

from embeddings.candidates.specs import SCORER_SPECS, ScorerSpec, fixed_weights
from embeddings.data.dataset import Histories
from embeddings.data.spectral import SpectralConfig
from embeddings.ranking.fixed_weights import summed, weighted_scores
from embeddings.scorers.svd import Svd

ONE_KNOWN = np.array([True, False, False, False])
TEXT = [0.0, 2.0, 0.0, 2.0]
"""The mean is 1 and the deviation 1, so standardized -1, 1, -1, 1."""
POPULARITY = [3.0, 0.0, 0.0, 0.0]
"""The mean is 3 / 4, the variance (81 + 3 * 9) / 16 / 4 = 27 / 16: sqrt(3), then -1 / sqrt(3)."""
HIGH, LOW = np.arcsinh(np.sqrt(3)), np.arcsinh(-1 / np.sqrt(3))


def scored(extrapolator=None, **scorers):
    ensemble = ensemble_of(scorers, extrapolator or first_and_previous([1.0] * 4), ONE_KNOWN)
    weights = fixed_weights(ensemble.specs)
    found = weighted_scores(Histories.of([[]], 4), ensemble, weights)
    return {name: own[0] for name, own in found.items()}


def test_scores_are_standardized_over_all_items_where_one_is_known() -> None:
    """Text weighs 1 and popularity 0.5, and what ridge makes of popularity, equal for all items, 0.25."""
    found = scored(text=FixedScores(TEXT), popularity=FixedScores(POPULARITY))
    one = np.arcsinh(1)
    np.testing.assert_allclose(found["text"], np.array([-one, one, -one, one]) / 1.75, atol=1e-5)
    np.testing.assert_allclose(found["popularity"], np.array([HIGH, LOW, LOW, LOW]) * 0.5 / 1.75, atol=1e-5)
    assert found["popularity_ridge"].tolist() == [0.0] * 4
    np.testing.assert_allclose(summed(found), found["text"] + found["popularity"], atol=1e-6)


def test_popularity_is_extrapolated_to_what_is_similar() -> None:
    """By ridge, items 0 and 1 have the score of item 0, items 2 and 3 its negative: standardized 1, -1."""
    found = scored(first_and_previous([1.0, 1.0, -1.0, -1.0]), popularity=FixedScores(POPULARITY))
    one = np.arcsinh(1)
    np.testing.assert_allclose(
        found["popularity_ridge"], np.array([one, one, -one, -one]) * 0.25 / 0.75, atol=1e-5
    )


def test_a_linear_scorer_counts_as_any_other() -> None:
    lazy = FixedVectors([2.0], [[score] for score in TEXT])
    dense = FixedScores(TEXT)
    kinds = (scored(text=own, popularity=FixedScores(POPULARITY))["text"] for own in (lazy, dense))
    np.testing.assert_allclose(*kinds, atol=1e-6)


def test_scorers_without_a_weight_do_not_count_beside_others() -> None:
    assert set(scored(text=FixedScores(TEXT), svd=FixedScores(POPULARITY))) == {"text"}


def test_scorers_without_a_weight_count_where_there_are_no_others() -> None:
    found = scored(svd=FixedScores(POPULARITY), als=FixedScores(TEXT))
    np.testing.assert_allclose(found["svd"], np.array([HIGH, LOW, LOW, LOW]) / 2, atol=1e-5)
    assert set(found) == {"svd", "als"}


def test_the_weights_of_the_table() -> None:
    weights = {"text": 1.0, "facts": 1.0, "profile": 1.0, "popularity": 0.5, "ease": 1.0}
    assert fixed_weights(SCORER_SPECS) == {**weights, "popularity_ridge": 0.25}


def test_a_weight_of_a_score_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(ValueError, match="fixed_ridge_weight need extrapolated"):
        ScorerSpec(Svd, SpectralConfig(), fixed_ridge_weight=1.0)
