"""Stated preferences: how much the liked entities and the text of a request add to the model's scores."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp

from embeddings.data.dataset import Histories
from embeddings.data.liked_entities import entity_weights, items_of_likes, share_of_likes
from embeddings.ranking.two_stage import TwoStageRecommender
from embeddings.scorers.base import Scorer
from kg.graph import Float64Array, FloatArray, IntArray

STATED = ("likes", "text_query")
"""The names of what stated preferences add to a score."""


@dataclass(frozen=True)
class StatedPreferenceConfig:
    """How much stated likes and free text count beside the history."""

    weight: float = 3.0
    """Standard deviation of the stated-preference scores, as a multiple of that of the best model scores."""
    likes_alone_weight: float = 100.0
    """The same for liked entities where neither history nor text is known: the model's scores then say
    nothing of the user."""
    best_scores: int = 100
    """How many of the best model scores that deviation is taken of."""
    fixed_deviation: float = 0.5
    """Taken instead of that deviation where fixed weights rank: one item with events may stand far above the
    others, or all are equal."""
    items_scorer: str = "ease_strong"
    """The scorer of the ensemble that scores the items of the liked entities as if they were a history: what
    people like who like these items."""
    link_weight: float = 0.2
    """Weight of the share of the liked entities that facts join to the item, beside 1 for that scorer."""
    strong_link_weight: float = 3.0
    """The same beside a text, since the entities that it names are what is wanted, and where no ranker was
    learnt, since too little is known of other users."""
    vector_weight: float = 0.5
    """Weight of the scores of the liked entities by the vectors of a scorer, beside 1 for that scorer."""
    weak_vector_weight: float = 0.1
    """The same where no ranker was learnt: with few likes or none, vectors say little beside facts."""
    session_scorer: str = "cooccurrence"
    """The scorer of the ensemble that scores the items of this visit alone, beside the whole history."""
    session_weight: float = 1.0
    """Standard deviation of these scores, as a multiple of that of the best model scores. With the last three
    items of each history as session, NDCG@20 of what comes next on the sample is 1.03 times that without."""


@dataclass(frozen=True, eq=False)
class StatedPreferences:
    """A two-stage recommender, and the facts and settings by which stated preferences add to its scores."""

    two_stage: TwoStageRecommender
    links: sp.csr_array
    """Nodes x items, float32 ones where a fact joins the two."""
    config: StatedPreferenceConfig

    def score(self, histories: Histories) -> FloatArray:
        """The served scores, by histories and liked entities, float32 [users, n_items]."""
        scores = self.two_stage.score(histories)
        if histories.likes is not None:
            for row in np.flatnonzero(np.diff(histories.likes.indptr)):
                added = self.added(scores[row], histories.select(np.array([row])))
                scores[row] = sum(added.values(), scores[row])
        return scores

    def calibrated(self, histories: Histories) -> bool:
        """Whether `probabilities` are measured ones: where entities are stated they are not."""
        return histories.likes is None and self.two_stage.calibrated(histories)

    def probabilities(self, histories: Histories, scores: FloatArray) -> Float64Array:
        """As `TwoStageRecommender.probabilities`."""
        return self.two_stage.probabilities(histories, scores)

    def added(
        self,
        ranked: FloatArray,
        known: Histories,
        text: FloatArray | None = None,
        session: IntArray | None = None,
    ) -> dict[str, FloatArray]:
        """What is added to one user's scores, float32 [n_items] each: `likes`, `text_query` and `session`.

        `ranked` are the two-stage scores [n_items], `known` has the one user, `text` is a unit vector, and
        `session` are the items of this visit [m]. What the user did not state, or no scorer can use, is
        absent.
        """
        likes = known.likes
        config = self.config
        known_users = text is None and self.two_stage.ranker.learnt
        link_weight = config.link_weight if known_users else config.strong_link_weight
        by_likes = None if likes is None or not likes.nnz else self._score_likes(likes, link_weight)
        by_text = None if text is None else self.score_text(text)
        stated = zip(STATED, (by_likes, by_text), strict=True)
        found = {name: own for name, own in stated if own is not None}
        alone = [*found] == ["likes"] and not len(known.items)
        weight = config.likes_alone_weight if alone else config.weight
        deviation = self._deviation(ranked)
        added = {name: weight * deviation * _normalized(own) for name, own in found.items()}
        scorer = self.two_stage.ensemble.scorers.get(config.session_scorer)
        if session is not None and len(session) and scorer is not None:
            own = scorer.score(Histories.of([session], len(ranked)))[0]
            added["session"] = config.session_weight * deviation * _normalized(own)
        return added

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

    def _score_likes(self, likes: sp.csr_array, link_weight: float) -> FloatArray:
        """The weighted sum of what the other users, the facts and the vectors tell, each normalized.

        Where fixed weights rank, too little is known of other users, so facts and vectors tell alone.
        """
        config, learnt = self.config, self.two_stage.ranker.learnt
        scores = link_weight * _normalized(share_of_likes(likes, self.links)[0])
        # the graph network stands after the embedding that it starts from
        near = _first(scorer.score_likes(likes) for scorer in reversed([*self._scorers]))
        if near is not None:
            scores += (config.vector_weight if learnt else config.weak_vector_weight) * _normalized(near[0])
        liked_together = self._score_items_of(likes) if learnt else None
        return scores if liked_together is None else scores + _normalized(liked_together)

    def _score_items_of(self, likes: sp.csr_array) -> FloatArray | None:
        """Scores [n_items] by a history of the entities' items; those of new items are extrapolated.

        None: the ensemble has no such scorer.
        """
        ensemble = self.two_stage.ensemble
        scorer = ensemble.scorers.get(self.config.items_scorer)
        items = items_of_likes(likes, self.links, self._entity_weights)
        found = None if scorer is None else scorer.score_weighted(items)
        if found is None:
            return None
        new = np.flatnonzero(~ensemble.has_interactions)
        if len(new):
            columns = found[None]
            weights = ensemble.extrapolator.content_weights(columns)
            found[0, new] = ensemble.extrapolator.score_items(columns, weights, new).mean(axis=0)[0]
        return np.asarray(found[0], np.float32)

    @cached_property
    def _entity_weights(self) -> FloatArray:
        return entity_weights(self.links)


def _first(scores: Iterable[FloatArray | None]) -> FloatArray | None:
    return next((x for x in scores if x is not None), None)


def one_user_likes(nodes: IntArray, n_nodes: int) -> sp.csr_array:
    """The liked entities of one user, given by their node numbers, as `Histories.likes`: 1 x nodes."""
    nodes = np.unique(nodes)
    parts = np.ones(len(nodes), np.float32), nodes.astype(np.int32), np.array([0, len(nodes)], np.int32)
    return sp.csr_array(parts, shape=(1, n_nodes))


def deviation_of_best(scores: FloatArray, count: int) -> float:
    """The standard deviation of the `count` highest of the scores [n] that are finite, at least 1e-6."""
    best = np.partition(scores, -count)[-count:] if len(scores) > count else scores
    best = best[np.isfinite(best)]
    return max(float(best.std()), 1e-6) if len(best) else 1e-6


def _normalized(values: FloatArray) -> FloatArray:
    """arcsinh of the standard scores; zeros where all values are equal."""
    centred, deviation = values - values.mean(), float(values.std())
    return np.arcsinh(centred / deviation).astype(np.float32) if deviation > 1e-12 else np.zeros_like(values)
