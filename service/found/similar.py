"""Items and entities that are similar to examples: by taste, by facts, by texts, or by all of them.

    vectors    cosine of the model's node vectors                                           taste
    co_likes   cosine of the columns of who liked the items, each user weighted by          taste
               1 / sqrt(likes)
    facts      cosine of the neighbours in the graph, the node itself among them, weighted  facts
               by inverse document frequency
    text       cosine of the centred text vectors; an entity has the mean of its items      text

Several examples count by their mean, and half of the mean of the negative ones is taken away, as in Rocchio's
relevance feedback (1971). Similarities are summed as standard scores; on the measure of `trailmix bench
similar` such a sum is better than one of the cosines.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Literal

import numpy as np
import scipy.sparse as sp

from embeddings.data.vectors import unit_rows
from kg.explanation.adjacency import FactAdjacency
from kg.graph import FloatArray, GraphSnapshot, IntArray
from service.found.contract import SimilarBy

Kind = Literal["vectors", "co_likes", "facts", "text"]


@dataclass(frozen=True)
class SimilarConfig:
    """How similarities are combined."""

    negative_weight: float = 0.5
    """Weight of the mean of the negative examples, beside 1 for the positive ones."""
    few_facts: float = 5.0
    """The similarities of an entity with so many facts count half: who is in one film alone is as near to
    its director as the film is."""
    weights: Mapping[SimilarBy, Mapping[Kind, float]] = field(
        default_factory=lambda: MappingProxyType(
            {
                "taste": {"vectors": 1, "co_likes": 1},
                "facts": {"facts": 1},
                "text": {"text": 1},
                "mixed": {"vectors": 1, "co_likes": 1, "facts": 0.25, "text": 0.25},
            }
        )
    )
    """Weights of the standard scores of each similarity."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Node numbers of what is wanted and of what is not."""

    positive: Sequence[int]
    negative: Sequence[int] = ()


_LEAST_DEVIATION = 1e-9


class Similar:
    """Similarities over one snapshot; safe to share between threads."""

    def __init__(
        self,
        snapshot: GraphSnapshot,
        facts: FactAdjacency,
        node_vectors: FloatArray,
        text_vectors: FloatArray | None,
        config: SimilarConfig | None = None,
    ) -> None:
        """`node_vectors` are unit rows of items, then entities; `text_vectors` of items (None: no texts)."""
        self.config = config or SimilarConfig()
        self._snapshot, self._facts = snapshot, facts
        self._node_vectors, self._text_vectors = node_vectors, text_vectors

    def similarities(self, by: SimilarBy, examples: Examples, among: slice) -> dict[Kind, FloatArray]:
        """Each similarity of the nodes of a label, `among`, to the examples: means of cosines, float32 [n].

        Those of entities with few facts are less. One that is 0 for all of them is absent.
        """
        nodes = np.array([*examples.positive, *examples.negative], np.int64)
        weights = np.full(len(nodes), 1 / len(examples.positive), np.float32)
        if examples.negative:
            weights[len(examples.positive) :] = -self.config.negative_weight / len(examples.negative)
        compute = {
            "vectors": self._by_vectors,
            "co_likes": self._by_co_likes,
            "facts": self._by_facts,
            "text": self._by_text,
        }
        trust = self._trust(among)
        found = {kind: compute[kind](nodes, weights, among) * trust for kind in self.config.weights[by]}
        return {kind: own for kind, own in found.items() if own.any()}

    def _trust(self, among: slice) -> FloatArray:
        """What the similarities of each node count for, float32 [n]: 1 for items."""
        count = np.diff(self._facts.start)[among].astype(np.float32)
        few = self.config.few_facts if among.start else 0.0
        return np.asarray(count / np.maximum(count + few, 1) if few else np.ones_like(count))

    def scores(
        self, by: SimilarBy, similarities: Mapping[Kind, FloatArray], candidates: IntArray
    ) -> FloatArray:
        """The weighted sum of the standard scores of the candidates, given by their places in a label."""
        found = np.zeros(len(candidates), np.float32)
        for kind, values in similarities.items():
            own = values[candidates]
            deviation = float(own.std()) if len(own) else 0.0
            if deviation > _LEAST_DEVIATION:
                found += self.config.weights[by][kind] * np.arcsinh((own - own.mean()) / deviation)
        return found

    def _by_vectors(self, nodes: IntArray, weights: FloatArray, among: slice) -> FloatArray:
        return np.asarray(self._node_vectors[among] @ (weights @ self._node_vectors[nodes]), np.float32)

    def _by_co_likes(self, nodes: IntArray, weights: FloatArray, among: slice) -> FloatArray:
        is_item = nodes < self._snapshot.n_items
        if among.start or not is_item.any():
            return np.zeros(among.stop - among.start, np.float32)
        likes = self._likes
        wanted = sp.csr_array(weights[is_item][None, :]) @ likes[nodes[is_item]]
        return np.asarray(likes @ wanted.toarray()[0], np.float32)

    def _by_facts(self, nodes: IntArray, weights: FloatArray, among: slice) -> FloatArray:
        rows = self._neighbours
        wanted = (sp.csr_array(weights[None, :]) @ rows[nodes]).toarray()[0]
        return np.asarray((rows @ wanted)[among], np.float32)

    def _by_text(self, nodes: IntArray, weights: FloatArray, among: slice) -> FloatArray:
        texts = self._text_vectors
        if texts is None:
            return np.zeros(among.stop - among.start, np.float32)
        wanted = weights @ np.stack([self._text_of(int(node)) for node in nodes])
        items = texts @ wanted
        return np.asarray(items if among.start == 0 else self._mean_of_items[among] @ items, np.float32)

    def _text_of(self, node: int) -> FloatArray:
        texts = self._text_vectors
        assert texts is not None
        if node < len(texts):
            return np.asarray(texts[node])
        return np.asarray(unit_rows(self._mean_of_items[[node]] @ texts)[0], np.float32)

    @cached_property
    def _likes(self) -> sp.csr_array:
        """Items x users, unit rows, float32; each user weighted by 1 / sqrt(likes)."""
        liked = self._snapshot.liked
        roots = np.sqrt(np.maximum(np.diff(liked.indptr), 1))
        rows = sp.csr_array((sp.diags_array(1 / roots) @ liked).T)
        return _unit(rows)

    @cached_property
    def _neighbours(self) -> sp.csr_array:
        """Nodes x nodes, unit rows, float32: the node and its neighbours by inverse document frequency."""
        facts = self._facts
        n = len(facts.specificity)
        data = facts.specificity[facts.neighbour]
        rows = sp.csr_array((data, facts.neighbour, facts.start), shape=(n, n))
        return _unit(sp.csr_array(rows + sp.diags_array(facts.specificity)))

    @cached_property
    def _mean_of_items(self) -> sp.csr_array:
        """Nodes x items, float32: the share of each item among those that facts join to a node."""
        facts, n_items = self._facts, self._snapshot.n_items
        n = len(facts.specificity)
        data = np.ones(len(facts.neighbour), np.float32)
        rows = sp.csr_array((data, facts.neighbour, facts.start), shape=(n, n))[:, :n_items]
        count = np.asarray(rows.sum(axis=1)).ravel()
        return sp.csr_array(sp.diags_array((1 / np.maximum(count, 1)).astype(np.float32)) @ rows)


def _unit(rows: sp.csr_array) -> sp.csr_array:
    length = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    return sp.csr_array(
        sp.diags_array((1 / np.maximum(length, 1e-12)).astype(np.float32)) @ rows, dtype=np.float32
    )
