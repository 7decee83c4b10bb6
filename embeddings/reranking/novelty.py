"""How new an item is to people: the self-information of its popularity."""

import numpy as np

from kg.graph import Float64Array, IntArray


def self_information(degrees: IntArray, n_users: int) -> Float64Array:
    """-log2 of the share of users who liked each item, in bits (Vargas, Castells 2011), add-one smoothed.

    `degrees` counts who liked each item [n], among `n_users` users who liked any.
    """
    return np.asarray(-np.log2((degrees + 1) / (n_users + 1)), np.float64)
