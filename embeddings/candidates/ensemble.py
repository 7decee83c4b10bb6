"""The scorer ensemble: the first-stage scorers of a model and their standardized scores."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from embeddings.candidates.specs import ScorerSpec
from embeddings.data.cold_items import METHODS, ColdItemConfig, ColdItemExtrapolator
from embeddings.data.dataset import Dataset, Histories
from embeddings.data.item_features import ContentNeighbours
from embeddings.data.threads import in_parallel
from embeddings.scorers.base import Scorer
from kg.graph import BoolArray, FloatArray, IntArray
from kg.progress import Report, silent

MIN_DEVIATION = 1e-6
"""Scores of a smaller standard deviation count as equal."""


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
        weights = _uniform_over(has_interactions)
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
        return EnsembleScores(tuple(self.scorers), names, standardize(dense, self.has_interactions), lazy)


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
        dense = dict(zip(self.dense_names, self.dense, strict=True))
        columns = [
            dense[name][:, items] if name in dense else self.lazy[name].score_items(items)
            for name in self.names
        ]
        return np.stack(columns)

    def score_candidates(self, candidates: IntArray) -> FloatArray:
        """Scores of each user's own candidates [b, c], float32 [names, b, c]."""
        dense = dict(zip(self.dense_names, self.dense, strict=True))
        rows = np.arange(len(candidates))[:, None]
        columns = [
            dense[name][rows, candidates] if name in dense else self.lazy[name].score_candidates(candidates)
            for name in self.names
        ]
        return np.stack(columns)


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
        rows = [self.items[own] @ user for own, user in zip(candidates, self.users, strict=True)]
        return np.asarray(np.stack(rows) - self.shift[:, None], np.float32)


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
        variance = np.einsum("bd,bd->b", users @ self.covariance, users)
        deviation = np.sqrt(np.maximum(variance, 0))[:, None]
        scaled = np.divide(users, deviation, out=np.zeros_like(users), where=deviation > MIN_DEVIATION)
        return LinearScores(scaled, scaled @ self.mean, items)


def standardize(scores: FloatArray, has_interactions: BoolArray) -> FloatArray:
    """Rows [..., n_items] less their mean, by their deviation, over items with interactions; or zeros."""
    weight = _uniform_over(has_interactions)
    centred = scores - (scores @ weight)[..., None]
    deviation = np.sqrt(np.square(centred) @ weight)[..., None]
    return np.asarray(
        np.divide(centred, deviation, out=np.zeros_like(centred), where=deviation > MIN_DEVIATION), np.float32
    )


def arcsinh(scores: FloatArray) -> FloatArray:
    """The inverse hyperbolic sine, float32: close to the score where small, to its logarithm where large.

    Written out because numpy's own takes five times as long.
    """
    size = np.abs(scores)
    return np.asarray(np.copysign(np.log(size + np.sqrt(size * size + np.float32(1))), scores), np.float32)


def score_columns(specs: Mapping[str, ScorerSpec]) -> tuple[str, ...]:
    """The scorers, then for each extrapolated one a column a method of extrapolation."""
    return (*specs, *extrapolated_columns([name for name, spec in specs.items() if spec.extrapolated]))


def extrapolated_columns(names: Sequence[str]) -> tuple[str, ...]:
    """The columns of extrapolated scores, in the order in which `ColdItemExtrapolator` returns them."""
    return tuple(f"{name}_{method}" for name in names for method in METHODS)


def _uniform_over(items: BoolArray) -> FloatArray:
    """Equal weights of the items that hold, float32 [n_items], sum 1; of all items where none holds."""
    weights = items / items.sum() if items.any() else np.full(len(items), 1 / max(len(items), 1))
    return weights.astype(np.float32)
