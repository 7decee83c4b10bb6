"""Stated preferences: how much the liked entities and the text of a request add to the model's scores."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from embeddings.data.dataset import Histories
from embeddings.ranking.two_stage import TwoStageRecommender
from embeddings.scorers.base import Scorer
from kg.graph import FloatArray, IntArray


@dataclass(frozen=True)
class StatedPreferenceConfig:
    """How much stated likes and free text count beside the history."""

    weight: float = 3.0
    """Standard deviation of the stated-preference scores, as a multiple of that of the best model scores."""
    best_scores: int = 100
    """How many of the best model scores that deviation is taken of."""
    fixed_deviation: float = 0.5
    """Taken instead of that deviation where fixed weights rank: one item with events may stand far above the
    others, or all are equal."""
    vector_weight: float = 0.25
    """Weight of a scorer's score of the liked entities beside 1 for a fact that joins one to the item."""


@dataclass(frozen=True, eq=False)
class StatedPreferences:
    """A two-stage recommender, and the facts and settings by which stated preferences add to its scores."""

    two_stage: TwoStageRecommender
    links: sp.csr_array
    """Nodes x items, float32 ones where a fact joins the two."""
    config: StatedPreferenceConfig

    def score(self, histories: Histories) -> FloatArray:
        """The served scores, by histories and liked entities, float32 [users, n_items]."""
        ranked = self.two_stage.score(histories)
        if histories.likes is not None:
            for row in np.flatnonzero(np.diff(histories.likes.indptr)):
                ranked[row] = sum(self.added(ranked[row], histories.likes[[row]]).values(), ranked[row])
        return ranked

    def added(
        self, ranked: FloatArray, likes: sp.csr_array, text: FloatArray | None = None
    ) -> dict[str, FloatArray]:
        """What is added to one user's scores, float32 [n_items] each: `likes` and `text_query`.

        `ranked` are the two-stage scores [n_items], `likes` is 1 x nodes, `text` a unit vector. What the
        user did not state, or no scorer can use, is absent.
        """
        stated = {
            "likes": self._score_likes(likes) if likes.nnz else None,
            "text_query": None if text is None else self.score_text(text),
        }
        deviation = self.config.weight * self._deviation(ranked)
        return {name: deviation * _normalized(own) for name, own in stated.items() if own is not None}

    def score_text(self, text: FloatArray) -> FloatArray | None:
        """How near each item's text is to a text, given its unit vector [dim]; float32 [n_items].

        None: the vector is zero, or no scorer uses texts.
        """
        if not text.any():
            return None
        return _first(scorer.score_text(text) for scorer in self._scorers)

    @property
    def _scorers(self) -> Iterable[Scorer[Any]]:
        return self.two_stage.ensemble.scorers.values()

    def _deviation(self, ranked: FloatArray) -> float:
        """The standard deviation of the best model scores."""
        if not self.two_stage.ranker.learnt:
            return self.config.fixed_deviation
        return deviation_of_best(ranked, self.config.best_scores)

    def _score_likes(self, likes: sp.csr_array) -> FloatArray:
        """The share of the liked entities that a fact joins to the item, and the last scorer's score of them.

        The graph network stands after the embedding that it starts from.
        """
        linked = np.asarray((likes @ self.links).toarray()[0] / likes.nnz, np.float32)
        near = _first(scorer.score_likes(likes) for scorer in reversed([*self._scorers]))
        if near is None:
            return linked
        return np.asarray(linked + self.config.vector_weight * near[0], np.float32)


def _first(scores: Iterable[FloatArray | None]) -> FloatArray | None:
    return next((x for x in scores if x is not None), None)


def one_user_likes(nodes: IntArray, n_nodes: int) -> sp.csr_array:
    """The liked entities of one user, given by their node numbers, as `Histories.likes`: 1 x nodes."""
    nodes = np.unique(nodes)
    parts = np.ones(len(nodes), np.float32), nodes.astype(np.int32), np.array([0, len(nodes)], np.int32)
    return sp.csr_array(parts, shape=(1, n_nodes))


def deviation_of_best(scores: FloatArray, count: int) -> float:
    """The standard deviation of the `count` highest of the scores [n], at least 1e-6."""
    best = np.partition(scores, -count)[-count:] if len(scores) > count else scores
    return max(float(best.std()), 1e-6)


def _normalized(values: FloatArray) -> FloatArray:
    """arcsinh of the standard scores; zeros where all values are equal."""
    centred, deviation = values - values.mean(), float(values.std())
    return np.arcsinh(centred / deviation).astype(np.float32) if deviation > 1e-12 else np.zeros_like(values)
