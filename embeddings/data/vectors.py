"""Operations on the rows of matrices."""

from typing import Any

import numpy as np
import scipy.sparse as sp

from kg.compiled import compiled
from kg.graph import FloatArray, NodeArray


def unit_rows(vectors: Any) -> FloatArray:
    """Rows scaled to length 1, float32; zero rows stay zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def rows_times(rows: sp.csr_array, matrix: sp.csr_array) -> FloatArray:
    """rows @ matrix as float32 [rows, columns], summed in float64."""
    found = np.empty((rows.shape[0], matrix.shape[1]), np.float32)
    _add_rows(rows.indptr, rows.indices, rows.data, matrix.indptr, matrix.indices, matrix.data, found)
    return found


def sums_of_rows(rows: sp.csr_array, vectors: FloatArray) -> FloatArray:
    """The sums of the vectors [columns, d] that each row of a binary CSR matrix picks, float32 [rows, d]."""
    found = np.zeros((rows.shape[0], vectors.shape[1]), np.float32)
    _sum_rows(rows.indptr, rows.indices, vectors, found)
    return found


@compiled
def _sum_rows(starts: NodeArray, picked: NodeArray, vectors: FloatArray, found: FloatArray) -> None:
    for row in range(len(found)):
        for n in range(starts[row], starts[row + 1]):
            found[row] += vectors[picked[n]]


@compiled
def _add_rows(
    starts: NodeArray,
    picked: NodeArray,
    weights: FloatArray,
    matrix_starts: NodeArray,
    columns: NodeArray,
    values: FloatArray,
    found: FloatArray,
) -> None:
    total = np.zeros(found.shape[1])
    for row in range(len(found)):
        for n in range(starts[row], starts[row + 1]):
            weight = weights[n]
            for entry in range(matrix_starts[picked[n]], matrix_starts[picked[n] + 1]):
                total[columns[entry]] += weight * values[entry]
        found[row] = total
        total[:] = 0
