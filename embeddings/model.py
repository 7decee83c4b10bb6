"""The fused model: experts' scores, blended, plus what the asker said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict

from embeddings.blend import Blend, standardised, total
from embeddings.dataset import Histories
from embeddings.scorers.base import Scorer
from embeddings.scorers.content import Text
from embeddings.scorers.graph import Gnn, Kge
from embeddings.vectors import unit_rows
from kg.graph import FloatArray, GraphSnapshot, IntArray

FORMAT_VERSION = 1
"""Raised whenever the arrays or the code that reads them change their meaning."""

SAID_WEIGHT = 3.0
"""How far a stated like or text outweighs the rest: its deviation over the items against that of the rest."""

NOBODY = np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False)
class Query:
    """What is known of the asker."""

    history: IntArray = field(default_factory=lambda: NOBODY)
    """Item numbers liked, oldest first."""
    likes: IntArray = field(default_factory=lambda: NOBODY)
    """Node numbers of entities liked."""
    text: FloatArray | None = None
    """The unit vector of what the asker wrote, by the encoder named in the manifest."""


@dataclass(frozen=True, eq=False)
class Scores:
    """`total` float32 [n_items], higher is better; `parts`: which scorer contributed what, sums to it."""

    total: FloatArray
    parts: dict[str, FloatArray]


class Manifest(BaseModel):
    """What a model was made from and how well it did."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format_version: int = FORMAT_VERSION
    seed: int
    snapshot: str
    """Fingerprint of the snapshot trained on."""
    nodes: str
    """Fingerprint of the numbering of items and entities; serving needs the same."""
    encoder: str
    """The text encoder's name; texts asked with must be encoded by the same."""
    config: dict[str, Any]
    inputs: str
    """A hash of all of the above; equal inputs need no second training."""
    versions: dict[str, str]
    metrics: dict[str, dict[str, float]]
    """By method, then by metric: this model beside baselines, on held-out events."""
    model_version: str = ""
    """Hash of the content, set when it is saved."""
    created: str = ""
    """ISO time, UTC, set when it is saved."""


def nodes_fingerprint(snapshot: GraphSnapshot) -> str:
    """A hash of the numbering of items and entities; events and users may change beneath a model."""
    return "-".join(v.fingerprint[:8] for v in snapshot.vocabularies[:-1])


class Model:
    """Experts, the blend of their scores, and the facts that link entities to items."""

    def __init__(
        self, manifest: Manifest, experts: Sequence[Scorer[Any]], blend: Blend, links: sp.csr_array
    ) -> None:
        """`links` is nodes x items, float32 ones where a fact joins them."""
        self.manifest = manifest
        self.experts: Mapping[str, Scorer[Any]] = {x.name: x for x in experts}
        self.blend = blend
        self.links = links

    @property
    def n_items(self) -> int:
        """How many items there are."""
        return int(self.links.shape[1])

    @cached_property
    def node_vectors(self) -> FloatArray:
        """Fused unit vectors of items, then entities: graph convolution over text, facts and interactions;
        without it the knowledge-graph embedding; without that zeros. Float32 [n_nodes, d].
        """
        for name in (Gnn.name, Kge.name):
            expert = self.experts.get(name)
            if isinstance(expert, Gnn | Kge):
                return unit_rows(expert.vectors)
        return np.zeros((self.links.shape[0], 1), np.float32)

    @property
    def item_vectors(self) -> FloatArray:
        """Fused unit vectors of the items, float32 [n_items, d]."""
        return self.node_vectors[: self.n_items]

    def score(self, query: Query) -> Scores:
        """One asker's scores; nothing known gives popularity."""
        history = Histories.of([query.history], self.n_items)
        parts = {name: part[0] for name, part in self.score_parts(history).items()}
        rest = total(parts)
        said = {"likes": self._likes(query.likes), "said": self._text(query.text)}
        spread = max(float(rest.std()), 1e-6)
        for name, raw in said.items():
            if raw is not None:
                parts[name] = SAID_WEIGHT * spread * standardised(raw[None, :])[0]
        return Scores(total(parts), parts)

    def score_histories(self, histories: Histories) -> FloatArray:
        """Float32 [askers, n_items]: what `score` gives for queries of a history alone."""
        return total(self.score_parts(histories))

    def score_parts(self, histories: Histories) -> dict[str, FloatArray]:
        """What each expert contributes, [askers, n_items] each."""
        return self.blend.parts(histories, {name: x.score(histories) for name, x in self.experts.items()})

    def _likes(self, likes: IntArray) -> FloatArray | None:
        """Items joined to the entities by a fact first, then those near them in the fused space."""
        if not len(likes):
            return None
        linked = np.asarray(self.links[likes].sum(axis=0), np.float32).ravel()
        near = self.item_vectors @ self.node_vectors[likes].mean(axis=0)
        return np.asarray(linked / len(likes) + 0.25 * near, np.float32)

    def _text(self, text: FloatArray | None) -> FloatArray | None:
        expert = self.experts.get(Text.name)
        if text is None or not text.any() or not isinstance(expert, Text):
            return None
        return expert.near(text)
