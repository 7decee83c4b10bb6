"""Items whose text is near the texts of the history."""

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
    """Cosine of an item's text vector with the history's mean; 0 for items without text."""

    name: ClassVar[str] = "text"
    of_content: ClassVar[bool] = True
    grid: ClassVar[tuple[Any, ...]] = (TextConfig(),)

    vectors: FloatArray
    """Unit vectors less their common mean, made unit again [n_items, dim]; zeros without text."""
    centre: FloatArray
    """That mean [dim]."""

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

    def near(self, text: FloatArray) -> FloatArray:
        """Cosine of every item's text with one given unit vector, float32 [n_items]."""
        return np.asarray(self.vectors @ unit_rows((text - self.centre)[None, :])[0], np.float32)
