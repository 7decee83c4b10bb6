"""Small things done to rows."""

from typing import Any

import numpy as np
import scipy.sparse as sp

from kg.graph import FloatArray


def unit_rows(vectors: Any) -> FloatArray:
    """Rows of length 1, float32; rows of zeros stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def rows_times(rows: sp.csr_array, matrix: sp.csr_array) -> FloatArray:
    """rows @ matrix as float32 [rows, columns].

    A single row is summed by hand, at a third of what the general product takes to prepare itself.
    """
    if rows.shape[0] != 1:
        return np.asarray((rows @ matrix).toarray(), np.float32)
    asked = rows.indices
    starts, lengths = matrix.indptr[asked], matrix.indptr[asked + 1] - matrix.indptr[asked]
    places: Any
    if len(asked) and (np.diff(asked) == 1).all():  # they lie side by side: nothing to gather
        places = slice(starts[0], starts[-1] + lengths[-1])
    else:
        places = np.repeat(starts - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
    weights = matrix.data[places] * np.repeat(rows.data, lengths)
    found = np.bincount(matrix.indices[places], weights, minlength=matrix.shape[1])
    return found.astype(np.float32)[None, :]
