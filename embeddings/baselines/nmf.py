"""Non-negative matrix factorisation: factors only add up, so each can be read as a taste."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.decomposition import NMF, non_negative_factorization
from typing_extensions import override

from embeddings.data.dataset import Dataset, Histories
from embeddings.scorers.base import Scorer
from kg.graph import FloatArray
from kg.progress import Report, silent


@dataclass(frozen=True)
class NmfConfig:
    """Size, regularisation and iterations."""

    factors: int = 128
    """Length of the vectors of users and items."""
    regularisation: float = 10.0
    """The l of the objective; if it is too large for the data, all factors are zero."""
    iterations: int = 30
    """Sweeps of coordinate descent over users and items when the model is fitted."""
    fold_in_iterations: int = 40
    """Sweeps that find a user's vector; 40 give scores exact to 1e-5 with the defaults on a film data set."""


@dataclass(frozen=True, eq=False)
class Nmf(Scorer[NmfConfig]):
    """min |X - U V'|^2 + l (|U|^2 + |V|^2), U and V >= 0 (Lee and Seung 1999), by scikit-learn.

    The solver is coordinate descent (Cichocki and Phan 2009, algorithm 2). It makes a fixed number of sweeps,
    without a tolerance, so that a user's scores do not depend on the other users of a batch. A user folds in
    by the same descent with V fixed.
    """

    name: ClassVar[str] = "nmf"
    grid: ClassVar[tuple[Any, ...]] = tuple(NmfConfig(f, r) for f in (128, 64) for r in (10.0, 3.0, 1.0))

    components: FloatArray
    """V' [factors, n_items]"""
    regularisation: float
    fold_in_iterations: int

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: NmfConfig, seed: int = 0, report: Report = silent) -> Self:
        model = NMF(
            config.factors,
            init="random",
            # scikit-learn multiplies each penalty by the size of the other side
            alpha_W=config.regularisation / dataset.n_items,
            alpha_H=config.regularisation / dataset.n_users,
            max_iter=config.iterations,
            tol=0.0,
            random_state=seed,
        ).fit(dataset.liked)
        report(cls.name, config.iterations, config.iterations)
        components = np.ascontiguousarray(model.components_)
        return cls(components, config.regularisation, config.fold_in_iterations)

    @override
    def score(self, histories: Histories) -> FloatArray:
        if not len(histories) or not self.components.any():  # scikit-learn refuses both
            return np.zeros((len(histories), self.components.shape[1]), np.float32)
        users, _, _ = non_negative_factorization(
            histories.matrix,
            H=self.components,
            n_components=len(self.components),
            update_H=False,
            alpha_W=self.regularisation / self.components.shape[1],
            max_iter=self.fold_in_iterations,
            tol=0.0,
        )
        return np.asarray(users @ self.components, np.float32)
