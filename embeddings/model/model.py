"""The fused model: what scorers say, ranked, plus what the user said."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp
from pydantic import BaseModel, ConfigDict

from embeddings.data.dataset import Histories, TimeArray
from embeddings.data.vectors import unit_rows
from embeddings.ranking.two_stage import Fitted
from embeddings.scorers.content import Text
from embeddings.scorers.graph import Gnn, Kge
from kg.graph import FloatArray, GraphSnapshot, IntArray

FORMAT_VERSION = 4
"""Raised whenever the arrays or the code that reads them change their meaning."""

SAID_WEIGHT = 3.0
"""How far a stated like or text outweighs the rest: its deviation over the items against that of the rest
among its FIRST, whom alone it would recommend."""
FIRST = 100

UNKNOWN_TIMES = np.full(3, np.nan)

NOBODY = np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False)
class Query:
    """What is known of the user."""

    history: IntArray = field(default_factory=lambda: NOBODY)
    """Item numbers liked, oldest first."""
    likes: IntArray = field(default_factory=lambda: NOBODY)
    """Node numbers of entities liked."""
    text: FloatArray | None = None
    """The unit vector of what the user wrote, by the encoder named in the manifest."""
    when: TimeArray = field(default_factory=lambda: UNKNOWN_TIMES)
    """The first, middle and last time of the history, epoch seconds; NaN where it is unknown."""


@dataclass(frozen=True, eq=False)
class Scores:
    """`total` float32 [n_items], higher is better; `parts(items)`: who contributed what to those, sums to it.

    The parts are Shapley values of the ranker's trees, summed over the features of one scorer.
    """

    total: FloatArray
    parts: Callable[[IntArray], dict[str, FloatArray]]


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
    measured: bool = True
    """Whether the ranking was learnt without the events that it was measured by, else from all events."""
    ranked_on: str = ""
    """Fingerprint of the snapshot that the ranking was learnt from, where that is an earlier one."""
    inputs: str
    """A hash of all of the above; equal inputs need no second training."""
    versions: dict[str, str]
    metrics: dict[str, dict[str, float]]
    """By method, then by metric: this model beside baselines, on held-out events."""
    tuned: dict[str, Any] | None = None
    """Where the configuration was searched: how many trials, NDCG before and after, what was changed."""
    model_version: str = ""
    """Hash of the content, set when it is saved."""
    created: str = ""
    """ISO time, UTC, set when it is saved."""

    @property
    def learnt_from(self) -> set[str]:
        """Fingerprints of all snapshots that have a part in the model."""
        return {self.snapshot, self.ranked_on} - {""}


def nodes_fingerprint(snapshot: GraphSnapshot) -> str:
    """A hash of the numbering of items and entities; events and users may change beneath a model."""
    return "-".join(v.fingerprint[:8] for v in snapshot.vocabularies[:-1])


class Model:
    """Scorers, the ranker over their candidates, and the facts that link entities to items."""

    def __init__(self, manifest: Manifest, fitted: Fitted, links: sp.csr_array) -> None:
        """`links` is nodes x items, float32 ones where a fact joins them."""
        self.manifest = manifest
        self.fitted = fitted
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
            expert = self.fitted.panel.experts.get(name)
            if isinstance(expert, Gnn | Kge):
                return unit_rows(expert.vectors)
        return np.zeros((self.links.shape[0], 1), np.float32)

    @property
    def item_vectors(self) -> FloatArray:
        """Fused unit vectors of the items, float32 [n_items, d]."""
        return self.node_vectors[: self.n_items]

    def score(self, query: Query) -> Scores:
        """One user's scores; nothing known gives about popularity."""
        user = Histories.of([query.history], self.n_items, query.when[None, :])
        rest, contributions = self.fitted.score_one(user)
        first = np.partition(rest, -FIRST)[-FIRST:] if len(rest) > FIRST else rest
        spread = SAID_WEIGHT * max(float(first.std()), 1e-6)
        raw = {"likes": self._likes(query.likes), "said": self._text(query.text)}
        said = {name: spread * _lifted(values) for name, values in raw.items() if values is not None}

        def parts(items: IntArray) -> dict[str, FloatArray]:
            return contributions(items) | {name: values[items] for name, values in said.items()}

        return Scores(np.asarray(sum(said.values(), rest), np.float32), parts)

    def _likes(self, likes: IntArray) -> FloatArray | None:
        """Items joined to the entities by a fact first, then those near them in the fused space."""
        if not len(likes):
            return None
        linked = np.asarray(self.links[likes].sum(axis=0), np.float32).ravel()
        near = self.item_vectors @ self.node_vectors[likes].mean(axis=0)
        return np.asarray(linked / len(likes) + 0.25 * near, np.float32)

    def _text(self, text: FloatArray | None) -> FloatArray | None:
        expert = self.fitted.panel.experts.get(Text.name)
        if text is None or not text.any() or not isinstance(expert, Text):
            return None
        return expert.near(text)


def _lifted(values: FloatArray) -> FloatArray:
    """asinh of the deviations from the mean; zeros where all are alike."""
    centred, spread = values - values.mean(), float(values.std())
    return np.arcsinh(centred / spread).astype(np.float32) if spread > 1e-12 else np.zeros_like(values)
