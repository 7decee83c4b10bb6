"""From scores to probabilities: bins by hand, the order, and known probabilities that are found again."""

import numpy as np
import pytest
from scipy.special import expit, logit

from embeddings.ranking.calibration import (
    Calibration,
    CalibrationConfig,
    CalibrationCurve,
    share_asked_about,
    uncalibrated,
)

SMALL = CalibrationConfig(min_relevant=1, relevant_per_bin=2)


def test_an_eighth_of_the_history_is_asked_about_and_at_least_one_like() -> None:
    """Of 40 likes 5 are asked about, of 4 and of none 1; a held-out like stands for two at most."""
    found = share_asked_about(np.array([40, 40, 40, 40, 4, 0, 3]), np.array([10, 5, 4, 1, 2, 4, 0]))
    np.testing.assert_allclose(found, [5 / 10, 1, 5 / 4, 2, 1 / 2, 1 / 4, 1])


def by_hand() -> CalibrationCurve:
    """Six relevant candidates in three bins of two; the rates of the first two, 1/2 and 2/5, are pooled."""
    scores = np.arange(12.0)
    labels = np.array([0, 0, 1, 1, 0, 0, 0, 1, 0, 1, 1, 1.0])
    found = CalibrationCurve.fit(scores, labels, np.full(12, 7), SMALL)
    assert found is not None
    return found


def test_bins_have_equally_many_relevant_candidates_and_falling_rates_are_pooled() -> None:
    """Bins begin at the 2nd and the 4th of the six relevant candidates: at the scores 3 and 9.

    The rates of the bins 0-2, 3-8 and 9-11 are 1/3, 2/6 and 3/3. The first two are equal, so one.
    """
    curve = by_hand()
    np.testing.assert_allclose(curve.knots, [(0 + 8) / 2, (9 + 11) / 2])
    np.testing.assert_allclose(expit(curve.logits), [3 / 9, 1 - 1e-6])
    assert curve.weight == pytest.approx(0)


def test_between_knots_the_logit_is_linear_and_beyond_them_it_flattens() -> None:
    curve = CalibrationCurve(0.5, 2.0, np.array([0.0, 2.0]), np.array([-3.0, -1.0]))
    lengths = np.array([7, 32])
    found = logit(curve.probabilities(np.array([[0.5, 5.0, -1.0], [0.5, 5.0, -1.0]]), lengths))
    shift = 0.5 * np.log(32 / 8)
    np.testing.assert_allclose(found[0], [-3 + 0.5, -1 + 6 / 7, -3 - 2 / 3])
    beyond, below = 2 * (3 + shift), 2 * (1 - shift)
    np.testing.assert_allclose(
        found[1], [-3 + 0.5 + shift, -1 + beyond / (1 + beyond), -3 - below / (1 + below)]
    )


def test_the_order_of_distinct_scores_is_kept_and_probabilities_are_in_0_to_1() -> None:
    scores = np.unique(np.random.default_rng(0).normal(0, 8, 2000).astype(np.float32)).astype(np.float64)
    for curve in (by_hand(), CalibrationCurve(0.0, 0.4, np.array([1.0]), np.array([-3.0]))):
        found = curve.probabilities(scores[None], np.array([7]))[0]
        assert (np.diff(found) > 0).all()
        assert 0 <= found.min() < found.max() <= 1


def test_known_probabilities_are_found_again() -> None:
    """p = 1 / (1 + exp(4 - 2 score - log(likes asked about)))."""
    rng = np.random.default_rng(3)
    scores, lengths = rng.normal(size=200_000), rng.integers(0, 400, 200_000)
    truth = expit(2 * scores + np.log(np.maximum(lengths / 8, 1)) - 4)
    curve = CalibrationCurve.fit(scores, (rng.random(200_000) < truth) * 1.0, lengths, CalibrationConfig())
    found = curve.probabilities(scores[:, None], lengths)[:, 0]
    assert np.abs(found - truth).mean() < 0.01
    assert curve.weight == pytest.approx(0.5, abs=0.02)


def test_nothing_is_learnt_from_too_little_or_from_scores_that_mislead() -> None:
    scores, lengths = np.arange(100.0), np.ones(100, np.int64)
    labels = (scores >= 50) * 1.0
    config = CalibrationConfig(min_relevant=50)
    assert CalibrationCurve.fit(scores, labels, lengths, config) is not None
    assert CalibrationCurve.fit(scores, labels * 0.9, lengths, config) is None
    assert CalibrationCurve.fit(-scores, labels, lengths, config) is None


def test_equal_scores_share_a_bin() -> None:
    """Of either score there are 40 candidates; the first 10 and the first 30 are relevant."""
    scores, labels = np.repeat([1.0, 2.0], 40), np.repeat([1.0, 0.0, 1.0, 0.0], [10, 30, 30, 10])
    curve = CalibrationCurve.fit(scores, labels, np.ones(80, np.int64), SMALL)
    assert curve is not None
    assert curve.knots.tolist() == [1.0, 2.0]
    np.testing.assert_allclose(expit(curve.logits), [1 / 4, 3 / 4])


def test_each_kind_of_question_has_its_curve_and_arrays_restore_them() -> None:
    calibration = Calibration(
        {(True, False): by_hand(), (False, True): CalibrationCurve.restore(by_hand().arrays())}
    )
    again = Calibration.restore(calibration.arrays())
    assert set(again.curves) == {(True, False), (False, True)}
    assert again.curve(ask_next=True, new_items=True) is None
    scores = np.array([[1.0, 4.5]])
    same = [
        x.curve(ask_next=True, new_items=False).probabilities(scores, np.array([3]))
        for x in (calibration, again)
    ]
    assert same[0].tolist() == same[1].tolist()
    assert not Calibration.restore({}).curves


def test_without_a_calibration_there_is_the_logistic_function() -> None:
    np.testing.assert_allclose(uncalibrated(np.array([0.0, np.log(3), -np.log(3)])), [1 / 2, 3 / 4, 1 / 4])


def test_restored_curves_answer_the_same_kind_of_question() -> None:
    assert set(Calibration.restore(Calibration({(True, False): by_hand()}).arrays()).curves) == {
        (True, False)
    }
