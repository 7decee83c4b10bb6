"""A taste in text and facts, learnt in closed form from a history."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
from typing_extensions import override

from embeddings.data.dataset import Dataset
from embeddings.scorers.base import Projection
from kg.graph import FloatArray
from kg.progress import Report, silent

CONSTANT = 0.3
"""Beside text and facts: what items have in common that are liked at all."""

Source = Literal["text", "facts", "both"]


@dataclass(frozen=True)
class ProfileConfig:
    """From what, and how sure."""

    source: Source = "both"
    strength: float = 3.0
    """Ridge, as a share of the mean variance of a direction."""


@dataclass(frozen=True, eq=False)
class Profile(Projection[ProfileConfig]):
    """Ridge regression of liking on content: w = (C'C + l I)^-1 C_h' 1, score = C w.

    C are the content vectors of all items, C_h those of the history; all that is not liked counts as zero.
    Inward is C (C'C + l I)^-1, outward C.
    """

    name: ClassVar[str] = "profile"
    of_content: ClassVar[bool] = True
    grid: ClassVar[tuple[Any, ...]] = (
        ProfileConfig(),
        ProfileConfig(strength=1.0),
        ProfileConfig("text", 10.0),
        ProfileConfig("facts", 0.3),
    )

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: ProfileConfig, seed: int = 0, report: Report = silent) -> Self:
        vectors = _vectors(dataset, config.source)
        gram = vectors.T @ vectors
        gram[np.diag_indices_from(gram)] += max(config.strength * float(np.trace(gram)) / len(gram), 1e-6)
        return cls(np.linalg.solve(gram, vectors.T).T.copy(), vectors)


def _vectors(dataset: Dataset, source: Source) -> FloatArray:
    content = dataset.content
    if source == "text":
        return content.text
    if source == "facts":
        return content.facts
    constant = np.full((dataset.n_items, 1), CONSTANT, np.float32)
    return np.concatenate([content.both, constant], axis=1)
