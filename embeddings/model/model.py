"""The model: the two-stage recommender's scores, plus those of what a request states."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from embeddings.data.dataset import Histories, TimeArray
from embeddings.model.manifest import Manifest
from embeddings.model.stated_preferences import (
    STATED,
    StatedPreferenceConfig,
    StatedPreferences,
    one_user_likes,
)
from embeddings.ranking.features import BLENDED_SCORE
from embeddings.ranking.two_stage import TwoStageRecommender
from embeddings.text.encoder import TextEncoder
from kg.graph import BoolArray, Float64Array, FloatArray, IntArray
from kg.item_changes import ChangedSnapshot

UNKNOWN_TIMES = np.full(3, np.nan)

_NO_NODES = np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False)
class Query:
    """What a request knows of the user."""

    history: IntArray = field(default_factory=lambda: _NO_NODES)
    """Item numbers liked, oldest first."""
    likes: IntArray = field(default_factory=lambda: _NO_NODES)
    """Node numbers of liked entities."""
    text: FloatArray | None = None
    """The unit vector of the request's text, by the encoder named in the manifest."""
    times: TimeArray = field(default_factory=lambda: UNKNOWN_TIMES)
    """First, median and last time of the history, epoch seconds; NaN: unknown."""
    session: IntArray = field(default_factory=lambda: _NO_NODES)
    """The items of the history that belong to this visit, the newest last."""
    excluded: BoolArray | None = None
    """Items that are not to be ranked, bool [n_items], so that others are; None: none but the history's."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Factors of what score columns, `likes` and `text_query` contribute; 1 for those that are not named."""


@dataclass(frozen=True, eq=False)
class Scores:
    """The scores of all items for one query."""

    scores: FloatArray
    """float32 [n_items], higher is better; -inf for the items that the query excludes."""
    contributions: Callable[[IntArray], dict[str, FloatArray]]
    """From item numbers [m] to the contributions to their scores, float32 [m] each, which sum to the scores:
    Shapley values of the ranker's trees by score column, `base_value`, and what the query states."""
    probabilities: Callable[[FloatArray], Float64Array]
    """From scores [m] to probabilities in the same order, float64 [m]; `embeddings.ranking.calibration` says
    of what."""
    calibrated: bool
    """Whether probabilities of this kind were learnt from held-out likes: a ranker was learnt, nothing but
    the history counts, and no items are excluded."""


class Model:
    """A two-stage recommender, and the facts and settings by which stated preferences count."""

    def __init__(
        self,
        manifest: Manifest,
        two_stage: TwoStageRecommender,
        links: sp.csr_array,
        stated_preferences: StatedPreferenceConfig,
    ) -> None:
        """`links` is nodes x items, float32 ones where a fact joins the two."""
        self.manifest = manifest
        self.two_stage = two_stage
        self.links = links
        self._stated = StatedPreferences(two_stage, links, stated_preferences)

    @property
    def stated_preferences(self) -> StatedPreferenceConfig:
        """How stated preferences count."""
        return self._stated.config

    @property
    def n_items(self) -> int:
        """How many items there are."""
        return int(self.links.shape[1])

    @cached_property
    def node_vectors(self) -> FloatArray:
        """As `ScorerEnsemble.node_vectors`."""
        return self.two_stage.ensemble.node_vectors(self.links.shape[0])

    @property
    def content_vectors(self) -> tuple[FloatArray, ...]:
        """Unit vectors of the items' texts and of their facts, float32 [n_items, d] each; 0 where unknown."""
        return self.two_stage.items.text_vectors, self.two_stage.items.fact_vectors

    @property
    def contribution_names(self) -> tuple[str, ...]:
        """What may have a factor among the weights of a query."""
        return (*self.two_stage.ensemble.score_columns, BLENDED_SCORE, *STATED)

    @property
    def item_vectors(self) -> FloatArray:
        """Those of the items, float32 [n_items, d]."""
        return self.node_vectors[: self.n_items]

    def with_items(self, changed: ChangedSnapshot, encoder: TextEncoder) -> "Model":
        """The model for a snapshot with changes; see `embeddings.model.growth`."""
        from embeddings.model.growth import with_items  # it makes models

        return with_items(self, changed, encoder)

    @property
    def text_vectors(self) -> FloatArray | None:
        """Unit vectors of the items' texts, float32 [n_items, dim]; None if no scorer uses texts."""
        found = (scorer.text_vectors for scorer in self.two_stage.ensemble.scorers.values())
        return next((x for x in found if x is not None), None)

    def score(self, query: Query) -> Scores:
        """The scores of one query; for an empty one about popularity."""
        likes = one_user_likes(query.likes, self.links.shape[0])
        history = Histories.of([query.history], self.n_items, query.times[None, :], likes)
        weights = query.weights
        allowed = None if query.excluded is None else ~query.excluded
        ranked, contributions = self.two_stage.score_one(history, allowed, weights)
        if query.excluded is not None:
            ranked[query.excluded] = -np.inf
        stated = self._stated.added(ranked, history, query.text, query.session)
        if weights:
            stated = {name: np.float32(weights.get(name, 1.0)) * own for name, own in stated.items()}

        def with_stated(items: IntArray) -> dict[str, FloatArray]:
            return contributions(items) | {name: values[items] for name, values in stated.items()}

        def probabilities(scores: FloatArray) -> Float64Array:
            return np.asarray(self.two_stage.probabilities(history, scores[None])[0])

        return Scores(
            np.asarray(sum(stated.values(), ranked), np.float32),
            with_stated,
            probabilities,
            self.two_stage.calibrated(history) and not stated and not weights and query.excluded is None,
        )

    def score_text(self, text: FloatArray) -> FloatArray | None:
        """As `StatedPreferences.score_text`."""
        return self._stated.score_text(text)
