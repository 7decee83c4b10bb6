"""Similarity of texts."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from typing_extensions import override

from embeddings.data.dataset import Dataset, Histories
from embeddings.data.vectors import unit_rows
from embeddings.scorers.base import Linear
from kg.graph import FloatArray
from kg.progress import Report, silent


@dataclass(frozen=True)
class TextConfig:
    """Nothing to set."""


@dataclass(frozen=True, eq=False)
class Text(Linear[TextConfig]):
    """Cosine of an item's text vector with the mean of the history's; 0 for items without text."""

    name: ClassVar[str] = "text"
    content_only: ClassVar[bool] = True
    grid: ClassVar[tuple[Any, ...]] = (TextConfig(),)

    vectors: FloatArray
    """Unit vectors, centred and normalised again [n_items, dim]; zeros without text."""
    centre: FloatArray
    """The mean that was subtracted [dim]."""

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: TextConfig, seed: int = 0, report: Report = silent) -> Self:
        present = dataset.has_text
        centre = dataset.text[present].mean(axis=0) if present.any() else np.zeros(dataset.text.shape[1])
        centred = (dataset.text - centre) * present[:, None]
        return cls(unit_rows(centred), np.asarray(centre, np.float32))

    @override
    def user_vectors(self, histories: Histories) -> FloatArray:
        return unit_rows(histories.matrix @ self.vectors)

    @property
    @override
    def item_vectors(self) -> FloatArray:
        return self.vectors

    @override
    def score_text(self, text: FloatArray) -> FloatArray:
        return np.asarray(self.vectors @ unit_rows((text - self.centre)[None, :])[0], np.float32)
