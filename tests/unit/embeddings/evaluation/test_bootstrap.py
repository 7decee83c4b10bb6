import numpy as np
import pytest

from embeddings.evaluation.bootstrap import Interval, compare, mean_interval


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


def test_batches_change_nothing(monkeypatch) -> None:
    values, baseline = np.random.default_rng(3).random((2, 50))
    whole = compare(values, baseline, "ease")
    monkeypatch.setattr("embeddings.evaluation.bootstrap.CELLS", 10)
    assert compare(values, baseline, "ease") == whole


def test_intervals_are_those_of_a_slow_bootstrap() -> None:
    """One resample at a time; ends agree within the error of 2,000 resamples, 1/15 of the width."""
    rng = np.random.default_rng(4)
    baseline = rng.random(60)
    values = baseline + 0.2 * rng.random(60)
    found = compare(values, baseline, "ease")
    drawn = [rng.integers(60, size=60) for _ in range(2000)]
    for interval, statistics in (
        (found.difference, [(values[i] - baseline[i]).mean() for i in drawn]),
        (found.ratio, [values[i].mean() / baseline[i].mean() for i in drawn]),
        (mean_interval(values), [values[i].mean() for i in drawn]),
    ):
        low, high = np.percentile(statistics, [2.5, 97.5])
        assert (interval.low, interval.high) == pytest.approx((low, high), abs=(high - low) / 15)


def test_nothing_and_nobody() -> None:
    assert mean_interval(np.zeros(0)).value == 0.0
    assert compare(np.zeros(3), np.zeros(3), "x").ratio.value == 1.0
    assert compare(np.ones(3), np.zeros(3), "x").ratio.value == float("inf")


def test_ratios_to_nothing_have_an_interval() -> None:
    """Of 4 users only one has a baseline; 0.75 ^ 4 = 32 % of the resamples miss that user."""
    found = compare(np.ones(4), np.array([1.0, 0, 0, 0]), "x").ratio
    assert (found.value, found.high) == (4.0, float("inf"))
    assert found.low == pytest.approx(4 / 3)  # that user 3 times or more of 4: 5 %; 4 times: 0.4 %


def test_one_user_is_certain() -> None:
    assert mean_interval(np.array([0.5])) == Interval(0.5, 0.5, 0.5)
    assert mean_interval(np.zeros(0)) == Interval(0.0, 0.0, 0.0)
