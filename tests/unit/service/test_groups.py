"""One item of a group, worked by hand: items 0 and 3 are one group, 1, 2 and 4 another, 5 has none."""

import numpy as np
import pytest

from embeddings.data.ties import tie_order
from service.groups import ItemGroups

GROUP = np.array([0, 1, 1, 0, 1, 5])


@pytest.fixture
def groups() -> ItemGroups:
    return ItemGroups(GROUP)


def test_the_best_allowed_item_of_each_group_is_kept(groups: ItemGroups) -> None:
    scores = np.array([1, 5, 7, 2, 6, 0], np.float32)
    everything = np.ones(6, bool)
    assert groups.best_only(scores, everything).tolist() == [False, False, True, True, False, True]
    without_two = np.array([True, True, False, True, True, True])
    assert groups.best_only(scores, without_two).tolist() == [False, False, False, True, True, True]
    assert everything.all(), "what was allowed is not changed"


def test_ties_are_ordered_as_everywhere(groups: ItemGroups) -> None:
    kept = groups.best_only(np.zeros(6, np.float32), np.ones(6, bool))
    order = tie_order(6).tolist()
    assert np.flatnonzero(kept).tolist() == sorted(
        [min((0, 3), key=order.index), min((1, 2, 4), key=order.index), 5]
    )


@pytest.mark.parametrize(
    ("given", "spread"),
    [([3], [0, 3]), ([1, 5], [1, 2, 4, 5]), ([5], [5]), ([], []), ([0, 4], [0, 1, 2, 3, 4])],
)
def test_an_item_stands_for_its_group(groups: ItemGroups, given: list[int], spread: list[int]) -> None:
    items = np.zeros(6, bool)
    items[given] = True
    groups.spread(items)
    assert np.flatnonzero(items).tolist() == spread


def test_without_groups_all_stay() -> None:
    groups = ItemGroups(np.arange(3))
    allowed = np.array([True, False, True])
    assert groups.best_only(np.arange(3, dtype=np.float32), allowed) is allowed
    groups.spread(allowed)
    assert allowed.tolist() == [True, False, True]
