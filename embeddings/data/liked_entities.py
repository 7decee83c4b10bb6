"""Liked entities as a weighted history: the items that facts join to them."""

import numpy as np
import scipy.sparse as sp

from kg.graph import FloatArray


def entity_weights(links: sp.csr_array) -> FloatArray:
    """How much an item counts that is joined to each node, float32 [n_nodes]; `links` is nodes x items.

    log(n_items / n) / sqrt(n) for a node of n items: all items of a rare entity together count more than
    those of a frequent one.
    """
    degrees = np.maximum(np.diff(links.indptr), 1)
    return np.asarray(np.log(links.shape[1] / degrees) / np.sqrt(degrees), np.float32)


def items_of_likes(likes: sp.csr_array, links: sp.csr_array, weights: FloatArray) -> sp.csr_array:
    """The items of each user's liked nodes, users x items float32: the sum of the nodes' weights.

    `likes` is users x nodes, `weights` is `entity_weights(links)`.
    """
    scaled = sp.csr_array((likes.data * weights[likes.indices], likes.indices, likes.indptr), likes.shape)
    return sp.csr_array(scaled @ links)


def share_of_likes(likes: sp.csr_array, links: sp.csr_array) -> FloatArray:
    """The share of each user's liked nodes that a fact joins to each item, float32 [users, n_items]."""
    counts = np.maximum(np.diff(likes.indptr), 1)
    return np.asarray((likes @ links).toarray() / counts[:, None], np.float32)
