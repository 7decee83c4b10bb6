"""The time and the words of `trailmix train --budget`."""

import pytest

from kg.errors import UsageError
from scripts.durations import parse_duration
from scripts.train import metrics_text, tuned_text


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("1h30m", 5400), ("45", 45)])
def test_budgets(text, seconds) -> None:
    assert parse_duration(text, "--budget") == seconds


@pytest.mark.parametrize("text", ["", "0m", "ten", "5d", "-3m", "m"])
def test_what_is_no_time_is_refused(text) -> None:
    with pytest.raises(UsageError, match="10m"):
        parse_duration(text, "--budget")


def test_what_was_found_is_told() -> None:
    tuned = {
        "trials": 3,
        "ndcg": 0.25,
        "ndcg_before": 0.2,
        "changed": {"ranker.boosters.leaves": 9, "shown": 0.41234},
    }
    assert tuned_text(tuned).splitlines() == [
        "3 trials: NDCG 0.2000 before, 0.2500 at best",
        "  ranker.boosters.leaves = 9",
        "  shown = 0.4123",
    ]


def test_metrics_are_a_table() -> None:
    table = {"trailmix": {"ndcg@20": 0.25, "users": 1234.0}, "ease": {"ndcg@20": 0.2, "users": 1234.0}}
    assert [line.split() for line in metrics_text(table).splitlines()] == [
        ["ndcg@20", "users"],
        ["trailmix", "0.2500", "1,234"],
        ["ease", "0.2000", "1,234"],
    ]


def test_a_method_without_a_metric_has_an_empty_cell() -> None:
    table = {
        "trailmix": {"ndcg@20": 0.25, "ece@20": 0.0125, "users": 7.0},
        "ease": {"ndcg@20": 0.2, "users": 7.0},
    }
    lines = metrics_text(table).splitlines()
    assert [line.split() for line in lines[1:]] == [
        ["trailmix", "0.2500", "0.0125", "7"],
        ["ease", "0.2000", "7"],
    ]
    assert lines[2].index("7") == lines[1].rindex("7"), "the last column"
