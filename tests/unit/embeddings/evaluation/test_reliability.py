"""Reliability in bins, the calibration error and the Brier score, by hand."""

import numpy as np
import pytest

from embeddings.evaluation.reliability import reliability


def test_bins_calibration_error_and_brier_score_by_hand() -> None:
    """Two bins, of three and of two: the means are .1 and .5, and 1/3 and 1/2 of them happened."""
    probabilities = np.array([0.6, 0.1, 0.2, 0.4, 0.0])
    found = reliability(probabilities, np.array([1.0, 0.0, 1.0, 0.0, 0.0]), bins=2)
    assert found.counts == (3, 2)
    np.testing.assert_allclose(found.predicted, [0.1, 0.5])
    np.testing.assert_allclose(found.observed, [1 / 3, 1 / 2])
    assert found.ece == pytest.approx(3 / 5 * (1 / 3 - 0.1) + 2 / 5 * 0)
    assert found.brier == pytest.approx((0.4**2 + 0.1**2 + 0.8**2 + 0.4**2 + 0) / 5)


def test_an_outcome_between_0_and_1_is_a_chance() -> None:
    """With a chance of 1/4 of a like, the expected square is 1/4 (1 - p)^2 + 3/4 p^2."""
    found = reliability(np.array([0.4]), np.array([0.25]))
    assert found.brier == pytest.approx(0.25 * 0.6**2 + 0.75 * 0.4**2)
    assert found.ece == pytest.approx(0.15)


def test_probabilities_that_are_true_have_no_error() -> None:
    rng = np.random.default_rng(0)
    probabilities = rng.random(100_000)
    outcomes = (rng.random(100_000) < probabilities) * 1.0
    assert reliability(probabilities, outcomes).ece < 0.01
    assert reliability(np.sqrt(probabilities), outcomes).ece == pytest.approx(2 / 3 - 1 / 2, abs=0.01)
