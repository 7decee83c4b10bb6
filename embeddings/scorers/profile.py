"""Content profile of a user: closed-form ridge regression of the history on text and facts."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
from typing_extensions import override

from embeddings.data.dataset import Dataset
from embeddings.scorers.base import Projection
from kg.graph import FloatArray
from kg.progress import Report, silent

Source = Literal["text", "facts", "both"]


@dataclass(frozen=True)
class ProfileConfig:
    """Features and regularisation of the profile."""

    source: Source = "both"
    regularisation: float = 3.0
    """The ridge penalty, as a multiple of the mean variance of a feature."""
    intercept: float = 0.3
    """Value of the constant feature that is appended to text and facts."""


@dataclass(frozen=True, eq=False)
class Profile(Projection[ProfileConfig]):
    """Ridge regression of liking on content: w = (C'C + l I)^-1 C_h' 1, score = C w.

    C are the content vectors of all items, C_h those of the history; all other items have the target 0.
    `history_vectors` is C (C'C + l I)^-1, `items` is C.
    """

    name: ClassVar[str] = "profile"
    content_only: ClassVar[bool] = True
    grid: ClassVar[tuple[Any, ...]] = (
        ProfileConfig(),
        ProfileConfig(regularisation=1.0),
        ProfileConfig("text", 10.0),
        ProfileConfig("facts", 0.3),
    )

    @override
    @classmethod
    def fit(cls, dataset: Dataset, config: ProfileConfig, seed: int = 0, report: Report = silent) -> Self:
        vectors = _vectors(dataset, config)
        gram = vectors.T @ vectors
        gram[np.diag_indices_from(gram)] += max(
            config.regularisation * float(np.trace(gram)) / len(gram), 1e-6
        )
        return cls(np.linalg.solve(gram, vectors.T).T.copy(), vectors)


def _vectors(dataset: Dataset, config: ProfileConfig) -> FloatArray:
    content = dataset.content
    if config.source == "text":
        return content.text
    if config.source == "facts":
        return content.facts
    constant = np.full((dataset.n_items, 1), config.intercept, np.float32)
    return np.concatenate([content.text_and_facts, constant], axis=1)
