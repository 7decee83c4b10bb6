"""Matrix factorisation for implicit feedback."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from typing_extensions import override

from embeddings.data.added_items import AddedItems
from embeddings.data.dataset import Dataset, Histories
from embeddings.data.vectors import sums_of_rows
from embeddings.scorers.base import Linear
from kg.compiled import compiled
from kg.graph import FloatArray, NodeArray
from kg.progress import Report, silent


@dataclass(frozen=True)
class AlsConfig:
    """Size, regularisation and iterations."""

    factors: int = 128
    """Length of the vectors of users and items."""
    regularisation: float = 10.0
    """Added to the diagonal of each normal equation."""
    weight: float = 1.0
    """Weight of a liked pair relative to any other pair (1: equal weights)."""
    iterations: int = 20
    """Sweeps over users and items."""
    cg_steps: int = 4
    """Conjugate-gradient steps of each least-squares problem in a sweep."""
    initial_deviation: float = 0.01
    """Standard deviation of the initial vectors."""


@dataclass(frozen=True, eq=False)
class Als(Linear[AlsConfig]):
    """Alternating least squares (Hu, Koren, Volinsky 2008, equation 4); users fold in by the same equation.

    Each sweep takes a few conjugate-gradient steps for all rows at once (Takács, Pilászy, Tikk 2011).
    """

    name: ClassVar[str] = "als"
    grid: ClassVar[tuple[Any, ...]] = tuple(
        AlsConfig(factors, reg, weight)
        for factors in (128, 64)
        for reg, weight in ((10.0, 1.0), (3.0, 1.0), (10.0, 3.0))
    )

    factors: FloatArray
    """[n_items, factors]"""
    gram: FloatArray
    """factors' factors + regularisation [factors, factors]"""
    weight: float

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: AlsConfig, seed: int = 0, report: Report = silent) -> Self:
        rng = np.random.default_rng(seed)
        by_user = dataset.liked
        by_item = by_user.T.tocsr()
        users, items = (initial_vectors(n, config.factors, config, rng) for n in by_user.shape)
        for done in range(config.iterations):
            users = solve_rows(by_user, items, users, config)
            items = solve_rows(by_item, users, items, config)
            report("als", done + 1, config.iterations)
        return cls(items, _gram(items, config.regularisation), config.weight)

    @override
    def user_vectors(self, histories: Histories) -> FloatArray:
        if self.weight == 1.0:  # one equation for all users
            return sums_of_rows(histories.matrix, self.factors) @ self._inverse
        found = np.empty((len(histories), self.factors.shape[1]), np.float32)
        matrix = histories.matrix
        _fold_in(matrix.indptr, matrix.indices, self.factors, self.gram, np.float32(self.weight), found)
        return found

    @cached_property
    def _inverse(self) -> FloatArray:
        return np.linalg.inv(self.gram)

    @property
    @override
    def item_vectors(self) -> FloatArray:
        return self.factors

    @override
    def with_items(self, added: AddedItems, config: AlsConfig) -> Self:
        return replace(self, factors=added.with_zeros(self.factors))


@compiled
def _fold_in(
    starts: NodeArray,
    items: NodeArray,
    factors: FloatArray,
    gram: FloatArray,
    weight: np.float32,
    found: FloatArray,
) -> None:
    for user in range(len(found)):
        liked = factors[items[starts[user] : starts[user + 1]]]
        normal = gram + (weight - np.float32(1)) * np.dot(liked.T, liked)
        found[user] = np.linalg.solve(normal, weight * liked.sum(axis=0))


def initial_vectors(rows: int, width: int, config: AlsConfig, rng: np.random.Generator) -> FloatArray:
    """Normally distributed initial vectors, float32 [rows, width]."""
    return (rng.standard_normal((rows, width)) * config.initial_deviation).astype(np.float32)


def solve_rows(
    liked: sp.csr_array,
    fixed: FloatArray,
    start: FloatArray,
    config: AlsConfig,
    offset: FloatArray | None = None,
) -> FloatArray:
    """Solve the least-squares problem of each row by conjugate-gradient steps from `start`.

    (F'F + l I + (w - 1) F_u'F_u) x = w F_u' (1 - o_u) - F_v' o_v, where F_u are the fixed rows that row u
    likes, F_v the other rows, and o is an offset for each fixed row, such as its bias (None: 0).
    """
    normal = _gram(fixed, config.regularisation)
    rows = np.repeat(np.arange(liked.shape[0]), np.diff(liked.indptr))
    extra = np.float32(config.weight - 1.0)

    def apply(x: FloatArray) -> FloatArray:
        product = x @ normal
        if extra:
            dots = np.einsum("ij,ij->i", x[rows], fixed[liked.indices])
            weighted = sp.csr_array((dots * extra, liked.indices, liked.indptr), shape=liked.shape)
            product += weighted @ fixed
        return np.asarray(product, np.float32)

    target = np.float32(config.weight) * (liked @ fixed)
    if offset is not None:
        target -= extra * (liked @ (offset[:, None] * fixed)) + offset @ fixed
    return _conjugate_gradient(apply, target, start, config.cg_steps)


def _conjugate_gradient(
    apply: Callable[[FloatArray], FloatArray], target: FloatArray, x: FloatArray, steps: int
) -> FloatArray:
    residual = target - apply(x)
    direction = residual
    size = np.einsum("ij,ij->i", residual, residual)
    for _ in range(steps):
        image = apply(direction)
        step = size / np.maximum(np.einsum("ij,ij->i", direction, image), 1e-20)
        x = x + step[:, None] * direction
        residual = residual - step[:, None] * image
        new = np.einsum("ij,ij->i", residual, residual)
        direction = residual + (new / np.maximum(size, 1e-20))[:, None] * direction
        size = new
    return x


def _gram(factors: FloatArray, regularisation: float) -> FloatArray:
    return factors.T @ factors + np.float32(regularisation) * np.eye(factors.shape[1], dtype=np.float32)
