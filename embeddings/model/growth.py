"""Items that come after training: a model that scores them too, without being trained again.

What the model learnt from events stays. The content of a new item, its text and facts, is brought into the
components that the model has of the other items, so that it is scored like an item without events.
"""

import numpy as np
import scipy.sparse as sp

from embeddings.candidates.ensemble import ScorerEnsemble
from embeddings.data.added_items import AddedItems, folded_in, rotated
from embeddings.data.cold_items import neighbour_weights
from embeddings.data.dataset import Dataset
from embeddings.data.item_features import ContentConfig, ContentFeatures
from embeddings.data.vectors import unit_rows
from embeddings.model.model import Model
from embeddings.ranking.two_stage import TwoStageRecommender
from embeddings.scorers.content import Text
from embeddings.scorers.profile import Profile
from embeddings.text.encoder import TextEncoder
from kg.graph import FloatArray, IntArray, NodeArray
from kg.item_changes import ChangedSnapshot

_BLOCK = 512
"""Items that are compared with all others at a time."""


def with_items(model: Model, changed: ChangedSnapshot, encoder: TextEncoder) -> Model:
    """The model of the snapshot before these changes, for the snapshot after them."""
    if not len(changed.changed):
        return model
    growth = _Growth(model, changed, encoder)
    before, added = model.two_stage, growth.added
    specs = before.ensemble.specs
    scorers = {
        name: scorer.with_items(added, specs[name].config) for name, scorer in before.ensemble.scorers.items()
    }
    extrapolator = before.ensemble.extrapolator.with_items(added, *growth.liked_neighbours())
    items = before.items.with_items(added, np.log1p(growth.fact_counts).astype(np.float32))
    ensemble = ScorerEnsemble.of(specs, scorers, extrapolator, items.known)
    two_stage = TwoStageRecommender(ensemble, items, before.ranker, before.config)
    return Model(model.manifest, two_stage, growth.links, model.stated_preferences)


class _Growth:
    """The content of the changed items in the terms of a model."""

    def __init__(self, model: Model, changed: ChangedSnapshot, encoder: TextEncoder) -> None:
        self._model, self._items = model, changed.changed
        features = model.two_stage.items
        snapshot = changed.snapshot
        self._config = ContentConfig(**model.manifest.config.get("content", {}))
        self._before = ContentFeatures(features.text_vectors, model.links, self._config)
        self.links = Dataset.from_snapshot(snapshot, np.zeros((0, 1), np.float32)).links
        own_facts = sp.csr_array(sp.csr_array(self.links.T)[self._items])
        self.fact_counts = np.diff(own_facts.indptr)
        known = sp.csr_array(own_facts[:, changed.node_numbers])
        self._weighted = self._before.weighted_facts(known)
        similar = sp.csr_array(self._weighted @ self._before.fact_matrix.T)
        text = self._text(encoder.encode([snapshot.texts[n] for n in self._items]))
        content = model.two_stage.ensemble.extrapolator.content
        self.added = AddedItems(
            n_old=model.n_items,
            n_items=snapshot.n_items,
            node_numbers=changed.node_numbers,
            n_nodes=snapshot.first_user,
            items=self._items,
            text=text,
            facts=self._facts(similar),
            content=self._content(text, similar, content),
            content_before=content,
        )

    def _text(self, vectors: FloatArray) -> FloatArray:
        """Centred as the model's; zeros where it has no scorer of texts."""
        scorers = self._model.two_stage.ensemble.scorers.values()
        scorer = next((x for x in scorers if isinstance(x, Text)), None)
        width = self._model.two_stage.items.text_vectors.shape[1]
        if scorer is None or scorer.centre.shape != (width,):
            return np.zeros((len(vectors), width), np.float32)
        return unit_rows((vectors - scorer.centre) * np.asarray(vectors.any(axis=1))[:, None])

    def _facts(self, similar: sp.csr_array) -> FloatArray:
        """By the components that the model's items have."""
        ensemble, features = self._model.two_stage.ensemble, self._model.two_stage.items
        for name, scorer in ensemble.scorers.items():
            if isinstance(scorer, Profile):
                found = scorer.facts(ensemble.specs[name].config, features.text_vectors.shape[1])
                if found is not None:
                    return folded_in(similar, found)
        return folded_in(similar, features.fact_vectors)

    def _content(self, text: FloatArray, similar: sp.csr_array, before: FloatArray) -> FloatArray:
        """As `ContentFeatures.extrapolation_features`."""
        n_text = min(self._config.extrapolation_text_components, text.shape[1])
        count = self._config.fact_count_scale * np.log1p(self.fact_counts)[:, None]
        parts = (
            rotated(text, self._model.two_stage.items.text_vectors, before[:, :n_text]),
            folded_in(similar, before[:, n_text:-2]),
            count,
            np.ones_like(count),
        )
        return np.concatenate(parts, axis=1, dtype=np.float32)

    def liked_neighbours(self) -> tuple[NodeArray, FloatArray]:
        """The most similar liked items of each changed item, int32 [m, k], and their weights [m, k]."""
        extrapolator, features = self._model.two_stage.ensemble.extrapolator, self._model.two_stage.items
        k = extrapolator.neighbours.shape[1]
        among = _most_liked(features.log_degree, max(self._config.max_neighbour_items, k))
        found = np.zeros((len(self._items), k), np.int32)
        weights = np.zeros((len(self._items), k), np.float32)
        if not len(among):
            return found, weights
        facts, text = self._before.fact_matrix[among].T.tocsr(), features.text_vectors[among].T
        for start in range(0, len(self._items), _BLOCK):
            some = slice(start, start + _BLOCK)
            near = self.added.text[some] @ text + (self._weighted[some] @ facts).toarray()
            near[self._items[some, None] == among[None, :]] = -np.inf
            best = np.argsort(-near, axis=1, kind="stable")[:, :k]
            similarity = np.take_along_axis(near, best, 1)
            width = best.shape[1]
            found[some, :width] = among[best]
            weights[some, :width] = neighbour_weights(similarity, np.isfinite(similarity))
        return found, weights


def _most_liked(log_degree: FloatArray, most: int) -> IntArray:
    """The items with likes, at most so many, those with the most likes rather; ascending."""
    order = np.argsort(-log_degree, kind="stable")[:most]
    return np.sort(order[log_degree[order] > 0])
