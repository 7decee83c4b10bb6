"""Compiled trees against LightGBM's own prediction, and one tree by hand."""

import numpy as np
import pytest

from embeddings.ranking.boosters import BoosterConfig
from embeddings.ranking.compiled_trees import CompiledTrees

BY_HAND = """tree
Tree=0
num_leaves=3
split_feature=0 1
threshold=0.5 -1
decision_type=10 8
left_child=-1 -2
right_child=1 -3
leaf_value=1 2 4

Tree=1
num_leaves=1
split_feature=
left_child=
leaf_value=0.25

end of trees
"""
"""x0 <= 0.5, or missing: 1; else x1 <= -1: 2; else, or missing: 4. To each .25 is added."""


def test_a_tree_by_hand() -> None:
    rows = np.array([[0.5, 0], [0.6, -1], [0.6, -0.9], [np.nan, -5], [1, np.nan]], np.float32)
    assert CompiledTrees.of(BY_HAND).score(rows).tolist() == [1.25, 2.25, 4.25, 1.25, 4.25]
    assert CompiledTrees.of(BY_HAND).score(rows[:0]).tolist() == []


@pytest.mark.parametrize("use_missing", [True, False])
@pytest.mark.parametrize("leaves", [2, 12, 64])
def test_the_sums_are_those_of_lightgbm(leaves: int, use_missing: bool) -> None:
    """To the last bit, with missing values in training, in prediction and in neither; over several blocks."""
    import lightgbm

    rng = np.random.default_rng(0)
    rows = rng.normal(size=(1500, 6)).astype(np.float32)
    rows[:, 1] = rng.integers(0, 4, 1500)
    target = rows[:, 0] + (rows[:, 1] == 2) * rows[:, 2] + np.sin(3 * rows[:, 3])
    rows[rng.random((1500, 6)) < 0.2] = np.nan
    rows[:, 5] = rng.normal(size=1500)
    params = {"num_leaves": leaves, "min_data_in_leaf": 5, "verbosity": -1, "num_threads": 1}
    data = lightgbm.Dataset(rows, target, params={"use_missing": use_missing})
    booster = lightgbm.train(params | {"use_missing": use_missing}, data, 40)
    asked = rng.normal(size=(1300, 6)).astype(np.float32)
    asked[rng.random((1300, 6)) < 0.3] = np.nan
    expected = booster.predict(asked.astype(np.float64), raw_score=True, num_threads=1)
    found = CompiledTrees.of(booster.model_to_string()).score(asked)
    assert len(np.unique(expected)) > 20
    assert found.tolist() == expected.tolist()


def test_thresholds_between_two_floats() -> None:
    """1 + 2^-25 is no float32: the value 1 is below it and the next float32 above."""
    text = BY_HAND.replace("0.5 -1", f"{1 + 2**-25!r} -1")
    rows = np.array([[1, 0], [np.nextafter(np.float32(1), np.float32(2)), 0]], np.float32)
    assert CompiledTrees.of(text).score(rows).tolist() == [1.25, 4.25]


@pytest.mark.parametrize(("threshold", "expected"), [("0", 1.25), ("-1e-35", 4.25), ("0.5", 1.25)])
def test_where_nothing_was_missing_in_training_a_missing_value_counts_as_0(
    threshold: str, expected: float
) -> None:
    text = BY_HAND.replace("threshold=0.5", f"threshold={threshold}").replace("type=10 8", "type=2 2")
    assert CompiledTrees.of(text).score(np.array([[np.nan, 1]], np.float32)).tolist() == [expected]


def test_tests_of_other_kinds_are_errors() -> None:
    with pytest.raises(ValueError, match="a test of the kind 1"):
        CompiledTrees.of(BY_HAND.replace("decision_type=10 8", "decision_type=10 1"))
    with pytest.raises(ValueError, match="leaves is 65; there may be at most 64"):
        BoosterConfig(leaves=65)
