"""The closed-form linear autoencoder."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from typing_extensions import override

from embeddings.data.dataset import Dataset, Histories
from embeddings.data.vectors import rows_times
from embeddings.scorers.base import Scorer
from kg.graph import FloatArray
from kg.progress import Report, silent

BLOCK = 4096
"""Items at once, where something dense is as wide as the users learnt from."""

DOUBLE = 2_000
"""Larger squares are inverted in single precision: half the time and memory, and about 1e-6 off."""

MIRRORED = 128
"""Rows of a square mirrored at once."""


@dataclass(frozen=True)
class EaseConfig:
    """How much to believe."""

    regularisation: float = 200.0
    """Added to the diagonal of the Gram matrix."""
    per_degree: float = 0.0
    """Added to it for each user who liked the item (Steck 2020, dropout's part of the diagonal)."""
    length_power: float = 0.0
    """A user counts as the history's length to this power; negative: who likes everything counts less."""
    largest: int = 6_000
    """The largest dense matrix's side; beyond it the model is fitted on that many users, drawn by seed."""


@dataclass(frozen=True, eq=False)
class Ease(Scorer[EaseConfig]):
    """EASE (Steck 2019, equation 8): score = x B, B = I - P / diag(P), P = (X'W X + D)^-1, zero diagonal.

    With fewer users than items the same comes from the users' side: with Y = W^1/2 X,
    P = D^-1 - D^-1 Y' K Y D^-1 and K = (I + Y D^-1 Y')^-1 (Woodbury), and no items x items matrix is made.
    """

    name: ClassVar[str] = "ease"
    grid: ClassVar[tuple[Any, ...]] = tuple(EaseConfig(x) for x in (200.0, 100.0, 400.0, 1000.0, 2000.0))

    scaled: sp.csr_array
    """Y D^-1, the users learnt from x items; empty where `inverse` is P itself."""
    inverse: FloatArray
    """K, users x users, or P, items x items."""
    ridge: FloatArray
    """diag(D) [n_items]."""
    diagonal: FloatArray
    """diag(P) [n_items]."""

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: EaseConfig, seed: int = 0, report: Report = silent) -> Self:
        liked = _learnt_from(dataset.liked, config, seed)
        ridge = np.asarray(config.regularisation + config.per_degree * dataset.degrees, np.float32)
        if liked.shape[0] > liked.shape[1]:
            inverse = _inverse(liked.T @ liked, ridge)
            nobody: sp.csr_array = sp.csr_array(np.zeros((0, dataset.n_items), np.float32))
            return cls(nobody, inverse, ridge, inverse.diagonal().copy())
        scaled = sp.csr_array(liked @ sp.diags_array(1 / ridge))
        inverse = _inverse(scaled @ liked.T, np.ones(liked.shape[0], np.float32))
        return cls(scaled, inverse, ridge, np.asarray(1 / ridge - _explained(scaled, inverse), np.float32))

    @override
    def score(self, histories: Histories) -> FloatArray:
        x = histories.matrix
        if not self.scaled.shape[0]:
            dense = x.toarray()
            return np.asarray(dense - x @ self.inverse / self.diagonal, np.float32)
        common = rows_times(x, self._by_item) @ self.inverse
        dense = x.toarray(order="F").T  # items x users: no product needs it otherwise
        projected = dense / self.ridge[:, None]
        projected -= self.scaled.T @ common.T
        projected /= self.diagonal[:, None]
        return np.ascontiguousarray(np.subtract(dense, projected, out=projected).T, np.float32)

    @cached_property
    def _by_item(self) -> sp.csr_array:
        """`scaled` the other way round: few items are in a history, and only their rows are looked at."""
        return self.scaled.T.tocsr()


def _explained(scaled: sp.csr_array, inverse: FloatArray) -> FloatArray:
    """diag(Y' K Y) of D^-1 Y' K Y D^-1, [n_items]; in blocks of items, since K Y is dense."""
    by_item = scaled.T.tocsr()
    parts = []
    for start in range(0, by_item.shape[0], BLOCK):
        some = sp.csr_array(by_item[start : start + BLOCK])
        parts.append(np.asarray(some.multiply(some @ inverse).sum(axis=1)).ravel())
    return np.concatenate(parts)


def _learnt_from(liked: sp.csr_array, config: EaseConfig, seed: int) -> sp.csr_array:
    """W^1/2 X of the users with a history (one without, where nobody has any), few enough for a square."""
    users = np.flatnonzero(np.diff(liked.indptr))
    if min(len(users), liked.shape[1]) > config.largest:
        users = np.sort(np.random.default_rng(seed).permutation(users)[: config.largest])
    some = sp.csr_array(liked[users if len(users) else [0]])
    weight = np.maximum(np.diff(some.indptr), 1) ** (config.length_power / 2)
    return sp.csr_array(sp.diags_array(weight.astype(np.float32)) @ some)


def _inverse(gram: sp.csr_array, diagonal: FloatArray) -> FloatArray:
    """(gram + diagonal)^-1 from its Cholesky factor, which takes a third of solving for the unit matrix."""
    precise = np.float64 if gram.shape[0] <= DOUBLE else np.float32
    square: Any = gram.toarray(order="F").astype(precise, order="F", copy=False)
    square[np.diag_indices_from(square)] += diagonal
    factor: Any = scipy.linalg.cho_factor(square, lower=True, overwrite_a=True)[0]
    invert: Any = scipy.linalg.get_lapack_funcs("potri", (factor,))
    lower, failed = invert(factor, lower=1, overwrite_c=1)
    if failed:
        raise np.linalg.LinAlgError(f"potri: {failed}")
    # row by row, as it will lie in memory once loaded: BLAS sums in another order over a transposed one
    return _mirrored(np.ascontiguousarray(lower.T, np.float32))


def _mirrored(upper: FloatArray) -> FloatArray:
    """The symmetric matrix of an upper triangle, in place; in blocks, since columns are far apart."""
    for start in range(0, len(upper), MIRRORED):
        end = start + MIRRORED
        corner = np.triu(upper[start:end, start:end])
        upper[start:end, start:end] = corner + np.triu(corner, 1).T
        upper[end:, start:end] = upper[start:end, end:].T
    return upper
