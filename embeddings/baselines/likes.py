"""Baselines for users of whom only liked entities are known: by facts, by texts, by other users' likes."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from typing_extensions import override

from embeddings.data.dataset import Dataset, Histories
from embeddings.data.liked_entities import entity_weights, items_of_likes, share_of_likes
from embeddings.data.vectors import unit_rows
from embeddings.scorers.base import Scorer
from embeddings.scorers.ease import Ease, EaseConfig
from kg.graph import FloatArray
from kg.progress import Report, silent

_TIES = np.float32(1e-3)
"""The most that popularity adds: less than one fact in a hundred liked entities."""


@dataclass(frozen=True)
class LikesConfig:
    """The baselines of facts and of texts have no settings."""


@dataclass(frozen=True, eq=False)
class LikedFacts(Scorer[LikesConfig]):
    """The share of the liked entities that a fact joins to the item; equal shares rank by popularity.

    The liked entities of a history are those of its items, each as often as it occurs.
    """

    name: ClassVar[str] = "liked_facts"
    grid: ClassVar[tuple[Any, ...]] = (LikesConfig(),)

    links: sp.csr_array
    """Nodes x items, ones where a fact joins the two."""
    popularity: FloatArray
    """Number of users who liked each item, scaled to at most `_TIES` [n_items]."""

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: LikesConfig, seed: int = 0, report: Report = silent) -> Self:
        degrees = dataset.degrees.astype(np.float32)
        return cls(dataset.links, degrees * (_TIES / max(float(degrees.max(initial=0)), 1)))

    @override
    def score(self, histories: Histories) -> FloatArray:
        entities = sp.csr_array(histories.matrix @ self.links.T)
        total = np.maximum(np.asarray(entities.sum(axis=1)), 1)
        shares = (entities @ self.links).toarray() / total[:, None]
        return np.asarray(shares + self.popularity, np.float32)

    @override
    def score_likes(self, likes: sp.csr_array) -> FloatArray:
        return np.asarray(share_of_likes(likes, self.links) + self.popularity, np.float32)


@dataclass(frozen=True, eq=False)
class LikedText(Scorer[LikesConfig]):
    """Cosine of an item's text and the mean text of the liked entities; 0 for items without text.

    The text of an entity is the mean text vector of its items.
    """

    name: ClassVar[str] = "liked_text"
    content_only: ClassVar[bool] = True
    grid: ClassVar[tuple[Any, ...]] = (LikesConfig(),)

    links: sp.csr_array
    """Nodes x items, ones where a fact joins the two."""
    vectors: FloatArray
    """Centred unit text vectors [n_items, dim]."""

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: LikesConfig, seed: int = 0, report: Report = silent) -> Self:
        return cls(dataset.links, dataset.content.text)

    @override
    def score(self, histories: Histories) -> FloatArray:
        return np.asarray(unit_rows(histories.matrix @ self.vectors) @ self.vectors.T, np.float32)

    @override
    def score_likes(self, likes: sp.csr_array) -> FloatArray:
        degrees = np.maximum(np.diff(self.links.indptr), 1).astype(np.float32)
        means = sp.csr_array(likes @ sp.diags_array(1 / degrees)) @ self.links
        return np.asarray(unit_rows(means @ self.vectors) @ self.vectors.T, np.float32)


@dataclass(frozen=True, eq=False)
class LikedEase(Ease):
    """EASE with the items of the liked entities as a weighted history: `items_of_likes`."""

    name: ClassVar[str] = "liked_ease"

    links: sp.csr_array
    """Nodes x items, ones where a fact joins the two."""

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: EaseConfig, seed: int = 0, report: Report = silent) -> Self:
        ease = Ease.fit(dataset, config, seed, report)
        return cls(ease.scaled, ease.inverse, ease.ridge, ease.diagonal, dataset.links)

    @override
    def score_likes(self, likes: sp.csr_array) -> FloatArray:
        return self.score_weighted(items_of_likes(likes, self.links, entity_weights(self.links)))
