"""The scorers whose candidates the ranker ranks, and all they say of an user's items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from embeddings.candidates.cold_items import WAYS, ColdItemExtrapolator
from embeddings.data.dataset import Dataset, Histories
from embeddings.data.item_features import Nearest
from embeddings.scorers.als import AlsConfig
from embeddings.scorers.base import Linear, Scorer
from embeddings.scorers.cooccurrence import CooccurrenceConfig
from embeddings.scorers.ease import EaseConfig
from embeddings.scorers.profile import ProfileConfig
from embeddings.scorers.registry import SCORERS
from embeddings.scorers.time_popularity import TimePopularityConfig
from kg.graph import BoolArray, FloatArray, IntArray
from kg.progress import Report, silent


@dataclass(frozen=True)
class ScorerSpec:
    """A scorer under a configuration."""

    scorer: str
    config: Any = None
    """None: the scorer's default."""
    extrapolated: bool = False
    """Whether its scores are also extrapolated to items by their content."""


SCORER_SPECS: dict[str, ScorerSpec] = {
    "popularity": ScorerSpec("popularity", extrapolated=True),
    "ease": ScorerSpec("ease", extrapolated=True),
    "ease_strong": ScorerSpec("ease", EaseConfig(1000.0), extrapolated=True),
    "ease_normalized": ScorerSpec("ease", EaseConfig(60.0, per_degree=0.3, length_power=-0.5)),
    "als": ScorerSpec("als", AlsConfig(factors=64, iterations=8)),
    "svd": ScorerSpec("svd"),
    "graph_filter": ScorerSpec("graph_filter"),
    "item_knn": ScorerSpec("item_knn"),
    "user_knn": ScorerSpec("user_knn"),
    "time_popularity": ScorerSpec("time_popularity"),
    "time_popularity_narrow": ScorerSpec("time_popularity", TimePopularityConfig(6)),
    "time_knn": ScorerSpec("time_popularity", TimePopularityConfig(60, 80)),
    "cooccurrence_next": ScorerSpec("cooccurrence", CooccurrenceConfig(1)),
    "cooccurrence": ScorerSpec("cooccurrence", extrapolated=True),
    "text": ScorerSpec("text"),
    "facts": ScorerSpec("profile", ProfileConfig("facts", 0.3)),
    "profile": ScorerSpec("profile"),
    "kge": ScorerSpec("kge"),
    "gnn": ScorerSpec("gnn"),
}
"""All there are, by the name they have in a model."""

DEFAULT_SCORERS = tuple(name for name in SCORER_SPECS if name != "gnn")
"""Graph convolution is fitted anew for each fold and would take most of the training time."""


KNOWN_ITEM_WEIGHTS: dict[str, float] = {
    **dict.fromkeys(
        ("ease", "ease_strong", "ease_normalized", "als", "svd", "graph_filter", "item_knn", "user_knn"), 1.0
    ),
    **dict.fromkeys(("cooccurrence", "gnn", "time_popularity", "popularity"), 0.5),
}
"""How much each scorer counts for the choice of candidates among items that somebody liked."""

LEAST = 1e-6
"""A smaller deviation is none."""


@dataclass(frozen=True, eq=False)
class ContentScorers:
    """What does not depend on who liked what, made once for all folds."""

    experts: Mapping[str, Scorer[Any]]
    """Those who know content alone."""
    nearest: Nearest

    @classmethod
    def of(cls, dataset: Dataset, names: Sequence[str], configs: Mapping[str, Any], seed: int) -> Self:
        """For a dataset and whatever is hidden of its events."""
        own = [name for name in names if SCORERS[SCORER_SPECS[name].scorer].of_content]
        fitted = {name: _expert(name, dataset, configs, seed) for name in own}
        return cls(fitted, Nearest.of(dataset.content, dataset.degrees))


@dataclass(frozen=True, eq=False)
class ScorerEnsemble:
    """Fitted scorers, and what carries their scores to items nobody liked yet."""

    experts: Mapping[str, Scorer[Any]]
    extrapolator: ColdItemExtrapolator
    known: BoolArray
    """Whether somebody has met the item, liked or not, bool [n_items]."""
    moments: Mapping[str, "ScoreStandardizer"]
    """Of the scorers who are asked about candidates alone."""

    @classmethod
    def of(
        cls, experts: Mapping[str, Scorer[Any]], extrapolator: ColdItemExtrapolator, known: BoolArray
    ) -> Self:
        """Of fitted scorers.

        Who chooses candidates or is extrapolated must speak of all items; the others, where they can, are asked
        about candidates alone, which spares most of the work of an answer.
        """
        needed = {name for name in experts if name in KNOWN_ITEM_WEIGHTS or SCORER_SPECS[name].extrapolated}
        moments = {
            name: ScoreStandardizer.of(expert.item_vectors, _weights(known))
            for name, expert in experts.items()
            if isinstance(expert, Linear) and name not in (needed or experts)
        }
        return cls(experts, extrapolator, known, moments)

    @classmethod
    def fit(
        cls,
        dataset: Dataset,
        names: Sequence[str],
        configs: Mapping[str, Any],
        ground: ContentScorers,
        seed: int,
        report: Report = silent,
    ) -> Self:
        """Each scorer on its own."""
        fitted = {
            name: ground.experts.get(name) or _expert(name, dataset, configs, seed, report) for name in names
        }
        return cls.of(fitted, ColdItemExtrapolator.fit(dataset, ground.nearest), dataset.has_interactions)

    @property
    def score_columns(self) -> tuple[str, ...]:
        """The names of all who speak, in order."""
        return score_columns(tuple(self.experts))

    def ask(self, histories: Histories) -> "EnsembleScores":
        """What every scorer says to the users."""
        names = tuple(name for name in self.experts if name not in self.moments)
        whole = np.empty((len(names), len(histories), len(self.known)), np.float32)
        for row, name in enumerate(names):
            whole[row] = self.experts[name].score(histories)
        few = {}
        for name, moments in self.moments.items():
            expert = self.experts[name]
            assert isinstance(expert, Linear)
            few[name] = moments.standardised(expert.user_vectors(histories), expert.item_vectors)
        return EnsembleScores(tuple(self.experts), names, standardised(whole, self.known), few)


@dataclass(frozen=True, eq=False)
class EnsembleScores:
    """What scorers say of items, each standardised over the known ones: as `standardised`."""

    order: tuple[str, ...]
    """All who speak."""
    names: tuple[str, ...]
    """Those who spoke of all items."""
    whole: FloatArray
    """What these said, float32 [names, users, n_items]."""
    few: Mapping[str, "LinearScores"]
    """The others."""

    def of_all(self, items: IntArray) -> FloatArray:
        """Of some items [m], the same for every user, float32 [order, users, m]."""
        said = dict(zip(self.names, self.whole, strict=True))
        parts = [said[x][:, items] if x in said else self.few[x].of_all(items) for x in self.order]
        return np.stack(parts)

    def of_each(self, items: IntArray) -> FloatArray:
        """Of items of each user's own [b, c], float32 [order, b, c]."""
        said = dict(zip(self.names, self.whole, strict=True))
        rows = np.arange(len(items))[:, None]
        parts = [said[x][rows, items] if x in said else self.few[x].of_each(items) for x in self.order]
        return np.stack(parts)

    @property
    def extrapolated(self) -> BoolArray:
        """Who of `names` is extrapolated to other items, bool [names]."""
        return np.array([SCORER_SPECS[name].extrapolated for name in self.names])


@dataclass(frozen=True, eq=False)
class LinearScores:
    """The standardised scores of an scorer whose scores are products of vectors, each made when asked for."""

    users: FloatArray
    """[users, d]"""
    shift: FloatArray
    """Taken off each user's products [users]."""
    items: FloatArray
    """[n_items, d]"""

    def of_all(self, items: IntArray) -> FloatArray:
        """Of some items [m], float32 [users, m]."""
        return np.asarray(self.users @ self.items[items].T - self.shift[:, None], np.float32)

    def of_each(self, items: IntArray) -> FloatArray:
        """Of items of each user's own [b, c], float32 [b, c]."""
        rows = [self.items[own] @ user for own, user in zip(items, self.users, strict=True)]
        return np.asarray(np.stack(rows) - self.shift[:, None], np.float32)


@dataclass(frozen=True, eq=False)
class ScoreStandardizer:
    """Mean and covariance of item vectors: of them follow mean and deviation of any product with them."""

    mean: FloatArray
    """[d]"""
    covariance: FloatArray
    """[d, d]"""

    @classmethod
    def of(cls, vectors: FloatArray, weights: FloatArray) -> Self:
        """Over items by their weights [n_items]; vectors [n_items, d]."""
        mean = weights @ vectors
        centred = (vectors - mean) * np.sqrt(weights)[:, None]
        return cls(mean, centred.T @ centred)

    def standardised(self, users: FloatArray, items: FloatArray) -> LinearScores:
        """Askers' vectors [users, d], scaled: their products have mean 0 and deviation 1, or are all 0."""
        spread = np.sqrt(np.maximum(np.einsum("bd,bd->b", users @ self.covariance, users), 0))[:, None]
        scaled = np.divide(users, spread, out=np.zeros_like(users), where=spread > LEAST)
        return LinearScores(scaled, scaled @ self.mean, items)


def _expert(
    name: str, dataset: Dataset, configs: Mapping[str, Any], seed: int, report: Report = silent
) -> Scorer[Any]:
    kind = SCORERS[SCORER_SPECS[name].scorer]
    return kind.fit(dataset, configs.get(name) or default_config(name), seed, report)


def default_config(name: str) -> Any:
    """How an scorer is fitted unless told otherwise."""
    return SCORER_SPECS[name].config or SCORERS[SCORER_SPECS[name].scorer].grid[0]


def softly(said: FloatArray) -> FloatArray:
    """The arcsinh of each score, float32: as it is where small, its logarithm where large.

    Written out, since numpy's own takes five times as long.
    """
    size = np.abs(said)
    return np.asarray(np.copysign(np.log(size + np.sqrt(size * size + np.float32(1))), said), np.float32)


def standardised(said: FloatArray, known: BoolArray) -> FloatArray:
    """Each row [..., n_items] less its mean over the known items, by its deviation there; else zeros."""
    weight = _weights(known)
    centred = said - (said @ weight)[..., None]
    spread = np.sqrt(np.square(centred) @ weight)[..., None]
    return np.asarray(
        np.divide(centred, spread, out=np.zeros_like(centred), where=spread > LEAST), np.float32
    )


def _weights(known: BoolArray) -> FloatArray:
    """What each item counts for mean and deviation, float32 [n_items]; all alike where none is known."""
    weights = known / known.sum() if known.any() else np.full(len(known), 1 / max(len(known), 1))
    return weights.astype(np.float32)


def score_columns(experts: Sequence[str]) -> tuple[str, ...]:
    """The scorers, then each one whose scores are extrapolated, once for each way."""
    extrapolated = [name for name in experts if SCORER_SPECS[name].extrapolated]
    return (*experts, *(f"{name}_{way}" for name in extrapolated for way in WAYS))
