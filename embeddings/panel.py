"""The experts whose candidates the ranker ranks, and all they say of an asker's items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from embeddings.carriers import WAYS, Carrier
from embeddings.content import Nearest
from embeddings.dataset import Dataset, Histories
from embeddings.scorers.als import AlsConfig
from embeddings.scorers.base import Linear, Scorer
from embeddings.scorers.ease import EaseConfig
from embeddings.scorers.eras import EraConfig
from embeddings.scorers.profile import ProfileConfig
from embeddings.scorers.registry import SCORERS
from embeddings.scorers.sequence import AdjacencyConfig
from kg.graph import BoolArray, FloatArray, IntArray
from kg.progress import Report, silent


@dataclass(frozen=True)
class Expert:
    """A scorer under a configuration."""

    scorer: str
    config: Any = None
    """None: the scorer's default."""
    carried: bool = False
    """Whether its scores are also carried to items by their content."""


EXPERTS: dict[str, Expert] = {
    "popularity": Expert("popularity", carried=True),
    "ease": Expert("ease", carried=True),
    "ease_strong": Expert("ease", EaseConfig(1000.0), carried=True),
    "ease_even": Expert("ease", EaseConfig(60.0, per_degree=0.3, length_power=-0.5)),
    "als": Expert("als", AlsConfig(factors=64, iterations=8)),
    "svd": Expert("svd"),
    "graph_filter": Expert("graph_filter"),
    "item_knn": Expert("item_knn"),
    "user_knn": Expert("user_knn"),
    "era": Expert("era"),
    "era_narrow": Expert("era", EraConfig(6)),
    "era_knn": Expert("era", EraConfig(60, 80)),
    "next_to": Expert("adjacency", AdjacencyConfig(1)),
    "adjacency": Expert("adjacency", carried=True),
    "text": Expert("text"),
    "facts": Expert("profile", ProfileConfig("facts", 0.3)),
    "profile": Expert("profile"),
    "kge": Expert("kge"),
    "gnn": Expert("gnn"),
}
"""All there are, by the name they have in a model."""

DEFAULT_EXPERTS = tuple(name for name in EXPERTS if name != "gnn")
"""Graph convolution is fitted anew for each fold and would take most of the training time."""


FOR_KNOWN: dict[str, float] = {
    **dict.fromkeys(
        ("ease", "ease_strong", "ease_even", "als", "svd", "graph_filter", "item_knn", "user_knn"), 1.0
    ),
    **dict.fromkeys(("adjacency", "gnn", "era", "popularity"), 0.5),
}
"""How much each expert counts for the choice of candidates among items that somebody liked."""

LEAST = 1e-6
"""A smaller deviation is none."""


@dataclass(frozen=True, eq=False)
class Groundwork:
    """What does not depend on who liked what, made once for all folds."""

    experts: Mapping[str, Scorer[Any]]
    """Those who know content alone."""
    nearest: Nearest

    @classmethod
    def of(cls, dataset: Dataset, names: Sequence[str], configs: Mapping[str, Any], seed: int) -> Self:
        """For a dataset and whatever is hidden of its events."""
        own = [name for name in names if SCORERS[EXPERTS[name].scorer].of_content]
        fitted = {name: _expert(name, dataset, configs, seed) for name in own}
        return cls(fitted, Nearest.of(dataset.content, dataset.degrees))


@dataclass(frozen=True, eq=False)
class Panel:
    """Fitted experts, and what carries their scores to items nobody liked yet."""

    experts: Mapping[str, Scorer[Any]]
    carrier: Carrier
    known: BoolArray
    """Whether somebody has met the item, liked or not, bool [n_items]."""
    moments: Mapping[str, "Moments"]
    """Of the experts who are asked about candidates alone."""

    @classmethod
    def of(cls, experts: Mapping[str, Scorer[Any]], carrier: Carrier, known: BoolArray) -> Self:
        """Of fitted experts.

        Who chooses candidates or is carried must speak of all items; of the others, those who can are asked
        about candidates alone, which spares most of the work of an answer.
        """
        needed = {name for name in experts if name in FOR_KNOWN or EXPERTS[name].carried}
        moments = {
            name: Moments.of(expert.item_vectors, _weights(known))
            for name, expert in experts.items()
            if isinstance(expert, Linear) and name not in (needed or experts)
        }
        return cls(experts, carrier, known, moments)

    @classmethod
    def fit(
        cls,
        dataset: Dataset,
        names: Sequence[str],
        configs: Mapping[str, Any],
        ground: Groundwork,
        seed: int,
        report: Report = silent,
    ) -> Self:
        """Each expert on its own."""
        fitted = {
            name: ground.experts.get(name) or _expert(name, dataset, configs, seed, report) for name in names
        }
        return cls.of(fitted, Carrier.fit(dataset, ground.nearest), dataset.met)

    @property
    def voices(self) -> tuple[str, ...]:
        """The names of all who speak, in order."""
        return voices(tuple(self.experts))

    def ask(self, histories: Histories) -> "Said":
        """What every expert says to the askers."""
        names = tuple(name for name in self.experts if name not in self.moments)
        whole = np.empty((len(names), len(histories), len(self.known)), np.float32)
        for row, name in enumerate(names):
            whole[row] = self.experts[name].score(histories)
        few = {}
        for name, moments in self.moments.items():
            expert = self.experts[name]
            assert isinstance(expert, Linear)
            few[name] = moments.standardised(expert.asker_vectors(histories), expert.item_vectors)
        return Said(tuple(self.experts), names, standardised(whole, self.known), few)


@dataclass(frozen=True, eq=False)
class Said:
    """What experts say of items, each standardised over the known ones: as `standardised`."""

    order: tuple[str, ...]
    """All who speak."""
    names: tuple[str, ...]
    """Those who spoke of all items."""
    whole: FloatArray
    """What these said, float32 [names, askers, n_items]."""
    few: Mapping[str, "Products"]
    """The others."""

    def of_all(self, items: IntArray) -> FloatArray:
        """Of some items [m], the same for every asker, float32 [order, askers, m]."""
        said = dict(zip(self.names, self.whole, strict=True))
        parts = [said[x][:, items] if x in said else self.few[x].of_all(items) for x in self.order]
        return np.stack(parts)

    def of_each(self, items: IntArray) -> FloatArray:
        """Of items of each asker's own [b, c], float32 [order, b, c]."""
        said = dict(zip(self.names, self.whole, strict=True))
        rows = np.arange(len(items))[:, None]
        parts = [said[x][rows, items] if x in said else self.few[x].of_each(items) for x in self.order]
        return np.stack(parts)

    @property
    def carried(self) -> BoolArray:
        """Who of `names` is carried to other items, bool [names]."""
        return np.array([EXPERTS[name].carried for name in self.names])


@dataclass(frozen=True, eq=False)
class Products:
    """The standardised scores of an expert whose scores are products of vectors, each made when asked for."""

    askers: FloatArray
    """[askers, d]"""
    shift: FloatArray
    """Taken off each asker's products [askers]."""
    items: FloatArray
    """[n_items, d]"""

    def of_all(self, items: IntArray) -> FloatArray:
        """Of some items [m], float32 [askers, m]."""
        return np.asarray(self.askers @ self.items[items].T - self.shift[:, None], np.float32)

    def of_each(self, items: IntArray) -> FloatArray:
        """Of items of each asker's own [b, c], float32 [b, c]."""
        rows = [self.items[own] @ asker for own, asker in zip(items, self.askers, strict=True)]
        return np.asarray(np.stack(rows) - self.shift[:, None], np.float32)


@dataclass(frozen=True, eq=False)
class Moments:
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

    def standardised(self, askers: FloatArray, items: FloatArray) -> Products:
        """Askers' vectors [askers, d], scaled: their products have mean 0 and deviation 1, or are all 0."""
        spread = np.sqrt(np.maximum(np.einsum("bd,bd->b", askers @ self.covariance, askers), 0))[:, None]
        scaled = np.divide(askers, spread, out=np.zeros_like(askers), where=spread > LEAST)
        return Products(scaled, scaled @ self.mean, items)


def _expert(
    name: str, dataset: Dataset, configs: Mapping[str, Any], seed: int, report: Report = silent
) -> Scorer[Any]:
    kind = SCORERS[EXPERTS[name].scorer]
    return kind.fit(dataset, configs.get(name) or default_config(name), seed, report)


def default_config(name: str) -> Any:
    """How an expert is fitted unless told otherwise."""
    return EXPERTS[name].config or SCORERS[EXPERTS[name].scorer].grid[0]


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


def voices(experts: Sequence[str]) -> tuple[str, ...]:
    """The experts, then each one whose scores are carried, once for each way."""
    carried = [name for name in experts if EXPERTS[name].carried]
    return (*experts, *(f"{name}_{way}" for name in carried for way in WAYS))
