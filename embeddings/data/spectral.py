"""Leading singular vectors of sparse matrices, and vectors of items by what users like together."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import svds

from kg.graph import FloatArray

_NEGLIGIBLE = 1e-6
"""A singular value below this share of the largest counts as zero in the exact decomposition."""


@dataclass(frozen=True)
class SpectralConfig:
    """The low-pass filter of the likes that `SpectralVectors` factorise."""

    factors: int = 128
    """Number of singular vectors."""
    degree_power: float = 0.25
    """The likes are divided by the degrees of user and item to this power: 0 keeps them, 0.5 normalises."""
    shrinkage: float = 0.9
    """The singular values are lowered by this multiple of the smallest one that is kept."""
    exact_up_to: int = 1024
    """A matrix with at most this many rows or columns is decomposed exactly instead of iteratively."""


@dataclass(frozen=True, eq=False)
class SpectralVectors:
    """Factors of a soft-thresholded singular value decomposition of the likes: score = x history items'.

    With X the likes, D_u and D_i the degrees and D_u^-a X D_i^-a = U S V', the scores of a history x are
    x D_i^-a V max(1 - l / S, 0) V' D_i^a. Without l and with a = 0 this is PureSVD (Cremonesi et al. 2010);
    with a = 1/2 it is the ideal low-pass filter (Shen et al. 2021, equation 8). The factor max(1 - l / S, 0)
    is that of matrix factorisation with equal weights and an L2 penalty l (Mazumder, Hastie, Tibshirani
    2010): weak directions count less, so more of them can be kept.
    """

    history: FloatArray
    """Added up over the items of a history, float32 [n_items, d]."""
    items: FloatArray
    """float32 [n_items, d]"""

    @classmethod
    def of(cls, liked: sp.csr_array, config: SpectralConfig, seed: int = 0) -> "SpectralVectors":
        """Vectors from the likes, CSR users x items; at most `factors` wide."""
        users = np.maximum(np.diff(liked.indptr), 1.0) ** -config.degree_power
        degrees = np.maximum(np.bincount(liked.indices, minlength=liked.shape[1]), 1.0)
        items = (degrees**-config.degree_power)[:, None]
        matrix = sp.csr_array(sp.diags_array(users) @ liked @ sp.diags_array(items[:, 0]))
        values, vectors = truncated_svd(matrix, config.factors, seed, config.exact_up_to)
        kept = np.maximum(1 - config.shrinkage * values.min(initial=np.inf) / np.maximum(values, 1e-12), 0)
        root = vectors * np.sqrt(kept)
        return cls((root * items).astype(np.float32), (root / items).astype(np.float32))


def truncated_svd(
    matrix: sp.csr_array, count: int, seed: int = 0, exact_up_to: int = 256
) -> tuple[FloatArray, FloatArray]:
    """The largest singular values [<= count], descending, and their right vectors [columns, <= count].

    A matrix with at most `exact_up_to` rows or columns is decomposed exactly, by the eigenvectors of its
    smaller Gram matrix; `seed` starts the iteration that larger ones need (ARPACK). A zero matrix, or one of
    a single row or column, has one vector, which is zero.
    """
    rows, columns = matrix.shape
    count = min(count, min(rows, columns) - 1)
    if count < 1 or not matrix.nnz:
        return np.zeros(1, np.float32), np.zeros((columns, 1), np.float32)
    if min(rows, columns) > exact_up_to:
        start = np.random.default_rng(seed).standard_normal(min(rows, columns)).astype(np.float32)
        _, values, vectors = svds(matrix.astype(np.float32), count, v0=start)
        return values[::-1].astype(np.float32), np.ascontiguousarray(vectors[::-1].T, np.float32)
    exact = matrix.astype(np.float64)
    gram = (exact @ exact.T if rows < columns else exact.T @ exact).toarray()
    squares, vectors = np.linalg.eigh(gram)
    values, vectors = np.sqrt(np.maximum(squares[::-1][:count], 0)), vectors[:, ::-1][:, :count]
    kept = values > _NEGLIGIBLE * values[0]
    values, vectors = values[kept], vectors[:, kept]
    if rows < columns:
        vectors = (exact.T @ vectors) / values
    return values.astype(np.float32), np.ascontiguousarray(vectors, np.float32)
