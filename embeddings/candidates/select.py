"""Candidate selection: which known and which new items of a user go on to the ranker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

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
    """The weighted mean of the selecting columns, by which candidates were selected, float32 [b, n_items]."""
    unrestricted: "Candidates | None" = None
    """The candidates that there would be if all items were allowed; None: all are."""


def select_candidates(
    histories: Histories,
    ensemble: ScorerEnsemble,
    config: CandidateConfig,
    excluded: BoolArray | None = None,
    allowed: BoolArray | None = None,
    factors: Mapping[str, float] | None = None,
) -> Candidates:
    """Score all items and keep the best known and the best new ones of each user.

    Items of the user's history are no candidates, nor are the `excluded` ones, bool [n_items]. Of the others
    only the `allowed` ones are, bool [n_items]; the result tells what would be candidates without that. The
    `factors` multiply the weights of some score columns where candidates are selected, and in the blended
    score of all items; the blended score among the candidates' score columns stays as the ranker learnt it.
    """
    known, new = ensemble.known_items, ensemble.new_items
    scores = ensemble.score(histories)
    weights = known_item_weights(ensemble.specs) or dict.fromkeys(scores.dense_names, 1.0)
    sources = [name for name, spec in ensemble.specs.items() if spec.extrapolated] if len(new) else []
    used = list(dict.fromkeys([*weights, *sources]))
    rows = [scores.dense_names.index(name) for name in used]
    compressed = dict(zip(used, arcsinh(scores.dense[rows]), strict=True))
    columns = _Columns(ensemble, scores, [compressed[name] for name in sources])
    shape = (len(histories), histories.n_items)
    blended_score = _blended(compressed, weights, shape)
    selecting_score = _blended(compressed, multiplied(weights, factors), shape) if factors else blended_score
    of_all_new = np.zeros((len(ensemble.score_columns), len(histories), 0), np.float32)
    if len(new):
        of_all_new = columns.score_items(new)
        weights = new_item_weights(ensemble.specs) or dict.fromkeys(ensemble.score_columns, 1.0)
        named = dict(zip(ensemble.score_columns, of_all_new, strict=True))
        selecting = {name: arcsinh(named[name]) for name in weights}
        blended_score[:, new] = _blended(selecting, weights, (len(histories), len(new)))
        if factors:
            own = multiplied(weights, factors)
            selecting_score[:, new] = _blended(selecting, own, (len(histories), len(new)))
    masked = _masked(selecting_score, histories, excluded)
    place = np.zeros(histories.n_items, np.int64)
    place[new] = np.arange(len(new))

    def best(masked: FloatArray) -> Candidates:
        of_known, of_new = _top(masked, known, config.known_items), _top(masked, new, config.new_items)
        both = [
            np.concatenate([own, _take(blended_score[None], items)])
            for items, own in (
                (of_known, columns.score_candidates(of_known)),
                (of_new, _take(of_all_new, place[of_new])),
            )
        ]
        items = np.concatenate([of_known, of_new], axis=1)
        return Candidates(items, of_known.shape[1], np.concatenate(both, axis=2), selecting_score)

    if allowed is None:
        return best(masked)
    return replace(best(np.where(allowed, masked, -np.inf)), unrestricted=best(masked))


def multiplied(weights: Mapping[str, float], factors: Mapping[str, float]) -> dict[str, float]:
    """The weights, each times its factor, or times 1."""
    return {name: weight * factors.get(name, 1.0) for name, weight in weights.items()}


class _Columns:
    """All score columns of some users; where nothing is extrapolated, those columns are NaN."""

    def __init__(
        self, ensemble: ScorerEnsemble, scores: EnsembleScores, extrapolated: Sequence[FloatArray]
    ) -> None:
        """`extrapolated` are the scores [b, n_items] to extrapolate, in the order of the scorers."""
        self._scores, self._extrapolator = scores, ensemble.extrapolator
        self._n_missing = 0 if extrapolated else len(ensemble.score_columns) - len(ensemble.scorers)
        self._sources = np.stack(extrapolated) if extrapolated else None
        self._weights = None if self._sources is None else self._extrapolator.content_weights(self._sources)

    def score_items(self, items: IntArray) -> FloatArray:
        """Of some items [m], the same for every user, float32 [columns, b, m]."""
        scored = self._scores.score_items(items)
        if self._sources is None or self._weights is None:
            return self._padded(scored)
        return np.concatenate([scored, self._extrapolator.score_items(self._sources, self._weights, items)])

    def score_candidates(self, candidates: IntArray) -> FloatArray:
        """Of each user's own candidates [b, c], float32 [columns, b, c]."""
        scored = self._scores.score_candidates(candidates)
        if self._sources is None or self._weights is None:
            return self._padded(scored)
        found = self._extrapolator.score_candidates(self._sources, self._weights, candidates)
        return np.concatenate([scored, found])

    def _padded(self, scored: FloatArray) -> FloatArray:
        missing = np.full((self._n_missing, *scored.shape[1:]), np.nan, np.float32)
        return np.concatenate([scored, missing])


def _masked(scores: FloatArray, histories: Histories, excluded: BoolArray | None) -> FloatArray:
    """Scores [b, n_items] with -inf for what may not be recommended."""
    allowed = scores.copy()
    if excluded is not None:
        allowed[:, excluded] = -np.inf
    allowed[np.repeat(np.arange(len(histories)), histories.lengths), histories.items] = -np.inf
    return allowed


def _blended(
    scores: Mapping[str, FloatArray], weights: Mapping[str, float], shape: tuple[int, int]
) -> FloatArray:
    """The weighted mean of the columns [b, items] that have a weight, float32 of that shape."""
    total, weight = np.zeros(shape, np.float32), 1e-6
    for name, own in weights.items():
        total += np.float32(own) * scores[name]
        weight += own
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
