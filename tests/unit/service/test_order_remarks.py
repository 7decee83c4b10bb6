"""Which ranks of a list are said to be in arbitrary order."""

import numpy as np
import pytest

from embeddings.model.manifest import Manifest
from service.order_remarks import tie_remark

LEARNT = Manifest(seed=0, snapshot="", nodes="", encoder="", config={}, inputs="", versions={}, metrics={})
FIXED = LEARNT.model_copy(update={"ranked_by": "too few events"})
ALL = np.ones(6, bool)


def ranks(scores, items, manifest=FIXED, allowed=ALL):
    found = tie_remark(np.array(scores, np.float32), allowed, items, manifest)
    return found and found[1].removeprefix("nothing that is known tells ").partition(" apart:")[0]


@pytest.mark.parametrize(
    ("scores", "items", "said"),
    [
        ([6, 5, 4, 3, 2, 1], [0, 1, 2], None),
        ([6, 5, 5, 3, 2, 1], [0, 1, 2], "the items of equal scores (ranks 2-3)"),
        ([6, 5, 4, 4, 2, 1], [0, 1, 2], "the items of equal scores (rank 3)"),
        ([6, 6, 5, 4, 4, 1], [0, 1, 2, 3, 4], "the items of equal scores (ranks 1-2, 4-5)"),
        ([6, 5, 4, 3, 3, 3], [0, 1, 2], None),
        ([6, 6, 5, 5, 2, 1], [0, 1, 2, 3], "the items of equal scores (ranks 1-2, 3-4)"),
        ([6, 6, 6, 5, 5, 1], [0, 1, 2, 3], "the items of equal scores (ranks 1-3, 4)"),
        ([1, 1, 1, 1, 1, 1], [3, 0], "these items"),
        ([1, 1 + 2e-7, 1, 1, 1, 1], [1, 3], "these items"),
        ([1, 1, 1, 1, 1, 1], [], None),
    ],
    ids=str,
)
def test_ranks_of_equal_scores_by_fixed_weights(scores, items, said) -> None:
    assert ranks(scores, items) == said


def test_of_a_learnt_ranker_only_a_list_of_equal_scores_is_remarked_on() -> None:
    assert ranks([6, 5, 5, 3, 2, 1], [0, 1, 2], LEARNT) is None
    assert ranks([1, 1, 1, 1, 1, 1], [0, 1, 2], LEARNT) == "these items"


def test_what_is_left_out_is_no_tie() -> None:
    allowed = np.array([True, True, True, False, False, False])
    assert ranks([3, 2, 1, 3, 2, 1], [0, 1, 2], FIXED, allowed) is None
    assert ranks([1, 9, 9, 9, 9, 9], [0], LEARNT, np.arange(6) == 0) is None
