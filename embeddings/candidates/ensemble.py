"""The scorer ensemble: the first-stage scorers of a model and their standardized scores."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from embeddings.candidates.specs import ScorerSpec
from embeddings.data.cold_items import METHODS, ColdItemConfig, ColdItemExtrapolator
from embeddings.data.dataset import Dataset, Histories
from embeddings.data.item_features import ContentNeighbours
from embeddings.data.threads import in_parallel
from embeddings.data.vectors import unit_rows
from embeddings.scorers.base import Scorer
from kg.compiled import vectorized
from kg.graph import BoolArray, FloatArray, IntArray
from kg.progress import Report, silent

MIN_DEVIATION = 1e-6
"""Scores of a smaller standard deviation count as equal."""

_LOGARITHM = (
    *(-1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1),
    *(-1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1),
)
"""Coefficients of the polynomial, the highest power's, which stands in the code, left out."""


@dataclass(frozen=True, eq=False)
class SharedScorers:
    """What is learnt once, whichever events are held out."""

    scorers: Mapping[str, Scorer[Any]]
    """The content-only scorers of an ensemble, by name."""
    pretrained: Mapping[str, Callable[[Dataset], Scorer[Any]]]
    """How the pretrained scorers of an ensemble are fitted on some of the events, by name."""
    neighbours: ContentNeighbours

    @classmethod
    def fit(
        cls, dataset: Dataset, specs: Mapping[str, ScorerSpec], seed: int, report: Report = silent
    ) -> Self:
        """Fit the content-only scorers and find the content neighbours of all items."""
        own = {name: spec for name, spec in specs.items() if spec.scorer.content_only}
        fitted: dict[str, Scorer[Any]] = {}
        with ThreadPoolExecutor(1) as pool:
            neighbours = pool.submit(_neighbours_and_features, dataset)
            for done, (name, spec) in enumerate(own.items()):
                report("content scorers", done, len(own) + 1)
                fitted[name] = spec.fit(dataset, seed, report)
            report("content scorers", len(own), len(own) + 1)
            found = neighbours.result()
        report("content scorers", len(own) + 1, len(own) + 1)
        pretrained = {name: spec.pretrain(dataset, seed, report) for name, spec in specs.items()}
        return cls(fitted, {name: fit for name, fit in pretrained.items() if fit}, found)


def _neighbours_and_features(dataset: Dataset) -> ContentNeighbours:
    """The content neighbours; and compute the features of the extrapolation, which the dataset keeps."""
    _ = dataset.content.extrapolation_features
    return dataset.content_neighbours


@dataclass(frozen=True, eq=False)
class ScorerEnsemble:
    """Fitted scorers, and the extrapolation of their scores to items without interactions."""

    specs: Mapping[str, ScorerSpec]
    scorers: Mapping[str, Scorer[Any]]
    extrapolator: ColdItemExtrapolator
    has_interactions: BoolArray
    """Whether an item has any interaction, bool [n_items]; scores are standardized over these items."""
    standardizers: Mapping[str, "ScoreStandardizer"]
    """Of the scorers whose scores are computed for candidates alone."""

    @classmethod
    def of(
        cls,
        specs: Mapping[str, ScorerSpec],
        scorers: Mapping[str, Scorer[Any]],
        extrapolator: ColdItemExtrapolator,
        has_interactions: BoolArray,
    ) -> Self:
        """An ensemble of fitted scorers.

        A scorer that selects known items or is extrapolated scores all items. A linear scorer that does
        neither scores candidates alone, which saves most of the work of a request.
        """
        dense = {name for name, spec in specs.items() if spec.known_item_weight or spec.extrapolated}
        weights = uniform_over(has_interactions)
        standardizers = {
            name: ScoreStandardizer.of(scorer.item_vectors, weights)
            for name, scorer in scorers.items()
            if scorer.linear and dense and name not in dense
        }
        return cls(specs, scorers, extrapolator, has_interactions, standardizers)

    @classmethod
    def fit(
        cls,
        dataset: Dataset,
        specs: Mapping[str, ScorerSpec],
        shared_scorers: SharedScorers,
        cold_items: ColdItemConfig,
        seed: int,
        report: Report = silent,
    ) -> Self:
        """Fit each scorer on its own, several at a time, and the extrapolation."""

        def fit(name: str) -> Scorer[Any]:
            pretrained = shared_scorers.pretrained.get(name)
            return pretrained(dataset) if pretrained else specs[name].fit(dataset, seed, report)

        scorers: dict[str, Any] = {name: shared_scorers.scorers.get(name) for name in specs}
        missing = [name for name, scorer in scorers.items() if scorer is None]
        for done, (name, scorer) in enumerate(zip(missing, in_parallel(fit, missing), strict=True)):
            report("scorers", done, len(missing))
            scorers[name] = scorer
        report("scorers", len(missing), len(missing))
        extrapolator = ColdItemExtrapolator.fit(dataset, shared_scorers.neighbours, cold_items)
        return cls.of(specs, scorers, extrapolator, dataset.has_interactions)

    @property
    def score_columns(self) -> tuple[str, ...]:
        """The names of all score columns, in order: as `score_columns`."""
        return score_columns(self.specs)

    def node_vectors(self, n_nodes: int) -> FloatArray:
        """Unit vectors of items, then entities, float32 [n_nodes, d]: those of the last scorer that has any.

        Zeros where none has. The graph network stands after the embedding that it starts from.
        """
        vectors = (scorer.node_vectors for scorer in reversed([*self.scorers.values()]))
        found = next((own for own in vectors if own is not None), None)
        return np.zeros((n_nodes, 1), np.float32) if found is None else unit_rows(found)

    @cached_property
    def known_items(self) -> IntArray:
        """The items that have interactions, ascending."""
        return np.flatnonzero(self.has_interactions)

    @cached_property
    def new_items(self) -> IntArray:
        """The items that have none, ascending."""
        return np.flatnonzero(~self.has_interactions)

    def score(self, histories: Histories) -> "EnsembleScores":
        """The standardized scores of every scorer for some users."""
        names = tuple(name for name in self.scorers if name not in self.standardizers)
        dense = np.empty((len(names), len(histories), len(self.has_interactions)), np.float32)
        for row, name in enumerate(names):
            dense[row] = self.scorers[name].score(histories)
        lazy = {}
        for name, standardizer in self.standardizers.items():
            scorer = self.scorers[name]
            lazy[name] = standardizer.standardize(scorer.user_vectors(histories), scorer.item_vectors)
        return EnsembleScores(tuple(self.scorers), names, standardize(dense, self._weights), lazy)

    @cached_property
    def _weights(self) -> FloatArray:
        return uniform_over(self.has_interactions)


@dataclass(frozen=True, eq=False)
class EnsembleScores:
    """The scores of all scorers for some users, standardized over the items that have interactions.

    Dense scorers have scored all items; lazy ones score the items that are asked for.
    """

    names: tuple[str, ...]
    """All scorers, in the order of the columns."""
    dense_names: tuple[str, ...]
    dense: FloatArray
    """float32 [dense_names, users, n_items]"""
    lazy: Mapping[str, "LinearScores"]

    def score_items(self, items: IntArray) -> FloatArray:
        """Scores of some items [m], the same for every user, float32 [names, users, m]."""
        found = np.empty((len(self.names), self.dense.shape[1], len(items)), np.float32)
        found[self._dense_rows] = self.dense[:, :, items]
        for name, scores in self.lazy.items():
            found[self.names.index(name)] = scores.score_items(items)
        return found

    def score_candidates(self, candidates: IntArray) -> FloatArray:
        """Scores of each user's own candidates [b, c], float32 [names, b, c]."""
        found = np.empty((len(self.names), *candidates.shape), np.float32)
        found[self._dense_rows] = self.dense[:, np.arange(len(candidates))[:, None], candidates]
        for name, scores in self.lazy.items():
            found[self.names.index(name)] = scores.score_candidates(candidates)
        return found

    @property
    def _dense_rows(self) -> list[int]:
        return [self.names.index(name) for name in self.dense_names]


@dataclass(frozen=True, eq=False)
class LinearScores:
    """Standardized scores of a linear scorer: products of vectors, computed when asked for."""

    users: FloatArray
    """Scaled user vectors [users, d]."""
    shift: FloatArray
    """Subtracted from each user's products [users]."""
    items: FloatArray
    """Item vectors [n_items, d]."""

    def score_items(self, items: IntArray) -> FloatArray:
        """Scores of some items [m], float32 [users, m]."""
        return np.asarray(self.users @ self.items[items].T - self.shift[:, None], np.float32)

    def score_candidates(self, candidates: IntArray) -> FloatArray:
        """Scores of each user's own candidates [b, c], float32 [b, c]."""
        found = np.empty(candidates.shape, np.float32)
        _products(self.users, self.items, self.shift, candidates, found)
        return found


@vectorized
def _products(
    users: FloatArray, items: FloatArray, shift: FloatArray, candidates: IntArray, found: FloatArray
) -> None:
    for row in range(len(candidates)):
        for place in range(candidates.shape[1]):
            total = np.float32(0)
            for n in range(users.shape[1]):
                total += users[row, n] * items[candidates[row, place], n]
            found[row, place] = total - shift[row]


@dataclass(frozen=True, eq=False)
class ScoreStandardizer:
    """Mean and covariance of item vectors, from which the mean and deviation of any product follow."""

    mean: FloatArray
    """[d]"""
    covariance: FloatArray
    """[d, d]"""

    @classmethod
    def of(cls, vectors: FloatArray, weights: FloatArray) -> Self:
        """Moments of item vectors [n_items, d] by the items' weights [n_items], which sum to 1."""
        mean = weights @ vectors
        centred = (vectors - mean) * np.sqrt(weights)[:, None]
        return cls(mean, centred.T @ centred)

    def standardize(self, users: FloatArray, items: FloatArray) -> LinearScores:
        """User vectors [users, d] scaled so that their scores have mean 0 and deviation 1, or are all 0."""
        scaled = np.empty(users.shape, np.float32)
        _scale(users, self.covariance, scaled)
        return LinearScores(scaled, scaled @ self.mean, items)


@vectorized
def _scale(users: FloatArray, covariance: FloatArray, scaled: FloatArray) -> None:
    for row in range(len(users)):
        deviation = np.sqrt(max(np.dot(np.dot(covariance, users[row]), users[row]), np.float32(0)))
        scaled[row] = users[row] * np.float32(1 / deviation if deviation > MIN_DEVIATION else 0.0)


def standardize(scores: FloatArray, weights: FloatArray) -> FloatArray:
    """Rows [..., n_items] less their mean, by their deviation; or zeros. Moments by `weights` [n_items]."""
    found = np.empty(scores.shape, np.float32)
    _standardize(scores.reshape(-1, len(weights)), weights, found.reshape(-1, len(weights)))
    return found


@vectorized
def _standardize(scores: FloatArray, weights: FloatArray, found: FloatArray) -> None:
    for row in range(len(scores)):
        mean = 0.0
        for item in range(len(weights)):
            mean += weights[item] * np.float64(scores[row, item])
        variance = 0.0
        for item in range(len(weights)):
            apart = scores[row, item] - mean
            variance += weights[item] * apart * apart
        deviation = np.sqrt(variance)
        scale = 1 / deviation if deviation > MIN_DEVIATION else 0.0
        for item in range(len(weights)):
            found[row, item] = (scores[row, item] - mean) * scale


def arcsinh(scores: FloatArray) -> FloatArray:
    """The inverse hyperbolic sine, float32: close to the score where small, to its logarithm where large.

    To about 1e-7. Written out because numpy's own takes some thirty times as long on a processor without
    AVX-512; with it, about as long.
    """
    found = np.empty(scores.shape, np.float32)
    _fill_arcsinh(np.ascontiguousarray(scores, np.float32).ravel(), found.reshape(-1))
    return found


@vectorized
def _fill_arcsinh(scores: FloatArray, found: FloatArray) -> None:
    """sign(x) log(|x| + sqrt(x^2 + 1)), the logarithm by the polynomial of Cephes (Moshier 1992)."""
    grown = np.empty(len(scores), np.float32)
    for n in range(len(scores)):
        size = abs(scores[n])
        grown[n] = size + np.sqrt(size * size + np.float32(1))
    bits = grown.view(np.int32)
    mantissas = (bits & np.int32(0x007FFFFF) | np.int32(0x3F800000)).view(np.float32)
    for n in range(len(scores)):
        large = mantissas[n] > np.float32(1.41421356)
        x = (mantissas[n] * np.float32(0.5) if large else mantissas[n]) - np.float32(1)
        power = np.float32((bits[n] >> 23) - 127 + large)
        tail = np.float32(7.0376836292e-2)
        for factor in _LOGARITHM:
            tail = tail * x + np.float32(factor)
        logarithm = x - np.float32(0.5) * x * x + tail * x * x * x + power * np.float32(0.6931471806)
        logarithm = scores[n] if np.isnan(scores[n]) else logarithm
        found[n] = -logarithm if scores[n] < 0 else logarithm


def score_columns(specs: Mapping[str, ScorerSpec]) -> tuple[str, ...]:
    """The scorers, then for each extrapolated one a column a method of extrapolation."""
    return (*specs, *extrapolated_columns([name for name, spec in specs.items() if spec.extrapolated]))


def extrapolated_columns(names: Sequence[str]) -> tuple[str, ...]:
    """The columns of extrapolated scores, in the order in which `ColdItemExtrapolator` returns them."""
    return tuple(f"{name}_{method}" for name in names for method in METHODS)


def uniform_over(items: BoolArray) -> FloatArray:
    """Equal weights of the items that hold, float32 [n_items], sum 1; of all items where none holds."""
    weights = items / items.sum() if items.any() else np.full(len(items), 1 / max(len(items), 1))
    return weights.astype(np.float32)
