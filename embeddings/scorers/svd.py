"""Linear low-pass scorers: histories filtered by the leading singular vectors of all histories."""

from dataclasses import replace
from typing import Any, ClassVar, Self

from typing_extensions import override

from embeddings.data.added_items import AddedItems
from embeddings.data.dataset import Dataset
from embeddings.data.spectral import SpectralConfig, SpectralVectors
from embeddings.scorers.base import Projection
from kg.progress import Report, silent

_NORMALISED = 0.5


class Svd(Projection[SpectralConfig]):
    """The scores of `SpectralVectors`; by default many singular vectors with shrunk values."""

    name: ClassVar[str] = "svd"
    grid: ClassVar[tuple[Any, ...]] = (
        SpectralConfig(),
        *(SpectralConfig(factors, power, 0.0) for factors in (64, 32, 128) for power in (0.0, _NORMALISED)),
    )

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: SpectralConfig, seed: int = 0, report: Report = silent) -> Self:
        vectors = SpectralVectors.of(dataset.liked, config, seed)
        return cls(vectors.history, vectors.items)

    @override
    def with_items(self, added: AddedItems, config: SpectralConfig) -> Self:
        history, items = added.with_zeros(self.history_vectors), added.with_zeros(self.items)
        return replace(self, history_vectors=history, items=items)


class GraphFilter(Svd):
    """`Svd` of the normalised matrix without shrinkage, registered under a separate name."""

    name: ClassVar[str] = "graph_filter"
    grid: ClassVar[tuple[Any, ...]] = tuple(
        SpectralConfig(factors, _NORMALISED, 0.0) for factors in (32, 64, 128)
    )
