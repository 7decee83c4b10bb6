"""Scorers of given scores, and an extrapolation small enough to follow by hand."""

from typing import Any, ClassVar

import numpy as np

from embeddings.candidates.ensemble import ScorerEnsemble
from embeddings.candidates.specs import SCORER_SPECS
from embeddings.data.cold_items import ColdItemExtrapolator
from embeddings.ranking.boosters import BoosterEnsemble
from embeddings.ranking.features import BLENDED_SCORE
from embeddings.ranking.linear import LinearRanker
from embeddings.ranking.ranker import KnownItemRanker, Ranker
from embeddings.scorers.base import Linear, Scorer


class FixedScores(Scorer):
    """The same scores [n_items] for every query, or a row of its own for each [queries, n_items]."""

    name: ClassVar[str] = "fixed_scores"
    grid: ClassVar[tuple[Any, ...]] = (None,)

    def __init__(self, scores) -> None:
        self.scores = np.asarray(scores, np.float32)

    @classmethod
    def fit(cls, *_):
        raise NotImplementedError

    def score(self, histories):
        return np.broadcast_to(self.scores, (len(histories), self.scores.shape[-1])).copy()


class FixedVectors(Linear):
    """Scores of products: one vector [d] for every query, or one for each, with those of the items."""

    name: ClassVar[str] = "fixed_vectors"
    grid: ClassVar[tuple[Any, ...]] = (None,)

    def __init__(self, vectors, item_vectors) -> None:
        self.vectors = np.asarray(vectors, np.float32)
        self.fixed = np.asarray(item_vectors, np.float32)

    @classmethod
    def fit(cls, *_):
        raise NotImplementedError

    def user_vectors(self, histories):
        return np.broadcast_to(self.vectors, (len(histories), self.vectors.shape[-1])).copy()

    @property
    def item_vectors(self):
        return self.fixed


def first_and_previous(factors) -> ColdItemExtrapolator:
    """By ridge an item has the score of item 0 times its factor; its one neighbour is the item before it."""
    n_items = len(factors)
    return ColdItemExtrapolator(
        np.array([0], np.int32),
        np.ones((1, 1), np.float32),
        np.asarray(factors, np.float32)[:, None],
        np.maximum(np.arange(n_items) - 1, 0).astype(np.int32)[:, None],
        np.ones((n_items, 1), np.float32),
    )


class BlendedScore(BoosterEnsemble):
    """Trees that give each candidate its blended score, given the names of the features."""

    def __init__(self, features) -> None:
        super().__init__(("blended score",), (1.0,))
        object.__setattr__(self, "column", features.index(BLENDED_SCORE))

    def score(self, values):
        return values[:, self.column]

    def shapley_values(self, values):
        found = np.zeros((len(values), values.shape[1] + 1), np.float32)
        found[:, self.column] = values[:, self.column]
        return found


def blended_ranker(features) -> Ranker:
    """A ranker that gives each candidate its blended score."""
    blended = BlendedScore(features)
    known = KnownItemRanker(LinearRanker.prior({BLENDED_SCORE: 1.0}), blended, 0.0)
    return Ranker(tuple(features), blended, known, known, known.linear, 0.0)


def ensemble_of(scorers, extrapolator, has_interactions) -> ScorerEnsemble:
    """An ensemble of fitted scorers with the weights that their names have in the table."""
    specs = {name: SCORER_SPECS[name] for name in scorers}
    return ScorerEnsemble.of(specs, scorers, extrapolator, has_interactions)
