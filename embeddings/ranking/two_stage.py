"""The fused model's score: scorers' candidates, ranked. Loads no torch."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from threadpoolctl import ThreadpoolController

from embeddings.candidates.ensemble import ScorerEnsemble
from embeddings.data.dataset import Histories
from embeddings.ranking.features import CandidateFeatures, Items, candidate_features
from embeddings.ranking.ranker import Ranker
from kg.graph import FloatArray, IntArray

Contributions = Callable[[IntArray], dict[str, FloatArray]]


@dataclass(frozen=True, eq=False)
class Fitted:
    """Scorers and the ranker over their candidates."""

    panel: ScorerEnsemble
    items: Items
    ranker: Ranker

    def score(self, histories: Histories) -> FloatArray:
        """Float32 [users, n_items]. Each user alone, so that nobody's scores depend on who else asks."""
        rows = [self.score_one(histories.select(np.array([n])))[0] for n in range(len(histories))]
        return np.stack(rows) if rows else np.zeros((0, histories.n_items), np.float32)

    def score_one(self, user: Histories) -> tuple[FloatArray, Contributions]:
        """Float32 [n_items]: candidates by the ranker, all others below them by the blended score.

        And a function from items to what each scorer contributed to their scores.
        """
        with blas().limit(limits=1, user_api="blas"):  # too little for several threads to share
            page = candidate_features(user, self.panel, self.items)
            total = spread_out(page, self.ranker.score(page))[0]
        return total, lambda items: self._contributions(page, total, items)

    def _contributions(
        self, page: CandidateFeatures, total: FloatArray, items: IntArray
    ) -> dict[str, FloatArray]:
        """Sums to the total; "prior" is what the user and the item alone give, without any scorer."""
        place = np.full(len(total), -1)
        place[page.items[0][page.items[0] >= 0]] = np.flatnonzero(page.items[0] >= 0)
        shown = place[items] >= 0
        parts = {"blended_score": np.where(shown, 0.0, total[items]).astype(np.float32)}
        for name, values in self.ranker.contributions(
            page, place[items[shown]], self.panel.score_columns
        ).items():
            part = parts.setdefault(name, np.zeros(len(items), np.float32))
            part[shown] += values
        return parts


@cache
def blas() -> ThreadpoolController:
    """The libraries that count."""
    return ThreadpoolController()


def spread_out(page: CandidateFeatures, ranked: FloatArray) -> FloatArray:
    """The ranker's scores [b, c] where there are candidates; others below the last, by the blended score."""
    total = page.blended_score - page.blended_score.max(axis=1, keepdims=True)
    lowest = np.where(np.isfinite(ranked), ranked, np.inf).min(axis=1, initial=np.inf, keepdims=True)
    total += np.where(np.isfinite(lowest), lowest, 0.0) - 1e-3
    rows, places = np.nonzero(page.items >= 0)
    total[rows, page.items[rows, places]] = ranked[rows, places]
    return np.asarray(total, np.float32)
