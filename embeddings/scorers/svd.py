"""Linear low-pass scorers: the projection of a history onto the leading singular vectors of all histories."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from typing_extensions import override

from embeddings.data.dataset import Dataset
from embeddings.data.item_features import leading_vectors
from embeddings.scorers.base import Projection
from kg.progress import Report, silent


@dataclass(frozen=True)
class SvdConfig:
    """Number of singular vectors and normalisation of the matrix."""

    factors: int = 64
    normalised: bool = False
    """Whether rows and columns are first divided by the square roots of their degrees."""
    exact_up_to: int = 256
    """A matrix with at most this many rows or columns is decomposed exactly instead of iteratively."""


@dataclass(frozen=True, eq=False)
class Svd(Projection[SvdConfig]):
    """score = x D^-1/2 V V' D^1/2 with V the leading right singular vectors (Cremonesi et al. 2010, PureSVD).

    D is the identity or, if normalised, the item degrees: the ideal low-pass filter (Shen et al. 2021,
    equation 8).
    `history_vectors` is D^-1/2 V, `items` is D^1/2 V.
    """

    name: ClassVar[str] = "svd"
    grid: ClassVar[tuple[Any, ...]] = tuple(SvdConfig(f, n) for f in (64, 32, 128) for n in (False, True))

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: SvdConfig, seed: int = 0, report: Report = silent) -> Self:
        liked, root = dataset.liked, np.ones(dataset.n_items, np.float32)
        if config.normalised:
            root = np.sqrt(np.maximum(dataset.degrees, 1)).astype(np.float32)
            users = np.maximum(np.diff(liked.indptr), 1) ** -0.5
            liked = sp.csr_array(sp.diags_array(users) @ liked @ sp.diags_array(1 / root))
        vectors = leading_vectors(liked, config.factors, seed, config.exact_up_to)
        return cls(vectors / root[:, None], vectors * root[:, None])


@dataclass(frozen=True, eq=False)
class GraphFilter(Svd):
    """`Svd` of the normalised matrix, registered under a separate name."""

    name: ClassVar[str] = "graph_filter"
    grid: ClassVar[tuple[Any, ...]] = (SvdConfig(32, True), SvdConfig(64, True), SvdConfig(128, True))
