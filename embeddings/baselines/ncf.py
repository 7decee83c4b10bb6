"""Neural collaborative filtering. Only fitting it loads torch."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from typing_extensions import override

from embeddings.data.dataset import Dataset, Histories
from embeddings.graph.configs import NcfConfig
from embeddings.scorers.base import Scorer
from kg.graph import FloatArray
from kg.progress import Report, silent


@dataclass(frozen=True, eq=False)
class Ncf(Scorer[NcfConfig]):
    """NeuMF (He et al. 2017) whose user is the mean of the history's vectors."""

    name: ClassVar[str] = "ncf"
    grid: ClassVar[tuple[Any, ...]] = (NcfConfig(),)

    history: FloatArray
    """Items as a history takes them in [n_items, d]."""
    tower: FloatArray
    """The user tower's weights, then its bias [d + 1, d]."""
    items: FloatArray
    """Items as they are scored by the product, the weights of the product taken in [n_items, d]."""
    bias: FloatArray
    """[n_items]"""
    of_user: FloatArray
    """From a user to the first layer, then its bias [d + 1, h]."""
    of_item: FloatArray
    """What each item adds to the first layer [n_items, h]."""
    second: FloatArray
    """[h + 1, h / 2]"""
    last: FloatArray
    """[h / 2]"""

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: NcfConfig, seed: int = 0, report: Report = silent) -> Self:
        from embeddings.baselines.ncf_training import train_ncf

        learnt = train_ncf(dataset, config, seed, report)

        def layer(name: str) -> FloatArray:
            stacked = np.concatenate([learnt[f"{name}.weight"].T, learnt[f"{name}.bias"][None]])
            return np.ascontiguousarray(stacked)

        return cls(
            history=learnt["history"],
            tower=layer("tower"),
            items=learnt["items"] * learnt["product"],
            bias=learnt["bias"],
            of_user=layer("of_user"),
            of_item=np.ascontiguousarray(learnt["items"] @ learnt["of_item.weight"].T),
            second=layer("second"),
            last=learnt["last.weight"][0],
        )

    @override
    def score(self, histories: Histories) -> FloatArray:
        scores = [self._score(user) for user in self._users(histories)]
        return np.stack(scores) if scores else np.zeros((0, len(self.bias)), np.float32)

    def _users(self, histories: Histories) -> FloatArray:
        lengths = np.maximum(np.diff(histories.matrix.indptr), 1).astype(np.float32)
        pooled = sp.csr_array(sp.diags_array(1 / lengths) @ histories.matrix) @ self.history
        return np.asarray(pooled + np.tanh(_through(self.tower, pooled)), np.float32)

    def _score(self, user: FloatArray) -> FloatArray:
        """One user at a time: the first layer is as large as all items."""
        first = np.maximum(_through(self.of_user, user) + self.of_item, 0)
        network = np.maximum(_through(self.second, first), 0) @ self.last
        return np.asarray(self.items @ user + self.bias + network, np.float32)


def _through(layer: FloatArray, x: FloatArray) -> FloatArray:
    """x W + b, with b the last row."""
    return np.asarray(x @ layer[:-1] + layer[-1], np.float32)
