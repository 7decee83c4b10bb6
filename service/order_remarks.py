"""Remarks on the order of a list: what it rests on where little is known, and where it is arbitrary."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from embeddings.model.manifest import Manifest
from kg.graph import BoolArray, FloatArray, GraphSnapshot, IntArray
from service.contract import SCORE_DECIMALS

_WHOLE_REQUEST = ""
"""The JSON Pointer of the request itself."""

PointedRemark = tuple[str, str]
"""A JSON Pointer, and what about the field."""


def order_remarks(snapshot: GraphSnapshot, manifest: Manifest) -> Iterator[PointedRemark]:
    """What the order rests on: a model without any liked event."""
    if manifest.ranked_by and not snapshot.interactions.liked.any():
        yield _WHOLE_REQUEST, manifest.ranked_by


def tie_remark(
    scores: FloatArray, allowed: BoolArray, items: Sequence[int], manifest: Manifest
) -> PointedRemark | None:
    """Which ranks have a score that other items have too; None where scores tell all items apart.

    Scores of a learnt ranker may be equal here and there; of these only a list is remarked on in which
    nothing tells any two items apart. `scores` and `allowed` are [n_items], `items` the list.
    """
    if not items or (not manifest.ranked_by and np.ptp(scores[allowed]) > 0):
        return None
    shown = np.round(scores[allowed].astype(np.float64), SCORE_DECIMALS)
    own = np.round(scores[list(items)].astype(np.float64), SCORE_DECIMALS)
    values, counts = np.unique(shown, return_counts=True)
    tied = np.flatnonzero(counts[np.searchsorted(values, own)] > 1)
    if not len(tied):
        return None
    which = (
        "these items" if np.ptp(own) == 0 else f"the items of equal scores ({_ranks(tied + 1, own[tied])})"
    )
    return _WHOLE_REQUEST, f"nothing that is known tells {which} apart: their order is fixed but arbitrary"


def _ranks(ranks: IntArray, scores: npt.NDArray[np.floating[Any]]) -> str:
    """Ascending ranks as a range for each of their scores: "ranks 1-4, 6"."""
    runs = np.split(ranks, np.flatnonzero(np.diff(scores)) + 1)
    ranges = [f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs]
    return f"rank{'s' if len(ranks) > 1 else ''} {', '.join(ranges)}"
