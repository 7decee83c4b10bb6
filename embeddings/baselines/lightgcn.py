"""LightGCN, a peer to compare with. Only fitting it loads torch."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from typing_extensions import override

from embeddings.data.dataset import Dataset, Histories
from embeddings.graph.configs import LightGcnConfig
from embeddings.scorers.base import Scorer
from kg.graph import FloatArray
from kg.progress import Report, silent


@dataclass(frozen=True, eq=False)
class LightGcn(Scorer[LightGcnConfig]):
    """Graph convolution over likes alone (He et al. 2020); see `embeddings.baselines.lightgcn_training`.

    A user is one propagation from the items of the history: the paper's user short of the vector learnt for
    that user alone, so that new users are scored as known ones are.
    """

    name: ClassVar[str] = "lightgcn"
    grid: ClassVar[tuple[Any, ...]] = (LightGcnConfig(),)

    vectors: FloatArray
    """Items as they are scored [n_items, d]."""
    pooled: FloatArray
    """Items as a history takes them in, by the root of their degree [n_items, d]; 0 if nobody likes them."""

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: LightGcnConfig, seed: int = 0, report: Report = silent) -> Self:
        from embeddings.baselines.lightgcn_training import train_lightgcn

        vectors, pooled = train_lightgcn(dataset, config, seed, report)
        degrees = dataset.degrees[:, None]
        scale = np.where(degrees, 1 / np.sqrt(np.maximum(degrees, 1)), 0.0).astype(np.float32)
        return cls(vectors, pooled * scale)

    @override
    def score(self, histories: Histories) -> FloatArray:
        root = np.sqrt(np.maximum(np.diff(histories.matrix.indptr), 1)).astype(np.float32)
        users = sp.csr_array(sp.diags_array(1 / root) @ histories.matrix) @ self.pooled
        return np.asarray(users @ self.vectors.T, np.float32)
