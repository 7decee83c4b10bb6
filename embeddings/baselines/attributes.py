"""Content-based baselines: items whose facts are similar to the facts of the history."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from typing_extensions import override

from embeddings.data.dataset import Dataset, Histories
from embeddings.scorers.base import Scorer
from kg.graph import FloatArray
from kg.progress import Report, silent


@dataclass(frozen=True)
class AttributesConfig:
    """The attribute baselines have no settings."""


@dataclass(frozen=True, eq=False)
class ContentCosine(Scorer[AttributesConfig]):
    """Cosine of an item's attributes with the history's sum (Pazzani, Billsus 2007, section 10.3).

    An item's attributes are the nodes that its facts name, weighted by inverse document frequency. An item
    without facts has the score 0.
    """

    name: ClassVar[str] = "content_cosine"
    content_only: ClassVar[bool] = True
    grid: ClassVar[tuple[Any, ...]] = (AttributesConfig(),)

    vectors: sp.csr_array
    """Unit vectors items x nodes; empty rows without facts."""

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: AttributesConfig, seed: int = 0, report: Report = silent) -> Self:
        return cls(dataset.content.fact_matrix)

    @override
    def score(self, histories: Histories) -> FloatArray:
        return np.asarray((_profiles(histories, self.vectors) @ self.vectors.T).toarray(), np.float32)


@dataclass(frozen=True, eq=False)
class ContentPearson(Scorer[AttributesConfig]):
    """Pearson correlation, over all attributes, of an item's weights with the history's sum.

    r = (p.x - n p' x') / (sqrt(p.p - n p'^2) sqrt(x.x - n x'^2)), where p' and x' are the means over the n
    attributes. Absent attributes count with weight 0. The attributes are those of `ContentCosine`.
    """

    name: ClassVar[str] = "content_pearson"
    content_only: ClassVar[bool] = True
    grid: ClassVar[tuple[Any, ...]] = (AttributesConfig(),)

    vectors: sp.csr_array
    """Unit vectors items x nodes; empty rows without facts."""
    attributes: int
    """How many nodes are an attribute of any item."""

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: AttributesConfig, seed: int = 0, report: Report = silent) -> Self:
        vectors = dataset.content.fact_matrix
        return cls(vectors, len(np.unique(vectors.indices)))

    @override
    def score(self, histories: Histories) -> FloatArray:
        profiles = _profiles(histories, self.vectors)
        products = np.asarray((profiles @ self.vectors.T).toarray(), np.float32)
        (mean_p, spread_p), (mean_x, spread_x) = self._moments(profiles), self._moments(self.vectors)
        shared = products - self.attributes * np.outer(mean_p, mean_x)
        return np.asarray(shared / np.outer(spread_p, spread_x), np.float32)

    def _moments(self, rows: sp.csr_array) -> tuple[FloatArray, FloatArray]:
        """Each row's mean over all attributes, and the root of its summed squared deviations from that mean.

        A row that does not vary has no correlation: its root is infinite, so that its score is 0.
        """
        mean = _sum_rows(rows) / np.float32(max(self.attributes, 1))
        squares = _sum_rows(rows.multiply(rows).tocsr()) - self.attributes * mean**2
        spread = np.sqrt(np.where(squares > 1e-5, squares, np.inf)).astype(np.float32)
        return mean, spread


def _profiles(histories: Histories, vectors: sp.csr_array) -> sp.csr_array:
    return _unit(sp.csr_array(histories.matrix @ vectors))


def _unit(rows: sp.csr_array) -> sp.csr_array:
    """Rows of length one; empty rows stay empty."""
    lengths = np.sqrt(_sum_rows(rows.multiply(rows).tocsr()))
    scale = np.asarray(1 / np.maximum(lengths, 1e-9), np.float32)
    return sp.csr_array(sp.diags_array(scale) @ rows)


def _sum_rows(rows: sp.csr_array) -> FloatArray:
    return np.asarray(rows.sum(axis=1), np.float32).ravel()
