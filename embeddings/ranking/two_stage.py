"""The two-stage recommender: the scorers' candidates, ranked. Loads no torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from embeddings.candidates.ensemble import ScorerEnsemble
from embeddings.candidates.select import CandidateConfig
from embeddings.candidates.specs import fixed_weights
from embeddings.data.dataset import Histories
from embeddings.data.threads import in_parallel, single_blas_thread
from embeddings.ranking.calibration import CalibrationCurve, uncalibrated
from embeddings.ranking.features import (
    BLENDED_SCORE,
    CandidateFeatures,
    FeatureConfig,
    ItemFeatures,
    candidate_features,
)
from embeddings.ranking.fixed_weights import summed, weighted_scores
from embeddings.ranking.ranker import BASE_VALUE, Ranker
from kg.graph import BoolArray, Float64Array, FloatArray, IntArray

Contributions = Callable[[IntArray], dict[str, FloatArray]]

_BELOW = 1e-3
"""How far the best item that is no candidate stands below the last candidate."""


@dataclass(frozen=True)
class TwoStageConfig:
    """How candidates are selected and described, in training and in serving."""

    candidates: CandidateConfig = field(default_factory=CandidateConfig)
    features: FeatureConfig = field(default_factory=FeatureConfig)


@dataclass(frozen=True, eq=False)
class TwoStageRecommender:
    """A scorer ensemble, and the ranker of its candidates."""

    ensemble: ScorerEnsemble
    items: ItemFeatures
    ranker: Ranker
    config: TwoStageConfig

    def candidate_features(
        self,
        histories: Histories,
        allowed: BoolArray | None = None,
        factors: Mapping[str, float] | None = None,
    ) -> CandidateFeatures:
        """The candidates of some users, among the `allowed` items alone, bool [n_items]."""
        config = self.config
        return candidate_features(
            *(histories, self.ensemble, self.items, config.candidates, config.features),
            allowed=allowed,
            factors=factors,
        )

    def score(self, histories: Histories) -> FloatArray:
        """Float32 [users, n_items]. Each user alone, so that scores do not depend on the other users."""
        users = (histories.select(np.array([n])) for n in range(len(histories)))
        with single_blas_thread():
            rows = list(in_parallel(lambda user: self.score_one(user)[0], users))
        return np.stack(rows) if rows else np.zeros((0, histories.n_items), np.float32)

    def score_one(
        self,
        history: Histories,
        allowed: BoolArray | None = None,
        factors: Mapping[str, float] | None = None,
    ) -> tuple[FloatArray, Contributions]:
        """Scores of all items for one user, float32 [n_items], and their contributions by score column.

        Only the `allowed` items, bool [n_items], are candidates, so that the ranker ranks them.

        Candidates have the ranker's scores; the other items stand below them in the order of the blended
        score. Where no ranker was learnt, all items have a weighted mean of scores, and those of the history
        stand below the others. The second value maps item numbers [m] to float32 [m] a column, which sum to
        the scores.

        The `factors` multiply what some score columns contribute: to the selection of candidates, to the
        scores of candidates, as the ranker's Shapley values have it, and to the weighted mean.
        """
        with single_blas_thread():  # too little work for several threads to share
            if not self.ranker.learnt:
                return self._by_fixed_weights(history, factors or {})
            candidates = self.candidate_features(history, allowed, factors)
            ranked = self.ranker.score(candidates)
            if factors:
                return self._with_factors(candidates, ranked, factors)
            scores = scores_of_all(candidates, ranked)[0]
        return scores, lambda items: self._contributions(candidates, scores, items)

    def calibrated(self, histories: Histories) -> bool:
        """Whether `probabilities` are measured ones: a ranker and its calibration were learnt."""
        return self._curve(histories) is not None

    def probabilities(self, histories: Histories, scores: FloatArray) -> Float64Array:
        """From scores [users, m] to probabilities, see `calibration`, in the same order, float64 [users, m].

        Where none were learnt they are of no meaning, but between 0 and 1 and in the same order, too.
        """
        curve = self._curve(histories)
        if curve is None:
            return uncalibrated(scores.astype(np.float64))
        return curve.probabilities(scores.astype(np.float64), histories.lengths)

    def _curve(self, histories: Histories) -> CalibrationCurve | None:
        """The calibration for a kind of question."""
        new_items = not bool(self.items.known.all())
        return self.ranker.calibration.curve(ask_next=histories.ask_next, new_items=new_items)

    def _with_factors(
        self, candidates: CandidateFeatures, ranked: FloatArray, factors: Mapping[str, float]
    ) -> tuple[FloatArray, Contributions]:
        """Every candidate's contributions, each times its factor, and their sums as scores."""
        valid = np.flatnonzero(candidates.items[0] >= 0)
        parts = self.ranker.contributions(candidates, valid, self.ensemble.score_columns)
        parts = {name: np.float32(factors.get(name, 1.0)) * own for name, own in parts.items()}
        ranked = ranked.copy()
        ranked[0, valid] = summed(parts)
        scores = scores_of_all(candidates, ranked)[0]
        place = np.full(len(scores), -1)
        place[candidates.items[0, valid]] = np.arange(len(valid))

        def contributions(items: IntArray) -> dict[str, FloatArray]:
            own = place[items]
            found = {name: np.where(own >= 0, column[own], np.float32(0)) for name, column in parts.items()}
            blended = np.where(own >= 0, found[BLENDED_SCORE], scores[items])
            return {**found, BLENDED_SCORE: blended.astype(np.float32)}

        return scores, contributions

    def _by_fixed_weights(
        self, history: Histories, factors: Mapping[str, float]
    ) -> tuple[FloatArray, Contributions]:
        weights = self.ranker.shrunk_weights or fixed_weights(self.ensemble.specs)
        scored = weighted_scores(history, self.ensemble, weights)
        columns = {name: np.float32(factors.get(name, 1.0)) * own[0] for name, own in scored.items()}
        scores = summed(columns)
        lowered = np.zeros_like(scores)
        if len(history.items):
            lowered[history.items] = scores.min() - scores.max() - np.float32(_BELOW)
        columns[BASE_VALUE] = lowered
        return summed(columns), lambda items: {name: own[items] for name, own in columns.items()}

    def _contributions(
        self, candidates: CandidateFeatures, scores: FloatArray, items: IntArray
    ) -> dict[str, FloatArray]:
        place = np.full(len(scores), -1)
        valid = candidates.items[0] >= 0
        place[candidates.items[0][valid]] = np.flatnonzero(valid)
        ranked = place[items] >= 0
        found = {BLENDED_SCORE: np.where(ranked, 0.0, scores[items]).astype(np.float32)}
        columns = self.ensemble.score_columns
        for name, values in self.ranker.contributions(candidates, place[items[ranked]], columns).items():
            part = found.setdefault(name, np.zeros(len(items), np.float32))
            part[ranked] += values
        return found


def scores_of_all(candidates: CandidateFeatures, ranked: FloatArray) -> FloatArray:
    """Scores of all items [b, n_items]: the ranker's [b, c] for candidates, below them the blended score."""
    scores = candidates.blended_score - candidates.blended_score.max(axis=1, keepdims=True)
    lowest = np.where(np.isfinite(ranked), ranked, np.inf).min(axis=1, initial=np.inf, keepdims=True)
    scores += np.where(np.isfinite(lowest), lowest, 0.0) - _BELOW
    rows, places = np.nonzero(candidates.items >= 0)
    scores[rows, candidates.items[rows, places]] = ranked[rows, places]
    return np.asarray(scores, np.float32)
