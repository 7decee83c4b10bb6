"""The clock and the words of `trailmix train --budget`."""

import pytest

from kg.errors import UsageError
from scripts.train import Clock, parse_budget, tuned_text


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("1h30m", 5400), ("45", 45)])
def test_budgets(text, seconds) -> None:
    assert parse_budget(text) == seconds


@pytest.mark.parametrize("text", ["", "0m", "ten", "5d", "-3m", "m"])
def test_what_is_no_time_is_refused(text) -> None:
    with pytest.raises(UsageError, match="10m"):
        parse_budget(text)


def test_the_clock_leaves_time_for_a_trial_as_long_as_the_longest() -> None:
    """100 s: after trials of 30 and 20 s, at 50, a third of 30 fits; at 75, a fourth of 30 does not."""
    times = iter([0.0, 30.0, 50.0, 75.0])
    clock = Clock(100.0, lambda: next(times))
    assert [clock.allows() for _ in range(3)] == [True, True, False]


def test_what_was_found_is_told() -> None:
    tuned = {"trials": 3, "ndcg": 0.25, "ndcg_before": 0.2, "changed": {"ranker.leaves": 9, "shown": 0.41234}}
    assert tuned_text(tuned).splitlines() == [
        "3 trials: NDCG 0.2000 before, 0.2500 at best",
        "  ranker.leaves = 9",
        "  shown = 0.4123",
    ]
