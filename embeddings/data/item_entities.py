"""Which entities each item has by one relation, and how each item divides among them."""

import numpy as np
import scipy.sparse as sp

from kg.graph import Triples


def item_entities(triples: Triples, relation: int, n_items: int, n_nodes: int) -> sp.csr_array:
    """Items x nodes, CSR, float32 ones where a fact of the relation joins the two, in either direction."""
    facts = triples.select(triples.relation == relation)
    near = np.concatenate([facts.head, facts.tail])
    far = np.concatenate([facts.tail, facts.head])
    of_items = near < n_items
    ones = np.ones(np.count_nonzero(of_items), np.float32)
    found = sp.csr_array((ones, (near[of_items], far[of_items])), shape=(n_items, n_nodes))
    found.sum_duplicates()
    found.data[:] = 1.0
    return found


def equal_shares(entities: sp.csr_array) -> sp.csr_array:
    """Each row divided by how many entries it has, so that it sums to 1; an empty row stays empty."""
    lengths = np.diff(entities.indptr)
    shares = (1.0 / np.repeat(lengths, lengths)).astype(np.float32)
    return sp.csr_array((shares, entities.indices, entities.indptr), shape=entities.shape)
