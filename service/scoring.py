"""The scores of all items for a query context: the model's, and what the request adds and takes away."""

from typing import Protocol

import numpy as np

from embeddings.model.manifest import Manifest
from embeddings.model.model import Query, Scores
from embeddings.text.encoder import TextEncoder
from kg.graph import FloatArray, GraphSnapshot
from kg.item_changes import ChangedSnapshot
from service.config import RecommenderConfig
from service.filters.boost import boosted
from service.penalty import REJECTED, items_with, ranked_down
from service.query_context import QueryContext


class ScoringModel(Protocol):
    """What the recommender needs of a model; `embeddings.model.model.Model` is one."""

    @property
    def manifest(self) -> Manifest:
        """Its version and encoder."""

    @property
    def node_vectors(self) -> FloatArray:
        """Unit vectors of items, then entities, float32 [n_nodes, d]; zeros for a node without one."""

    @property
    def item_vectors(self) -> FloatArray:
        """Those of the items, float32 [n_items, d]."""

    @property
    def content_vectors(self) -> tuple[FloatArray, ...]:
        """Those of texts and of facts, float32 [n_items, d] each."""

    @property
    def contribution_names(self) -> tuple[str, ...]:
        """What may have a factor among the weights of a query."""

    @property
    def text_vectors(self) -> FloatArray | None:
        """Unit vectors of the items' texts, float32 [n_items, dim]; None if the model has no texts."""

    def score(self, query: Query) -> Scores:
        """Scores of all items; popularity for an empty query."""

    def score_text(self, text: FloatArray) -> FloatArray | None:
        """How near each item's text is to a text, float32 [n_items]; None if the model has no texts."""

    def with_items(self, changed: ChangedSnapshot, encoder: TextEncoder) -> "ScoringModel":
        """The model for a snapshot with changes."""


_DISLIKES = 20
"""So many of the last disliked items and entities rank down what is like them."""


def score_context(
    context: QueryContext, model: ScoringModel, snapshot: GraphSnapshot, config: RecommenderConfig
) -> Scores:
    """The model's scores with the boosts of the request; items near to what the user disliked or the text
    rejects, and those with what the user muted, are ranked down.
    """
    scores = model.score(context.query())
    if context.boosts:
        scores = boosted(scores, context.boosts, config.boosts)
    if context.disliked:
        nodes = model.node_vectors
        items = nodes[: snapshot.n_items]
        cosines = list((items @ nodes[[*context.disliked][-_DISLIKES:]].T).T)
        own = config.dislikes.times(context.weights.get(REJECTED, 1.0))
        scores = ranked_down(scores, cosines, np.zeros(len(items), bool), own)
    if context.muted:
        scores = ranked_down(scores, [], items_with(snapshot, context.muted), config.mutes)
    vectors = context.rejected_vectors
    if vectors is None or not len(vectors):
        return scores
    near = (model.score_text(vector) for vector in vectors)
    meant = items_with(snapshot, context.rejected_meanings)
    own = config.rejections.times(context.weights.get(REJECTED, 1.0))
    return ranked_down(scores, [x for x in near if x is not None], meant, own)


def item_scores(
    model: ScoringModel, snapshot: GraphSnapshot, config: RecommenderConfig, context: QueryContext
) -> FloatArray:
    """The scores alone, float32 [n_items]."""
    return score_context(context, model, snapshot, config).scores
