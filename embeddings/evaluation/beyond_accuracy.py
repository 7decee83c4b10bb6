"""What lists are like beside being right: diverse, novel, popular, fairly spread, in proportion."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from embeddings.data.dataset import Dataset, Histories
from embeddings.data.vectors import unit_rows
from embeddings.evaluation.metrics import Ranking
from kg.errors import UsageError
from kg.graph import FloatArray, IntArray

Doubles = npt.NDArray[np.float64]

SMOOTHING = 0.01
"""How much of the history is mixed into a list before the two are compared (Steck 2018, section 3.1)."""


@dataclass(frozen=True, eq=False)
class Catalogue:
    """What is known of the items that lists are made of."""

    vectors: FloatArray
    """Unit vectors of text, float32 [n_items, d]; zeros where there is none."""
    degrees: IntArray
    """How many users liked each item, int64 [n_items]."""
    n_users: int
    """How many users liked anything."""
    facet: sp.csr_array
    """Items x kinds (genres, say), float32; an item's row sums to 1, or is empty."""
    facet_name: str
    """The relation that `facet` is taken from; empty where there is none."""

    @classmethod
    def of(cls, dataset: Dataset, facet: str | None = None) -> "Catalogue":
        """Of what is learnt from; `facet` names a relation (None: the broadest one).

        Raises:
            UsageError: there is no such relation.
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
    """Means over the users of `ranking`, each over the first k items of a list.

    - diversity: 1 - the mean cosine of all pairs of a list, by text. Absent without any.
    - novelty: mean self-information in bits, -log2 of the share of users who liked the item, add-one smoothed
      (Castells, Hurley, Vargas 2015).
    - popularity: the mean share of users who liked a recommended item.
    - gini: of how often each candidate is recommended; 0 is evenly, 1 is one item for all.
    - miscalibration: Kullback-Leibler divergence in bits between the history's and the list's shares of the
      facet's kinds (Steck 2018, equation 6); over users with such a history. Absent without a facet.

    `histories` are those of all users; `ranking.users` are numbers of these.
    """
    k, lists = ranking.k, list_matrix(ranking, len(catalogue.degrees))
    share = catalogue.degrees / max(1, catalogue.n_users)
    information = -np.log2((catalogue.degrees + 1) / (catalogue.n_users + 1))
    found = {f"diversity@{k}": _mean(diversity(lists, catalogue.vectors))} if catalogue.vectors.any() else {}
    found |= {
        f"novelty@{k}": _mean(_list_means(lists, information)),
        f"popularity@{k}": _mean(_list_means(lists, share)),
        f"gini@{k}": gini(np.bincount(lists.indices, minlength=lists.shape[1]), n_candidates),
    }
    if catalogue.facet_name:
        liked = histories.select(ranking.users).matrix
        found[f"miscalibration@{k}"] = _mean(miscalibration(lists, liked, catalogue.facet))
    return found


def list_matrix(ranking: Ranking, n_items: int) -> sp.csr_array:
    """Users x items, float32 ones for the first k of each list."""
    top = ranking.top[:, : ranking.k]
    row, place = np.nonzero(top >= 0)
    ones = np.ones(len(row), np.float32)
    return sp.csr_array((ones, (row, top[row, place])), shape=(len(top), n_items))


def diversity(lists: sp.csr_array, vectors: FloatArray) -> Doubles:
    """1 - the mean cosine over the pairs of each list, float64 [users]; NaN for lists of fewer than 2.

    Of unit vectors v: the sum of the cosines of all ordered pairs is |sum v|^2 - sum |v|^2.
    """
    n = np.diff(lists.indptr).astype(np.float64)
    together = np.asarray(lists @ vectors, np.float64)
    own = lists @ (vectors.astype(np.float64) ** 2).sum(axis=1)
    pairs = np.where(n > 1, n * (n - 1), np.nan)
    return np.asarray(1.0 - ((together**2).sum(axis=1) - own) / pairs)


def gini(counts: IntArray, n_candidates: int) -> float:
    """The Gini coefficient of how often items are shown, of `n_candidates` in all; 0 where none is."""
    shown = np.sort(counts[counts > 0].astype(np.float64))
    if not len(shown):
        return 0.0
    place = np.arange(n_candidates - len(shown) + 1, n_candidates + 1)
    return float(2 * (place * shown).sum() / (n_candidates * shown.sum()) - (n_candidates + 1) / n_candidates)


def miscalibration(lists: sp.csr_array, liked: sp.csr_array, facet: sp.csr_array) -> Doubles:
    """KL(p || (1 - a) q + a p) in bits, float64 [users]; p of the history, q of the list, NaN without p."""
    p, q = _shares(liked @ facet), _shares(lists @ facet)
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


def _list_means(lists: sp.csr_array, values: Doubles) -> Doubles:
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
    """The relation from items to entities with the most facts a tail: the fewest, broadest kinds."""
    facts = dataset.triples
    told = (facts.head < dataset.n_items) & (facts.tail >= dataset.n_items)
    pairs = np.unique(np.stack([facts.relation[told], facts.tail[told]], axis=1), axis=0)
    n_facts = np.bincount(facts.relation[told], minlength=len(dataset.relations))
    n_kinds = np.bincount(pairs[:, 0], minlength=len(dataset.relations))
    return int(np.argmax(n_facts / np.maximum(n_kinds, 1))) if told.any() else None


def _kinds(dataset: Dataset, relation: int) -> sp.csr_array:
    """Items x nodes: each item spread evenly over what the relation says of it."""
    facts = dataset.triples.select(
        (dataset.triples.relation == relation) & (dataset.triples.head < dataset.n_items)
    )
    shape = (dataset.n_items, dataset.n_nodes)
    have = sp.csr_array((np.ones(len(facts), np.float32), (facts.head, facts.tail)), shape=shape)
    have.sum_duplicates()
    lengths = np.diff(have.indptr)
    have.data = (1.0 / np.repeat(lengths, lengths)).astype(np.float32)
    return have
