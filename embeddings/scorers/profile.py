"""Content profile of a user: closed-form ridge regression of the history on text and facts."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Self

import numpy as np
from typing_extensions import override

from embeddings.data.added_items import AddedItems
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
        vectors = _vectors(dataset.content.text, dataset.content.facts, config)
        return cls(np.linalg.solve(_penalized_gram(vectors, config), vectors.T).T.copy(), vectors)

    def facts(self, config: ProfileConfig, text_width: int) -> FloatArray | None:
        """The facts of all items, as `ContentFeatures.facts`; None: it was fitted without."""
        if config.source == "both":
            return self.items[:, text_width:-1]
        return self.items if config.source == "facts" else None

    @override
    def with_items(self, added: AddedItems, config: ProfileConfig) -> Self:
        own = _vectors(added.text, added.facts, config)
        history = np.linalg.solve(_penalized_gram(self.items, config), own.T).T
        return replace(
            self,
            history_vectors=added.with_rows(self.history_vectors, np.asarray(history, np.float32)),
            items=added.with_rows(self.items, own),
        )


def _penalized_gram(vectors: FloatArray, config: ProfileConfig) -> FloatArray:
    """C'C + l I."""
    gram = vectors.T @ vectors
    gram[np.diag_indices_from(gram)] += max(config.regularisation * float(np.trace(gram)) / len(gram), 1e-6)
    return np.asarray(gram, np.float32)


def _vectors(text: FloatArray, facts: FloatArray, config: ProfileConfig) -> FloatArray:
    """The content of items by their text and facts, as in `ContentFeatures`."""
    if config.source == "text":
        return text
    if config.source == "facts":
        return facts
    return np.concatenate([text, facts, np.full((len(text), 1), config.intercept, np.float32)], axis=1)
