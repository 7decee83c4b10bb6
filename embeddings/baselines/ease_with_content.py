"""EASE, and for new items the mean of EASE's scores of similar items: the content baseline."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import scipy.sparse as sp
from typing_extensions import override

from embeddings.data.dataset import Dataset, Histories
from embeddings.data.files import Array
from embeddings.scorers.base import Scorer
from embeddings.scorers.ease import Ease, EaseConfig
from kg.graph import FloatArray
from kg.progress import Report, silent

BLOCK = 512
"""New items compared with all known ones at a time."""


@dataclass(frozen=True)
class EaseWithContentConfig:
    """EASE's penalty, and which items a new item's score is the mean of."""

    neighbours: int = 100
    """How many known items, the most similar ones."""
    sharpness: float = 3.0
    """Neighbours are weighted by the cosine to this power."""
    scale: float = 1.0
    """A new item's score is multiplied by this: how far new items are ranked up among known ones."""
    regularisation: float = 200.0
    """As in EASE."""


@dataclass(frozen=True, eq=False)
class EaseWithContent(Scorer[EaseWithContentConfig]):
    """EASE; an item without likes has the mean score of the liked items most similar in facts and text.

    Similarity is the cosine of text plus that of facts. Items with likes keep EASE's scores.
    """

    name: ClassVar[str] = "ease_with_content"
    grid: ClassVar[tuple[Any, ...]] = tuple(
        EaseWithContentConfig(neighbours, sharpness, scale)
        for neighbours in (100, 20)
        for sharpness in (3.0, 1.0)
        for scale in (1.0, 3.0, 5.0)
    )

    ease: Ease
    extrapolation: sp.csr_array
    """Items x items: a new item's row has the weights of its neighbours, other rows are empty."""

    @override
    @classmethod
    def fit(
        cls, dataset: Dataset, config: EaseWithContentConfig, seed: int = 0, report: Report = silent
    ) -> Self:
        ease = Ease.fit(dataset, EaseConfig(config.regularisation), seed, report)
        return cls(ease, _extrapolation(dataset, config))

    @override
    def score(self, histories: Histories) -> FloatArray:
        scores = self.ease.score(histories)
        new = np.diff(self.extrapolation.indptr) > 0
        return np.where(new, np.asarray(scores @ self.extrapolation.T), scores)

    @override
    def arrays(self) -> dict[str, Array]:
        own = {name: x for name, x in super().arrays().items() if name != "ease"}
        return own | {f"ease.{name}": x for name, x in self.ease.arrays().items()}

    @override
    @classmethod
    def restore(cls, arrays: Mapping[str, Array]) -> Self:
        ease = {name.removeprefix("ease."): x for name, x in arrays.items() if name.startswith("ease.")}
        parts = tuple(arrays[f"extrapolation.{name}"] for name in ("data", "indices", "indptr"))
        return cls(Ease.restore(ease), sp.csr_array(parts, shape=tuple(arrays["extrapolation.shape"])))


def _extrapolation(dataset: Dataset, config: EaseWithContentConfig) -> sp.csr_array:
    """Items x items, float32: a new item's row has weights on its nearest known items, `scale` in all."""
    new, known = np.flatnonzero(dataset.degrees == 0), np.flatnonzero(dataset.degrees)
    text, facts, k = dataset.text, dataset.content.fact_matrix, min(config.neighbours, len(known))
    rows, columns, weights = [new[:0]], [new[:0]], [np.zeros(0, np.float32)]
    for start in range(0, len(new) if k else 0, BLOCK):
        some = new[start : start + BLOCK]
        near = text[some] @ text[known].T + (facts[some] @ facts[known].T).toarray()
        best = np.argpartition(-near, k - 1, axis=1)[:, :k]
        weight = np.maximum(np.take_along_axis(near, best, 1), 1e-6) ** config.sharpness
        rows.append(np.repeat(some, k))
        columns.append(known[best].ravel())
        weights.append((config.scale * weight / weight.sum(axis=1, keepdims=True)).ravel())
    where = (np.concatenate(rows), np.concatenate(columns))
    shape = (dataset.n_items, dataset.n_items)
    return sp.csr_array((np.concatenate(weights).astype(np.float32), where), shape=shape)
