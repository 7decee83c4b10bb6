"""Which methods an experiment measures, and what comes out of it by trial and user."""

from pathlib import Path

import numpy as np
import pytest
from small_library import ThemeEncoder, library

from embeddings.evaluation.experiment import (
    Experiment,
    benchmark_experiment,
    graph_experiment,
    method_names,
    named_methods,
    ndcg_by_user,
    result_tables,
    run_experiment,
)
from embeddings.evaluation.protocols import PROTOCOLS
from embeddings.evaluation.trials import METHODS, OURS, Method
from embeddings.graph.configs import KgeConfig
from kg.errors import DataError, MissingDataError, UsageError


class Letters:
    """An encoder: how many of the letters a, b, c and d a text has."""

    name = "letters"
    dim = 4

    def encode(self, texts, report=None):
        return np.array([[text.count(letter) for letter in "abcd"] for text in texts], np.float32)


def constant(name, scores):
    """A method that scores items alike for every user."""
    return Method(name, (None,), lambda data, _: lambda asked: np.tile(scores, (len(asked), 1)))


def test_what_to_measure() -> None:
    assert method_names(["ease", "ease"]) == ["ease"]
    assert method_names(None)[:2] == [OURS, "popularity"]
    assert {"ease_with_content", "als", OURS} <= set(method_names(["all"]))
    with pytest.raises(UsageError, match="'eas'"):
        method_names(["eas"])


def test_the_model_is_the_one_given_and_the_embedding_is_that_of_scorers() -> None:
    model = constant(OURS, np.zeros(3))
    ours, kge, gnn, ease = named_methods([OURS, "kge", "gnn", "ease"], model, "rotate", 0)
    assert ours is model
    assert [config.kge.model for config in gnn.grid] == ["rotate"]
    assert [config.model for config in kge.grid] == ["rotate"]
    assert ease.grid == named_methods(["ease"], model, None, 0)[0].grid
    assert named_methods(["kge"], model, None, 0)[0].grid[0].model == KgeConfig().model


def test_an_unknown_split_is_named(snapshot) -> None:
    with pytest.raises(UsageError, match="'weekly'; there are random, next, future"):
        graph_experiment(snapshot, Letters(), "weekly", 0)


@pytest.fixture(scope="module")
def experiment(snapshot) -> Experiment:
    return graph_experiment(snapshot, Letters(), "random", 2)


def test_each_method_has_a_result_in_each_trial(experiment) -> None:
    n_items = len(experiment.items)
    up, down = np.arange(n_items, dtype=np.float32), -np.arange(n_items, dtype=np.float32)
    results = run_experiment(experiment, [constant(OURS, up), constant("down", down)], k=3, depth=5)
    (trial, found), *others = results.by_trial()
    assert (trial.name, [result.name for result in found], others) == ("random", [OURS, "down"], [])
    (table,) = result_tables(results)
    assert (table.baseline, [row.method for row in table.rows]) == ("down", [OURS, "down"])
    by_user = ndcg_by_user(results)["random"]
    assert set(by_user["users"]) <= set(experiment.users)
    for name, row in zip((OURS, "down"), table.rows, strict=True):
        assert np.mean(by_user["ndcg"][name]) == pytest.approx(row.metrics["ndcg@3"], abs=1e-6)


def test_every_method_is_documented() -> None:
    text = (Path(__file__).parents[4] / "docs" / "evaluation.md").read_text(encoding="utf-8")
    assert [name for name in METHODS if f"`{name}`" not in text] == []


def test_all_leaves_out_what_the_folder_has_no_data_for(tmp_path) -> None:
    """Without timestamps, user_cold/ and item_cold/ only warm remains; a protocol asked for by name fails."""
    events = "user\titem\n" + "".join(f"{u}\t{i}\n" for u in range(4) for i in range(4) if u != i)
    for name in ("interactions", *(f"warm/{part}" for part in ("train", "valid", "test"))):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.tsv").write_text(events)
    found = benchmark_experiment(tmp_path, Letters(), "all", 0)
    assert [trial.name for trial in found.trials] == ["warm"]
    assert list(found.left_out) == [name for name in PROTOCOLS if name != "warm"]
    assert "needs the time of every interaction; 12 of 12 have none" in found.left_out["next"]
    assert "user_cold" in found.left_out["new_users_1"]
    with pytest.raises(MissingDataError, match=r"item_cold.*train\.tsv: is missing"):
        benchmark_experiment(tmp_path, Letters(), "mixed", 0)
    for part in ("train", "valid", "test"):
        (tmp_path / "warm" / f"{part}.tsv").unlink()
    with pytest.raises(MissingDataError, match="time of every interaction"):
        benchmark_experiment(tmp_path, Letters(), "all", 0)


@pytest.mark.parametrize(
    "loans",
    [(), ((0, 0),), ((0, 0), (0, 6), (1, 7), (1, 8)), tuple((0, n, 1) for n in range(9))],
    ids=["no event", "one", "two of each user", "none liked"],
)
def test_without_a_held_out_event_there_is_nothing_to_measure(loans) -> None:
    """A user needs three items for one of them to be held out by a random split."""
    experiment = graph_experiment(library(loans), ThemeEncoder(), "random", 0)
    with pytest.raises(DataError, match="trial random: no liked event is held out"):
        run_experiment(experiment, [constant(OURS, np.zeros(30))], 5)


def test_a_few_events_are_measured_by_tables_too() -> None:
    """By time the last event is held out, that of a reader without any before: there is no history."""
    experiment = graph_experiment(library([(0, 0), (0, 6), (1, 7)]), ThemeEncoder(), "future", 0)
    scores = np.zeros(30)
    scores[7] = 1.0
    (table,) = result_tables(run_experiment(experiment, [constant(OURS, scores)], 5))
    assert table.users == 1
    assert table.rows[0].metrics["ndcg@5"] == 1.0
    assert table.rows[0].metrics["miscalibration@5"] == 0.0
