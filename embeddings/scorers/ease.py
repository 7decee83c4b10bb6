"""The closed-form linear autoencoder."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from typing_extensions import override

from embeddings.data.added_items import AddedItems
from embeddings.data.dataset import Dataset, Histories
from embeddings.data.vectors import rows_times
from embeddings.scorers.base import Scorer
from kg.compiled import compiled
from kg.graph import FloatArray, NodeArray
from kg.progress import Report, silent

BLOCK = 4096
"""Items per block when a dense block has one column per training user."""

MIRROR_BLOCK = 128
"""Rows per block when a triangular matrix is mirrored."""


@dataclass(frozen=True)
class EaseConfig:
    """Penalty, user weights and size limits of EASE."""

    regularisation: float = 200.0
    """Added to the diagonal of the Gram matrix."""
    degree_penalty: float = 0.0
    """Added to the diagonal for each user who liked the item; equivalent to dropout (Steck 2020)."""
    length_power: float = 0.0
    """The weight of a user is the history length to this power; a negative power favours short histories."""
    max_side: int = 6_000
    """Maximum side of the dense matrix; beyond it the model is fitted on this many users, sampled by seed."""
    double_precision_up_to: int = 2_000
    """Matrices up to this side are inverted in float64, larger ones in float32, which takes half the time and
    memory and has an error of about 1e-6."""


@dataclass(frozen=True, eq=False)
class Ease(Scorer[EaseConfig]):
    """EASE (Steck 2019, equation 8): score = x B, B = I - P / diag(P), P = (X'W X + D)^-1, zero diagonal.

    With fewer users than items, P is computed from a users x users matrix: with Y = W^1/2 X,
    P = D^-1 - D^-1 Y' K Y D^-1 and K = (I + Y D^-1 Y')^-1 (Woodbury), without an items x items matrix.
    """

    name: ClassVar[str] = "ease"
    explains_by_items: ClassVar[bool] = True
    grid: ClassVar[tuple[Any, ...]] = tuple(EaseConfig(x) for x in (200.0, 100.0, 400.0, 1000.0, 2000.0))

    scaled: sp.csr_array
    """Y D^-1, training users x items; empty if `inverse` is P."""
    inverse: FloatArray
    """K, users x users, or P, items x items."""
    ridge: FloatArray
    """diag(D) [n_items]."""
    diagonal: FloatArray
    """diag(P) [n_items]."""

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: EaseConfig, seed: int = 0, report: Report = silent) -> Self:
        liked = _training_rows(dataset.liked, config, seed)
        ridge = np.asarray(config.regularisation + config.degree_penalty * dataset.degrees, np.float32)
        if liked.shape[0] > liked.shape[1]:
            inverse = _inverse(liked.T @ liked, ridge, config)
            no_users: sp.csr_array = sp.csr_array(np.zeros((0, dataset.n_items), np.float32))
            return cls(no_users, inverse, ridge, inverse.diagonal().copy())
        scaled = sp.csr_array(liked @ sp.diags_array(1 / ridge))
        inverse = _inverse(scaled @ liked.T, np.ones(liked.shape[0], np.float32), config)
        return cls(scaled, inverse, ridge, np.asarray(1 / ridge - _explained(scaled, inverse), np.float32))

    @override
    def score(self, histories: Histories) -> FloatArray:
        return self.score_weighted(histories.matrix)

    @override
    def score_weighted(self, items: sp.csr_array) -> FloatArray:
        x = items
        if not self.scaled.shape[0]:
            dense = x.toarray()
            return np.asarray(dense - x @ self.inverse / self.diagonal, np.float32)
        common = rows_times(x, self._by_item) @ self.inverse  # one product for all users reads it once
        found, columns = x.toarray(), self._by_item
        _subtract_explained(
            common, columns.indptr, columns.indices, columns.data, self.ridge, self.diagonal, found
        )
        return found

    @cached_property
    def _by_item(self) -> sp.csr_array:
        """`scaled` transposed, so that a request reads only the rows of the history's items."""
        return self.scaled.T.tocsr()

    @override
    def with_items(self, added: AddedItems, config: EaseConfig) -> Self:
        """Columns of P of items without events are zero but for the diagonal, 1 / regularisation."""
        new = np.full(added.n_items - added.n_old, config.regularisation, np.float32)
        scaled, inverse = added.with_columns(self.scaled), self.inverse
        if not self.scaled.shape[0]:
            inverse = np.pad(inverse, (0, len(new)))
            inverse[range(added.n_old, added.n_items), range(added.n_old, added.n_items)] = 1 / new
        ridge, diagonal = np.concatenate([self.ridge, new]), np.concatenate([self.diagonal, 1 / new])
        return replace(self, scaled=scaled, inverse=inverse, ridge=ridge, diagonal=diagonal)


def _explained(scaled: sp.csr_array, inverse: FloatArray) -> FloatArray:
    """diag(D^-1 Y' K Y D^-1) [n_items], computed in blocks of items because K Y is dense."""
    by_item = scaled.T.tocsr()
    parts = []
    for start in range(0, by_item.shape[0], BLOCK):
        some = sp.csr_array(by_item[start : start + BLOCK])
        parts.append(np.asarray(some.multiply(some @ inverse).sum(axis=1)).ravel())
    return np.concatenate(parts)


@compiled
def _subtract_explained(
    common: FloatArray,
    starts: NodeArray,
    users: NodeArray,
    values: FloatArray,
    ridge: FloatArray,
    diagonal: FloatArray,
    found: FloatArray,
) -> None:
    """x -= (x / ridge - common @ scaled) / diagonal for each row x of `found`; `scaled` is given by item."""
    for row in range(len(found)):
        for item in range(found.shape[1]):
            projected = found[row, item] / ridge[item]
            for entry in range(starts[item], starts[item + 1]):
                projected -= values[entry] * common[row, users[entry]]
            found[row, item] -= projected / diagonal[item]


def _training_rows(liked: sp.csr_array, config: EaseConfig, seed: int) -> sp.csr_array:
    """W^1/2 X of the users with a history, at most `max_side` rows; one empty row if there are none."""
    users = np.flatnonzero(np.diff(liked.indptr))
    if min(len(users), liked.shape[1]) > config.max_side:
        users = np.sort(np.random.default_rng(seed).permutation(users)[: config.max_side])
    some = sp.csr_array(liked[users]) if len(users) else sp.csr_array((1, liked.shape[1]), dtype=np.float32)
    weight = np.maximum(np.diff(some.indptr), 1) ** (config.length_power / 2)
    return sp.csr_array(sp.diags_array(weight.astype(np.float32)) @ some)


def _inverse(gram: sp.csr_array, diagonal: FloatArray, config: EaseConfig) -> FloatArray:
    """(gram + diagonal)^-1 by Cholesky factorisation, in a third of the time of solving for the identity."""
    precise = np.float64 if gram.shape[0] <= config.double_precision_up_to else np.float32
    square: Any = gram.toarray(order="F").astype(precise, order="F", copy=False)
    square[np.diag_indices_from(square)] += diagonal
    factor: Any = scipy.linalg.cho_factor(square, lower=True, overwrite_a=True)[0]
    invert: Any = scipy.linalg.get_lapack_funcs("potri", (factor,))
    lower, failed = invert(factor, lower=1, overwrite_c=1)
    if failed:
        raise np.linalg.LinAlgError(f"potri: {failed}")
    # C order, as after loading from disk: BLAS sums in another order over a transposed matrix
    return _mirrored(np.ascontiguousarray(lower.T, np.float32))


def _mirrored(upper: FloatArray) -> FloatArray:
    """Mirror an upper triangle in place; in blocks, because column access is slow."""
    for start in range(0, len(upper), MIRROR_BLOCK):
        end = start + MIRROR_BLOCK
        corner = np.triu(upper[start:end, start:end])
        upper[start:end, start:end] = corner + np.triu(corner, 1).T
        upper[end:, start:end] = upper[start:end, end:].T
    return upper
