"""Candidate selection: which known and which new items of a user go on to the ranker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from embeddings.candidates.ensemble import EnsembleScores, ScorerEnsemble, arcsinh
from embeddings.candidates.specs import known_item_weights, new_item_weights
from embeddings.data.dataset import Histories
from kg.graph import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class CandidateConfig:
    """How many candidates a user has."""

    known_items: int = 128
    """Candidates among the items that have interactions."""
    new_items: int = 40
    """Candidates among the new items, those without any interaction."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """The candidates of some users with their first-stage scores."""

    items: IntArray
    """Item numbers, int64 [b, c], known items first, each group best first; -1 where there are fewer."""
    n_known: int
    """How many of the columns are for known items."""
    scores: FloatArray
    """The score columns of the ensemble, then the blended score, float32 [columns + 1, b, c]."""
    blended_score: FloatArray
    """The weighted mean of the selecting columns, float32 [b, n_items]."""


def select_candidates(
    histories: Histories,
    ensemble: ScorerEnsemble,
    config: CandidateConfig,
    excluded: BoolArray | None = None,
) -> Candidates:
    """Score all items and keep the best known and the best new ones of each user.

    Items of the user's history are no candidates, nor are the `excluded` ones, bool [n_items].
    """
    known, new = np.flatnonzero(ensemble.has_interactions), np.flatnonzero(~ensemble.has_interactions)
    scores = ensemble.score(histories)
    selecting = arcsinh(scores.dense)
    extrapolation = _Extrapolation(ensemble, scores, selecting)
    new_scores = np.concatenate([scores.score_items(new), extrapolation.score_items(new)])
    blended_score = _blended(selecting, scores.dense_names, known_item_weights(ensemble.specs))
    blended_score[:, new] = _blended(
        arcsinh(new_scores), ensemble.score_columns, new_item_weights(ensemble.specs)
    )
    allowed = _masked(blended_score, histories, excluded)
    of_known, of_new = _top(allowed, known, config.known_items), _top(allowed, new, config.new_items)
    place = np.zeros(len(ensemble.has_interactions), np.int64)
    place[new] = np.arange(len(new))
    columns = [
        np.concatenate([scores.score_candidates(of_known), extrapolation.score_candidates(of_known)]),
        _take(new_scores, place[of_new]),
    ]
    both = [
        np.concatenate([own, _take(blended_score[None], items)])
        for items, own in zip((of_known, of_new), columns, strict=True)
    ]
    items = np.concatenate([of_known, of_new], axis=1)
    return Candidates(items, of_known.shape[1], np.concatenate(both, axis=2), blended_score)


class _Extrapolation:
    """The extrapolated columns of some users' scores."""

    def __init__(self, ensemble: ScorerEnsemble, scores: EnsembleScores, selecting: FloatArray) -> None:
        sources = np.array([ensemble.specs[name].extrapolated for name in scores.dense_names], np.bool_)
        self._extrapolator, self._sources = ensemble.extrapolator, selecting[sources]
        self._weights = self._extrapolator.content_weights(self._sources)

    def score_items(self, items: IntArray) -> FloatArray:
        return self._extrapolator.score_items(self._sources, self._weights, items)

    def score_candidates(self, candidates: IntArray) -> FloatArray:
        return self._extrapolator.score_candidates(self._sources, self._weights, candidates)


def _masked(scores: FloatArray, histories: Histories, excluded: BoolArray | None) -> FloatArray:
    """Scores [b, n_items] with -inf for what may not be recommended."""
    allowed = scores.copy()
    if excluded is not None:
        allowed[:, excluded] = -np.inf
    allowed[np.repeat(np.arange(len(histories)), histories.lengths), histories.items] = -np.inf
    return allowed


def _blended(scores: FloatArray, names: Sequence[str], weights: Mapping[str, float]) -> FloatArray:
    """The weighted mean of the columns [v, b, items] that have a weight, float32 [b, items].

    `names` are the columns'. Where none of them has a weight they count the same.

    Raises:
        ValueError: a weight is for a column that does not exist.
    """
    if not names:
        return np.zeros(scores.shape[1:], np.float32)
    if weights and (unknown := [name for name in weights if name not in names]):
        raise ValueError(f"a selection weight for {unknown[0]!r}, which is no score column")
    if not weights:
        weights = dict.fromkeys(names, 1.0)
    total, weight = np.zeros(scores.shape[1:], np.float32), 1e-6
    for own, name in zip(scores, names, strict=True):
        if name in weights:
            total += np.float32(weights[name]) * own
            weight += weights[name]
    return np.asarray(total / np.float32(weight), np.float32)


def _top(scores: FloatArray, among: IntArray, count: int) -> IntArray:
    """The best of some items, best first, int64 [b, <= count]; -1 in place of scores of -inf."""
    count = min(count, len(among))
    if not count:
        return np.zeros((len(scores), 0), np.int64)
    own = scores[:, among]
    best = np.argpartition(-own, count - 1, axis=1)[:, :count]
    values = np.take_along_axis(own, best, 1)
    order = np.lexsort((best, -values), axis=1)
    best, values = np.take_along_axis(best, order, 1), np.take_along_axis(values, order, 1)
    return np.where(np.isfinite(values), among[best], -1)


def _take(scores: FloatArray, items: IntArray) -> FloatArray:
    """Scores [v, b, n_items] of items [b, c]: [v, b, c]."""
    rows = np.arange(len(items))[:, None]
    return scores[:, rows, items]
