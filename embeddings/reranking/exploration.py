"""Exploration: some places of a list are filled by drawing from further down the ranking."""

import hashlib

import numpy as np

from embeddings.reranking.criteria import Exploration
from embeddings.reranking.standard import standard_scores
from kg.graph import Float64Array, FloatArray


def draw_exploration(
    share: float, k: int, scores: FloatArray | Float64Array, temperature: float, seed: str
) -> Exploration:
    """Draw the explored places, and an order of the items below the first k of the pool, by a seed.

    As many places as `share` of k, on average, are explored. The order is a Plackett-Luce one: each next item
    is drawn by the softmax of standard scores divided by `temperature`, among those that are left. It is
    found by Gumbel noise (Yellott 1977; Kool, van Hoof, Welling 2019).
    """
    digest = hashlib.sha256(seed.encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    count = min(int(share * k + rng.random()), k)
    places = np.zeros(k, np.bool_)
    places[rng.permutation(k)[:count]] = True
    priorities = standard_scores(scores) / temperature + rng.gumbel(size=len(scores))
    priorities[:k] = -np.inf
    return Exploration(places, priorities)
