"""Ranking groups: the candidates that a ranker learns from, with what was relevant among them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kg.graph import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class RankingGroup:
    """Candidates of some users to learn from, one query a user."""

    values: FloatArray
    """[rows, features]"""
    relevant: BoolArray
    """Whether the user went on to like the candidate [rows]."""
    sizes: IntArray
    """Rows a query."""

    def select_rows(self, rows: BoolArray) -> "RankingGroup":
        """Some rows, of those queries that have a relevant one among them."""
        query = np.repeat(np.arange(len(self.sizes)), self.sizes)
        useful = np.bincount(query[rows & self.relevant], minlength=len(self.sizes)) > 0
        rows = rows & useful[query]
        if rows.all():  # a copy would take much of the memory of a training
            return self
        sizes = np.bincount(query[rows], minlength=len(self.sizes))
        return RankingGroup(self.values[rows], self.relevant[rows], sizes[sizes > 0])


@dataclass(frozen=True, eq=False)
class RankerGroups:
    """What the parts of a ranker learn from."""

    all_items: Sequence[RankingGroup]
    """Known and new items together."""
    known_items: Sequence[RankingGroup]
    """Known items, where relevant items are of any time."""
    next_items: Sequence[RankingGroup]
    """Known items, where relevant items come after the history; empty: nothing tells what comes next."""
