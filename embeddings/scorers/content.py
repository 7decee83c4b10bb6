"""Content-based scorer: similarity of text vectors."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
from typing_extensions import override

from embeddings.data.added_items import AddedItems
from embeddings.data.dataset import Dataset, Histories
from embeddings.data.vectors import sums_of_rows, unit_rows
from embeddings.scorers.base import Linear
from kg.graph import FloatArray
from kg.progress import Report, silent


@dataclass(frozen=True)
class TextConfig:
    """The text scorer has no settings."""


@dataclass(frozen=True, eq=False)
class Text(Linear[TextConfig]):
    """Cosine of an item's text vector and the mean text vector of the history; 0 for items without text."""

    name: ClassVar[str] = "text"
    content_only: ClassVar[bool] = True
    grid: ClassVar[tuple[Any, ...]] = (TextConfig(),)

    vectors: FloatArray
    """Centred unit text vectors [n_items, dim]; a row is zero if the item has no text."""
    centre: FloatArray
    """The mean of the text vectors, which was subtracted [dim]."""

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: TextConfig, seed: int = 0, report: Report = silent) -> Self:
        present = dataset.has_text
        centre = dataset.text[present].mean(axis=0) if present.any() else np.zeros(dataset.text.shape[1])
        centred = (dataset.text - centre) * present[:, None]
        return cls(unit_rows(centred), np.asarray(centre, np.float32))

    @override
    def user_vectors(self, histories: Histories) -> FloatArray:
        return unit_rows(sums_of_rows(histories.matrix, self.vectors))

    @property
    @override
    def item_vectors(self) -> FloatArray:
        return self.vectors

    @property
    @override
    def text_vectors(self) -> FloatArray:
        return self.vectors

    @override
    def score_text(self, text: FloatArray) -> FloatArray:
        return np.asarray(self.vectors @ unit_rows((text - self.centre)[None, :])[0], np.float32)

    @override
    def with_items(self, added: AddedItems, config: TextConfig) -> Self:
        return replace(self, vectors=added.with_rows(self.vectors, added.text))
