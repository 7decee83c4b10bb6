"""Boosted trees compiled for scoring: QuickScorer over the rows of one request.

The leaves of a tree are numbered from left to right, and a row begins with a bit set for each. Every node
whose test sends the row to the right clears the bits of the leaves at its left, so the lowest bit that stays
is the row's leaf (Lucchese et al. 2015; over many rows at a time, 2016). No test waits for another one, so
the processor tests several rows at once. The sum is that of LightGBM's own prediction, to the last bit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from kg.compiled import compiled
from kg.graph import BoolArray, Float64Array, FloatArray, NodeArray

MAX_LEAVES = 64
"""Leaves a tree may have: one bit each."""

_BLOCK = 512
"""Rows at a time, so that their bits and columns stay in the processor's cache."""

_DEFAULT_LEFT = 2
_MISSING_TYPE_SHIFT, _MISSING_IS_NAN = 2, 2
"""The bits of LightGBM's `decision_type`: where missing values go, and which values are missing."""

MaskArray = npt.NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class CompiledTrees:
    """The trees of one booster: tree t has the nodes from `node_starts[t]`, leaves from `leaf_starts[t]`."""

    node_starts: NodeArray
    leaf_starts: NodeArray
    features: NodeArray
    thresholds: FloatArray
    """The largest float32 that LightGBM's float64 threshold reaches: float32 values fall on the same side."""
    nan_goes_right: BoolArray
    masks: MaskArray
    """The leaves that stay where a row goes to the right."""
    leaf_values: Float64Array

    @classmethod
    def of(cls, model: str) -> Self:
        """From LightGBM's text form.

        Raises:
            ValueError: a tree has more than `MAX_LEAVES` leaves, or a test that Trailmix never makes.
        """
        trees = [_fields(part) for part in model.split("\nTree=")[1:]]
        nodes: list[list[tuple[int, float, bool, int]]] = [_nodes(tree) for tree in trees]
        flat = [node for own in nodes for node in own]
        order = [_leaves_from_left(tree) for tree in trees]
        values = [
            np.array(tree["leaf_value"], np.float64)[own] for tree, own in zip(trees, order, strict=True)
        ]
        return cls(
            np.cumsum([0, *map(len, nodes)]).astype(np.int32),
            np.cumsum([0, *map(len, values)]).astype(np.int32),
            np.array([x[0] for x in flat], np.int32),
            _rounded_down(np.array([x[1] for x in flat], np.float64)),
            np.array([x[2] for x in flat], np.bool_),
            np.array([x[3] for x in flat], np.uint64),
            np.concatenate([*values, np.zeros(0)]),
        )

    def score(self, rows: FloatArray) -> Float64Array:
        """The sums over the trees for rows [n, features], float64 [n]."""
        found = np.zeros(len(rows))
        for start in range(0, len(rows), _BLOCK):
            block = slice(start, start + _BLOCK)
            columns = np.ascontiguousarray(rows[block].T)
            _add_scores(
                columns,
                self.node_starts,
                self.leaf_starts,
                self.features,
                self.thresholds,
                self.nan_goes_right,
                self.masks,
                self.leaf_values,
                _LOWEST_BIT,
                found[block],
            )
        return found


_DE_BRUIJN = 0x03F79D71B4CB0A89
_LOWEST_BIT = np.zeros(64, np.int64)
"""By the six highest bits of 2^n times the de Bruijn sequence: n (Leiserson et al. 1998)."""
_LOWEST_BIT[[(_DE_BRUIJN << n) % 2**64 >> 58 for n in range(64)]] = np.arange(64)


@compiled
def _add_scores(
    columns: FloatArray,
    node_starts: NodeArray,
    leaf_starts: NodeArray,
    features: NodeArray,
    thresholds: FloatArray,
    nan_goes_right: BoolArray,
    masks: MaskArray,
    leaf_values: Float64Array,
    lowest_bit: npt.NDArray[np.int64],
    found: Float64Array,
) -> None:
    n = columns.shape[1]
    stay = np.empty(n, np.uint64)
    every = np.uint64(0xFFFFFFFFFFFFFFFF)
    for tree in range(len(node_starts) - 1):
        stay[:] = every
        for node in range(node_starts[tree], node_starts[tree + 1]):
            column, threshold, mask = columns[features[node]], thresholds[node], masks[node]
            if nan_goes_right[node]:
                for row in range(n):
                    stay[row] &= every if column[row] <= threshold else mask
            else:
                for row in range(n):
                    stay[row] &= mask if column[row] > threshold else every
        first = leaf_starts[tree]
        for row in range(n):
            lowest = stay[row] & (~stay[row] + np.uint64(1))
            found[row] += leaf_values[first + lowest_bit[(lowest * np.uint64(_DE_BRUIJN)) >> np.uint64(58)]]


def _fields(part: str) -> dict[str, Any]:
    """The arrays of one tree, by name."""
    lines = (line.partition("=") for line in part.splitlines() if "=" in line)
    numbers = ("split_feature", "threshold", "decision_type", "left_child", "right_child", "leaf_value")
    return {name: [float(x) for x in values.split()] for name, _, values in lines if name in numbers}


def _nodes(tree: Mapping[str, Any]) -> list[tuple[int, float, bool, int]]:
    """Feature, threshold, whether NaN goes right, and mask of each node."""
    if not tree.get("split_feature"):
        return []
    place = {leaf: n for n, leaf in enumerate(_leaves_from_left(tree))}
    if len(place) > MAX_LEAVES:
        raise ValueError(f"a tree has {len(place)} leaves; there may be {MAX_LEAVES}")
    found = []
    for node, kind in enumerate(map(int, tree["decision_type"])):
        missing = kind >> _MISSING_TYPE_SHIFT
        if kind & 1 or missing not in (0, _MISSING_IS_NAN):
            raise ValueError(f"a tree has a test of the kind {kind}")
        threshold = tree["threshold"][node]
        # where no value is missing, LightGBM takes NaN for 0
        nan_goes_right = not kind & _DEFAULT_LEFT if missing else threshold < 0
        cleared = sum(1 << place[leaf] for leaf in _leaves_below(tree, int(tree["left_child"][node])))
        found.append((int(tree["split_feature"][node]), threshold, nan_goes_right, (2**64 - 1) & ~cleared))
    return found


def _leaves_from_left(tree: Mapping[str, Any]) -> list[int]:
    return _leaves_below(tree, 0) if tree.get("split_feature") else [0]


def _leaves_below(tree: Mapping[str, Any], node: int) -> list[int]:
    """The leaves below a node, from left to right; a leaf is written as -1 less its number."""
    if node < 0:
        return [-1 - node]
    sides: Sequence[float] = (tree["left_child"][node], tree["right_child"][node])
    return [leaf for side in sides for leaf in _leaves_below(tree, int(side))]


def _rounded_down(thresholds: Float64Array) -> FloatArray:
    """The largest float32 that is at most each threshold."""
    with np.errstate(over="ignore"):
        near = thresholds.astype(np.float32)
    below = np.nextafter(near, np.float32(-np.inf))
    return np.where(near.astype(np.float64) > thresholds, below, near)
