"""Training the model in use."""

from embeddings.training.latest import TimeBudget


def test_the_budget_leaves_time_for_a_trial_as_long_as_the_longest() -> None:
    """100 s: after trials of 30 and 20 s, at 50, a third of 30 fits; at 75, a fourth of 30 does not."""
    times = iter([0.0, 30.0, 50.0, 75.0])
    budget = TimeBudget(100.0, lambda: next(times))
    assert [budget.allows() for _ in range(3)] == [True, True, False]
