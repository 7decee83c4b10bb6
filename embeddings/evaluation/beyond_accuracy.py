"""Beyond-accuracy metrics: diversity, novelty, popularity bias, Gini coefficient and miscalibration."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from embeddings.data.dataset import Dataset, Histories
from embeddings.data.item_entities import equal_shares, item_entities
from embeddings.data.vectors import unit_rows
from embeddings.evaluation.metrics import Ranking
from embeddings.reranking.criteria import SMOOTHING
from embeddings.reranking.novelty import self_information
from kg.errors import UsageError
from kg.graph import FloatArray, IntArray

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Features of all items that the beyond-accuracy metrics need."""

    vectors: FloatArray
    """Unit text vectors, float32 [n_items, d]; a row is zero if the item has no text."""
    degrees: IntArray
    """Number of users who liked each item, int64 [n_items]."""
    n_users: int
    """Number of users who liked at least one item."""
    facet: sp.csr_array
    """Items x facet values (such as genres), float32; each row sums to 1 or is empty."""
    facet_name: str
    """Name of the relation that defines `facet`; empty if the dataset has no such relation."""

    @cached_property
    def facet_vectors(self) -> FloatArray:
        """`facet` as dense unit rows, without the values that no item has, float32 [n_items, values]."""
        return unit_rows(self.facet[:, np.unique(self.facet.indices)].toarray())

    @classmethod
    def of(cls, dataset: Dataset, facet: str | None = None) -> "Catalogue":
        """The catalogue of a dataset; `facet` names a relation (None: see `_broadest`).

        Raises:
            UsageError: the dataset has no relation of that name.
        """
        relation = _broadest(dataset) if facet is None else _relation(dataset, facet)
        return cls(
            unit_rows(dataset.text),
            dataset.degrees,
            int(np.count_nonzero(dataset.histories.lengths)),
            _kinds(dataset, -1 if relation is None else relation),
            "" if relation is None else dataset.relations[relation],
        )


def beyond_accuracy(
    ranking: Ranking, histories: Histories, catalogue: Catalogue, n_candidates: int
) -> dict[str, float]:
    """Beyond-accuracy metrics of the first k items of each list, as means over the users of `ranking`.

    - diversity: 1 - the mean cosine of the text vectors of all pairs in a list. Absent if no item has text.
    - novelty: mean self-information in bits, -log2 of the share of users who liked the item, add-one smoothed
      (Castells, Hurley, Vargas 2015).
    - popularity: the mean share of users who liked a recommended item.
    - gini: Gini coefficient of the recommendation counts of the candidates; 0 means that all are recommended
      equally often, 1 that one item is recommended to everyone.
    - miscalibration: Kullback-Leibler divergence in bits between the facet distributions of the history and
      of the list (Steck 2018, equation 6), over users whose history has facet values. Absent without a facet
      and where every history is empty.

    `histories` holds the histories of all users; `ranking.users` are indices into it.
    """
    k, lists = ranking.k, list_matrix(ranking.top[:, : ranking.k], len(catalogue.degrees))
    share = catalogue.degrees / max(1, catalogue.n_users)
    information = self_information(catalogue.degrees, catalogue.n_users)
    found = {f"diversity@{k}": _mean(diversity(lists, catalogue.vectors))} if catalogue.vectors.any() else {}
    found |= {
        f"novelty@{k}": _mean(list_means(lists, information)),
        f"popularity@{k}": _mean(list_means(lists, share)),
        f"gini@{k}": gini(np.bincount(lists.indices, minlength=lists.shape[1]), n_candidates),
    }
    if catalogue.facet_name and len(histories.items):
        liked = histories.select(ranking.users).matrix
        found[f"miscalibration@{k}"] = _mean(miscalibration(lists, liked, catalogue.facet))
    return found


def list_matrix(top: IntArray, n_items: int) -> sp.csr_array:
    """CSR matrix users x items, float32; 1 for the items of each list [users, k], which is padded with -1."""
    row, place = np.nonzero(top >= 0)
    ones = np.ones(len(row), np.float32)
    return sp.csr_array((ones, (row, top[row, place])), shape=(len(top), n_items))


def diversity(lists: sp.csr_array, vectors: FloatArray) -> Doubles:
    """1 - the mean cosine over the pairs of each list, float64 [users]; NaN for lists of fewer than 2 items.

    For unit vectors v, the sum of the cosines of all ordered pairs is |sum v|^2 - sum |v|^2.
    """
    n = np.diff(lists.indptr).astype(np.float64)
    together = np.asarray(lists @ vectors, np.float64)
    own = lists @ (vectors.astype(np.float64) ** 2).sum(axis=1)
    pairs = np.where(n > 1, n * (n - 1), np.nan)
    return np.asarray(1.0 - ((together**2).sum(axis=1) - own) / pairs)


def gini(counts: IntArray, n_candidates: int) -> float:
    """Gini coefficient of the recommendation counts of `n_candidates` items; 0 if nothing is recommended."""
    shown = np.sort(counts[counts > 0].astype(np.float64))
    if not len(shown):
        return 0.0
    place = np.arange(n_candidates - len(shown) + 1, n_candidates + 1)
    return float(2 * (place * shown).sum() / (n_candidates * shown.sum()) - (n_candidates + 1) / n_candidates)


def miscalibration(lists: sp.csr_array, liked: sp.csr_array, facet: sp.csr_array) -> Doubles:
    """KL(p || (1 - a) q + a p) in bits, float64 [users]; a is `SMOOTHING`.

    p is the facet distribution of the history, q that of the list; NaN if the history has no facet values."""
    p, q = _shares(liked @ facet), _shares(lists @ facet)
    if not p.nnz:
        return np.full(lists.shape[0], np.nan)
    mixed = sp.csr_array((1 - SMOOTHING) * q + SMOOTHING * p)
    rows, columns = p.nonzero()
    share = np.asarray(p[rows, columns]).ravel()
    terms = share * np.log2(share / np.asarray(mixed[rows, columns]).ravel())
    sums = np.bincount(rows, terms, minlength=lists.shape[0])
    return np.where(np.bincount(rows, minlength=lists.shape[0]) > 0, sums, np.nan)


def _shares(matrix: sp.csr_array) -> sp.csr_array:
    """Rows divided by their sums, float64."""
    matrix = sp.csr_array(matrix.astype(np.float64))
    total = np.maximum(np.asarray(matrix.sum(axis=1)).ravel(), 1e-12)
    return sp.csr_array(sp.diags_array(1 / total) @ matrix)


def list_means(lists: sp.csr_array, values: Doubles) -> Doubles:
    """The mean of the items' values [n_items] over each list, float64 [users]; NaN for an empty list."""
    n = np.diff(lists.indptr)
    return np.asarray((lists @ values) / np.where(n > 0, n, np.nan))


def _mean(values: Doubles) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else 0.0


def _relation(dataset: Dataset, name: str) -> int:
    if name not in dataset.relations:
        raise UsageError(f"--facet: no relation is called {name!r}; there are {', '.join(dataset.relations)}")
    return dataset.relations.index(name)


def _broadest(dataset: Dataset) -> int | None:
    """The relation from items to entities with the most facts per distinct tail; None if there is none."""
    facts = dataset.triples
    told = (facts.head < dataset.n_items) & (facts.tail >= dataset.n_items)
    pairs = np.unique(np.stack([facts.relation[told], facts.tail[told]], axis=1), axis=0)
    n_facts = np.bincount(facts.relation[told], minlength=len(dataset.relations))
    n_kinds = np.bincount(pairs[:, 0], minlength=len(dataset.relations))
    return int(np.argmax(n_facts / np.maximum(n_kinds, 1))) if told.any() else None


def _kinds(dataset: Dataset, relation: int) -> sp.csr_array:
    """CSR matrix items x nodes: each item has equal weights, of sum 1, on its entities of the relation."""
    return equal_shares(item_entities(dataset.triples, relation, dataset.n_items, dataset.n_nodes))
