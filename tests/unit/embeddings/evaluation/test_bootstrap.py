import numpy as np
import pytest

from embeddings.evaluation.bootstrap import compare, mean_interval, resampled_means


def test_an_interval_of_a_mean_is_about_two_standard_errors() -> None:
    values = np.random.default_rng(1).normal(3.0, 2.0, 400)
    found = mean_interval(values)
    error = values.std() / 20
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - 1.96 * error, abs=0.3 * error)
    assert found.high == pytest.approx(values.mean() + 1.96 * error, abs=0.3 * error)


def test_pairs_are_drawn_together() -> None:
    """Always exactly .1 better: the difference is certain, however much users differ."""
    baseline = np.random.default_rng(2).random(100)
    found = compare(baseline + 0.1, baseline, "ease")
    assert (found.difference.low, found.difference.high) == pytest.approx((0.1, 0.1))
    assert found.ratio.low < found.ratio.value < found.ratio.high
    doubled = compare(2 * baseline, baseline, "ease")
    assert (doubled.ratio.low, doubled.ratio.value, doubled.ratio.high) == pytest.approx((2, 2, 2))


def test_draws_in_parts_are_means_of_users(monkeypatch) -> None:
    monkeypatch.setattr("embeddings.evaluation.bootstrap.CELLS", 10)
    means = resampled_means(np.array([[0.0, 1.0], [1.0, 0.0]]), seed=0, resamples=500)
    assert means.shape == (500, 2)
    assert set(means[:, 0]) == {0.0, 0.5, 1.0}
    assert (means.sum(axis=1) == 1).all()
    assert means[:, 0].mean() == pytest.approx(0.5, abs=0.06)


def test_nothing_and_nobody() -> None:
    assert mean_interval(np.zeros(0)).value == 0.0
    assert compare(np.zeros(3), np.zeros(3), "x").ratio.value == 1.0
    assert compare(np.ones(3), np.zeros(3), "x").ratio.value == float("inf")
