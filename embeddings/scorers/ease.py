"""The closed-form linear autoencoder."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from typing_extensions import override

from embeddings.dataset import Dataset, Histories
from embeddings.scorers.base import Scorer
from kg.graph import FloatArray
from kg.progress import Report, silent


@dataclass(frozen=True)
class EaseConfig:
    """How much to believe."""

    regularisation: float = 200.0
    """Added to the diagonal of the Gram matrix."""
    largest: int = 10_000
    """The largest dense matrix's side; beyond it the model is fitted on that many users, drawn by seed."""


@dataclass(frozen=True, eq=False)
class Ease(Scorer[EaseConfig]):
    """EASE (Steck 2019, equation 8): score = x B, B = I - P / diag(P), P = (X'X + l I)^-1, zero diagonal.

    With fewer users than items the same comes from the users' side: P = (I - X' K X) / l with
    K = (X X' + l I)^-1 (Woodbury), and no items x items matrix is ever made.
    """

    name: ClassVar[str] = "ease"
    grid: ClassVar[tuple[Any, ...]] = tuple(EaseConfig(x) for x in (200.0, 100.0, 400.0, 1000.0, 2000.0))

    interactions: sp.csr_array
    """The users learnt from x items; empty where `inverse` is P itself."""
    inverse: FloatArray
    """K, users x users, or P, items x items."""
    diagonal: FloatArray
    """diag(P) [n_items]."""
    regularisation: float

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: EaseConfig, seed: int = 0, report: Report = silent) -> Self:
        liked = _learnt_from(dataset.liked, config.largest, seed)
        users_side = liked.shape[0] <= liked.shape[1]
        gram = (liked @ liked.T if users_side else liked.T @ liked).toarray().astype(np.float64)
        inverse = _inverse(gram, config.regularisation)
        if not users_side:
            nobody: sp.csr_array = sp.csr_array(np.zeros((0, dataset.n_items), np.float32))
            return cls(nobody, inverse, inverse.diagonal().copy(), config.regularisation)
        explained = np.asarray(liked.multiply(inverse @ liked).sum(axis=0)).ravel()
        diagonal = (1.0 - explained) / config.regularisation
        return cls(liked, inverse, diagonal.astype(np.float32), config.regularisation)

    @override
    def score(self, histories: Histories) -> FloatArray:
        x = histories.matrix
        dense = x.toarray()
        if self.interactions.shape[0]:
            common = (x @ self.interactions.T).toarray() @ self.inverse
            projected = (dense - common @ self.interactions) / np.float32(self.regularisation)
        else:
            projected = x @ self.inverse
        return np.asarray(dense - projected / self.diagonal, np.float32)


def _learnt_from(liked: sp.csr_array, largest: int, seed: int) -> sp.csr_array:
    """The users with a history (one without, where nobody has any), few enough for a dense square."""
    users = np.flatnonzero(np.diff(liked.indptr))
    if min(len(users), liked.shape[1]) > largest:
        users = np.sort(np.random.default_rng(seed).permutation(users)[:largest])
    return sp.csr_array(liked[users if len(users) else [0]])


def _inverse(gram: Any, regularisation: float) -> FloatArray:
    gram[np.diag_indices_from(gram)] += regularisation
    factor = scipy.linalg.cho_factor(gram, lower=True, overwrite_a=True)
    return np.asarray(scipy.linalg.cho_solve(factor, np.eye(len(gram))), np.float32)
