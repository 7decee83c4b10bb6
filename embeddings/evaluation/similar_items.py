"""How well similarities of items find the items that are liked together by users whom nothing saw.

Partners of an item are the items that held-out users like together with it, more often than the popularity
of both and the activity of the users explain. Each similarity ranks all other items for each item with
partners. Item-to-item recommendations are judged by what people like together as in McAuley et al. 2015
("Image-based recommendations on styles and substitutes"); co-occurrence is compared with that in a random
bipartite graph with the same degrees as in Zweig, Kaufmann 2011 ("A systematic approach to the one-mode
projection of bipartite graphs").
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.stats import poisson

from embeddings.candidates.specs import SCORER_SPECS, ScorerSpec
from embeddings.data.dataset import Dataset
from embeddings.data.vectors import unit_rows
from embeddings.evaluation.bootstrap import Comparison, Interval, compare, mean_interval
from embeddings.evaluation.hidden import hide_users
from embeddings.evaluation.metrics import Ranking, rank
from kg.errors import MissingDataError, UsageError
from kg.graph import BoolArray, FloatArray, IntArray
from kg.progress import Report, silent

MODEL = "model"
"""The vectors of a model: those of the last of its scorers that has any, as in `Model.node_vectors`."""

KNOWN, NEW = "known items", "new items"

Similarity = Callable[[IntArray], FloatArray]
"""From item numbers [m] to their similarities to all items, float32 [m, n_items]."""


@dataclass(frozen=True)
class SimilarItemsConfig:
    """What is hidden, and which pairs count as liked together."""

    hidden_users: float = 0.2
    """Share of the users whose likes are the truth."""
    hidden_items: float = 0.1
    """Share of the items with partners whose events are hidden from training, so that they are new."""
    min_users: int = 2
    """At least this many held-out users like both items of a pair."""
    significance: float = 0.05
    """Chance of at least as many, by the Poisson distribution, that a pair stays below."""


@dataclass(frozen=True, eq=False)
class SimilarItemsTask:
    """The dataset to learn from, and the partners of each item."""

    dataset: Dataset
    partners: sp.csr_array
    """Items x items, float32 ones, symmetric, without a diagonal."""

    def measure(self, similarity: Similarity, k: int) -> dict[str, Ranking]:
        """The rankings of known and of new items with partners; an item's own place is left out."""
        own = sp.csr_array(sp.eye_array(self.dataset.n_items, dtype=np.float32))
        known = self.dataset.has_interactions
        return {
            name: rank(similarity, own, _rows(self.partners, asked), k)
            for name, asked in ((KNOWN, known), (NEW, ~known))
        }


def similar_items_task(
    whole: Dataset, seed: int = 0, config: SimilarItemsConfig | None = None
) -> SimilarItemsTask:
    """Hide users at random, find the pairs that they like together, and hide some of these items.

    Raises:
        MissingDataError: the hidden users like no two items together.
    """
    config = config or SimilarItemsConfig()
    hidden = hide_users(whole, config.hidden_users, 2, seed)
    events = whole.events.select(hidden.events & whole.events.liked)
    partners = liked_together(events.matrix(whole.n_users, whole.n_items), config)
    paired = np.flatnonzero(np.diff(partners.indptr))
    if not len(paired):
        raise MissingDataError(
            "the held-out users like no two items together, so there is nothing to measure"
        )
    new = np.random.default_rng(seed).permutation(paired)[: round(config.hidden_items * len(paired))]
    train = hidden.train.select_events(~np.isin(hidden.train.events.item, new))
    return SimilarItemsTask(train, partners)


def liked_together(liked: sp.csr_array, config: SimilarItemsConfig) -> sp.csr_array:
    """The pairs of items that users like together beyond chance, items x items; `liked` is users x items.

    In a random bipartite graph with the same degrees, d_i d_j sum_u d_u (d_u - 1) / m^2 users are expected to
    like both items i and j, where d are the degrees of items and users and m is the number of likes.
    """
    activity = np.diff(liked.indptr).astype(np.float64)
    degrees = np.bincount(liked.indices, minlength=liked.shape[1]).astype(np.float64)
    together = sp.coo_array(liked.T @ liked)
    one, other = together.coords
    often = (together.data >= config.min_users) & (one != other)
    one, other, count = one[often], other[often], together.data[often]
    pairs_by_chance = (activity * (activity - 1)).sum() / max(activity.sum() ** 2, 1)
    expected = degrees[one] * degrees[other] * pairs_by_chance
    beyond = poisson.sf(count - 1, expected) < config.significance
    ones = np.ones(int(beyond.sum()), np.float32)
    return sp.csr_array((ones, (one[beyond], other[beyond])), shape=together.shape)


def _rows(matrix: sp.csr_array, mask: BoolArray) -> sp.csr_array:
    """The matrix with the rows of the mask alone; the others are empty."""
    kept = sp.csr_array(sp.diags_array(mask.astype(np.float32)) @ matrix)
    kept.eliminate_zeros()
    return kept


class Similarities:
    """Similarities of items by name, fitted on a dataset when asked for."""

    def __init__(
        self, dataset: Dataset, specs: Mapping[str, ScorerSpec], seed: int = 0, report: Report = silent
    ) -> None:
        """`specs` are the scorers of a model, in the order of its ensemble."""
        self._dataset, self._specs, self._seed, self._report = dataset, specs, seed, report
        self._vectors: dict[str, FloatArray] = {}

    def named(self, name: str) -> Similarity:
        """The similarity of this name, one of `SIMILARITIES`.

        Raises:
            UsageError: the model has no scorer with vectors.
        """
        return _BY_DATA[name](self._dataset) if name in _BY_DATA else _cosines(self._item_vectors(name))

    def _item_vectors(self, name: str) -> FloatArray:
        """The vectors of a scorer; a scorer is fitted once, also where it is that of the model."""
        name = self._model_scorer() if name == MODEL else name
        if name not in self._vectors:
            spec = self._specs.get(name, SCORER_SPECS[name])
            found = spec.fit(self._dataset, self._seed, self._report).node_vectors
            self._vectors[name] = np.asarray(found, np.float32)[: self._dataset.n_items]
        return self._vectors[name]

    def _model_scorer(self) -> str:
        """The last scorer of the model that has vectors."""
        names = [name for name, spec in self._specs.items() if name in WITH_VECTORS]
        if not names:
            raise UsageError("the model has no scorer with vectors; add one, such as --model-scorer kge")
        return names[-1]


def _popularity(dataset: Dataset) -> Similarity:
    degrees = dataset.degrees.astype(np.float32)
    return lambda items: np.tile(degrees, (len(items), 1))


def _item_knn(dataset: Dataset) -> Similarity:
    roots = np.sqrt(np.maximum(dataset.degrees, 1)).astype(np.float32)
    likes = sp.csr_array((dataset.liked @ sp.diags_array(1 / roots)).T)
    return _cosines(likes)


def _cosines(vectors: FloatArray | sp.csr_array) -> Similarity:
    """Products of unit rows; dense vectors are scaled to unit length."""
    if isinstance(vectors, sp.csr_array):
        return lambda items: np.asarray((vectors[items] @ vectors.T).toarray(), np.float32)
    rows = unit_rows(vectors)
    return lambda items: np.asarray(rows[items] @ rows.T, np.float32)


_BY_DATA: Mapping[str, Callable[[Dataset], Similarity]] = {
    "text": lambda dataset: _cosines(dataset.content.text),
    "facts": lambda dataset: _cosines(dataset.content.fact_matrix),
    "text_and_facts": lambda dataset: (
        lambda items: dataset.content.similarity(items, np.arange(dataset.n_items))
    ),
    "item_knn": _item_knn,
    "popularity": _popularity,
}

WITH_VECTORS = ("kge", "gnn")
"""The scorers that have vectors of items and entities."""

SIMILARITIES = (MODEL, *WITH_VECTORS, *_BY_DATA)
"""Every similarity, by name."""

DEFAULT_SIMILARITIES = (MODEL, *_BY_DATA)
"""Without the scorers alone, which take most of the time."""


@dataclass(frozen=True)
class SimilarItemsRow:
    """One similarity on the known or the new items."""

    similarity: str
    ndcg: Interval
    recall: Interval
    versus: Comparison | None
    """NDCG of the first similarity compared with this one; None for the first itself."""


@dataclass(frozen=True)
class SimilarItemsTable:
    """All similarities on the known or the new items."""

    items: str
    n_items: int
    """How many items have partners."""
    n_partners: float
    """Mean number of partners of an item."""
    k: int
    rows: tuple[SimilarItemsRow, ...]


def similar_items_tables(
    task: SimilarItemsTask, similarities: Mapping[str, Similarity], k: int = 10, seed: int = 0
) -> list[SimilarItemsTable]:
    """A table of the known items and one of the new items; a part without items is left out."""
    measured = {name: task.measure(own, k) for name, own in similarities.items()}
    return [
        _table(part, {name: own[part] for name, own in measured.items()}, task, k, seed)
        for part in (KNOWN, NEW)
        if all(len(own[part].users) for own in measured.values())
    ]


def _table(
    part: str, rankings: Mapping[str, Ranking], task: SimilarItemsTask, k: int, seed: int
) -> SimilarItemsTable:
    (first, ours), *_ = rankings.items()
    ndcg, recall = f"ndcg@{k}", f"recall@{k}"
    rows = tuple(
        SimilarItemsRow(
            name,
            mean_interval(ranking.values[ndcg], seed),
            mean_interval(ranking.values[recall], seed),
            None if name == first else compare(ours.values[ndcg], ranking.values[ndcg], name, seed),
        )
        for name, ranking in rankings.items()
    )
    partners = np.diff(task.partners.indptr)[ours.users]
    return SimilarItemsTable(part, len(partners), float(partners.mean()), k, rows)
