"""The convex combination of plain scorers: weights >= 0 that sum to 1."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from typing_extensions import override

from embeddings.candidates.ensemble import arcsinh, standardize, uniform_over
from embeddings.candidates.specs import SCORERS
from embeddings.data.dataset import Dataset, Histories
from embeddings.data.files import Array, part_of
from embeddings.scorers.base import Scorer
from kg.graph import BoolArray, FloatArray
from kg.progress import Report, silent

COMPONENTS = ("popularity", "item_knn", "ease", "als", "svd", "profile", "text")
"""The scorers that are combined; the last two score new items by content."""


@dataclass(frozen=True)
class Component:
    """A scorer of the combination."""

    scorer: str
    config: Any
    weight: float


@dataclass(frozen=True)
class BlendConfig:
    """What is combined; `embeddings/evaluation/blending.py` chooses it on validation events."""

    components: tuple[Component, ...] = tuple(
        Component(name, SCORERS[name].grid[0], 1 / len(COMPONENTS)) for name in COMPONENTS
    )


@dataclass(frozen=True, eq=False)
class Blend(Scorer[BlendConfig]):
    """The weighted mean of the arcsinh of standardized scores."""

    name: ClassVar[str] = "blend"
    grid: ClassVar[tuple[Any, ...]] = (BlendConfig(),)

    scorers: tuple[Scorer[Any], ...]
    weights: FloatArray
    """[scorers]"""
    has_interactions: BoolArray
    """Scores are standardized over these items, bool [n_items]."""

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: BlendConfig, seed: int = 0, report: Report = silent) -> Self:
        used = [x for x in config.components if x.weight]
        fitted = tuple(SCORERS[x.scorer].fit(dataset, x.config, seed, report) for x in used)
        return cls(fitted, np.array([x.weight for x in used], np.float32), dataset.has_interactions)

    @override
    def score(self, histories: Histories) -> FloatArray:
        total = np.zeros((len(histories), len(self.has_interactions)), np.float32)
        for weight, scorer in zip(self.weights, self.scorers, strict=True):
            total += weight * comparable_scores(scorer, histories, self.has_interactions)
        return total

    @override
    def arrays(self) -> dict[str, Array]:
        names = "\n".join(scorer.name for scorer in self.scorers)
        packed: dict[str, Array] = {
            "names": np.frombuffer(names.encode(), np.uint8),
            "weights": self.weights,
            "has_interactions": self.has_interactions,
        }
        for n, scorer in enumerate(self.scorers):
            packed |= {f"{n}.{name}": values for name, values in scorer.arrays().items()}
        return packed

    @override
    @classmethod
    def restore(cls, arrays: Mapping[str, Array]) -> Self:
        names = arrays["names"].tobytes().decode().split("\n")
        scorers = tuple(SCORERS[name].restore(part_of(arrays, str(n))) for n, name in enumerate(names))
        return cls(scorers, arrays["weights"], arrays["has_interactions"])


def comparable_scores(scorer: Scorer[Any], histories: Histories, has_interactions: BoolArray) -> FloatArray:
    """Scores that can be summed with those of other scorers, float32 [users, n_items]."""
    return arcsinh(standardize(scorer.score(histories), uniform_over(has_interactions)))


def with_weights(components: Sequence[Component], weights: FloatArray) -> BlendConfig:
    """The combination of these scorers by these weights."""
    pairs = zip(components, weights.tolist(), strict=True)
    return BlendConfig(tuple(Component(x.scorer, x.config, weight) for x, weight in pairs))
