"""The scorer interface: arrays learnt from a dataset, which score histories."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Generic, Self, TypeVar, get_type_hints

import numpy as np
import scipy.sparse as sp
from typing_extensions import override

from embeddings.data.dataset import Dataset, Histories
from embeddings.data.files import Array
from kg.graph import FloatArray
from kg.progress import Report, silent

Config = TypeVar("Config")


class Scorer(ABC, Generic[Config]):
    """A recommendation method. An instance is fitted and frozen: a dataclass of arrays and CSR matrices.

    A user is a history and nothing else, so a new user needs no retraining. What a scorer can do besides
    scoring is declared by the attributes and methods below; callers ask for these, never for a class.
    """

    name: ClassVar[str]
    """The name on the command line and in tables."""

    grid: ClassVar[tuple[Any, ...]]
    """Configurations that a search on validation events chooses from; the first is the default."""

    content_only: ClassVar[bool] = False
    """It learns from text and facts alone, so that it is the same whichever events are held out."""

    linear: ClassVar[bool] = False
    """Its scores are `user_vectors @ item_vectors.T`, so that few candidates cost little to score."""

    explains_by_items: ClassVar[bool] = False
    """A history's scores are the sum of the scores of its items alone, which are then their contributions."""

    @classmethod
    @abstractmethod
    def fit(cls, dataset: Dataset, config: Config, seed: int = 0, report: Report = silent) -> Self:
        """Learn from a dataset; the same seed gives the same arrays."""

    @abstractmethod
    def score(self, histories: Histories) -> FloatArray:
        """Float32 [users, n_items], finite, higher is better; comparable within a row only."""

    def user_vectors(self, histories: Histories) -> FloatArray:
        """Of a linear scorer: float32 [users, d]."""
        raise NotImplementedError(f"{self.name} is not linear")

    @property
    def item_vectors(self) -> FloatArray:
        """Of a linear scorer: float32 [n_items, d]."""
        raise NotImplementedError(f"{self.name} is not linear")

    @property
    def node_vectors(self) -> FloatArray | None:
        """Vectors of items, then entities, float32 [n_nodes, d], whose cosine says how related nodes are.

        None: the scorer has no such vectors.
        """
        return None

    def score_text(self, text: FloatArray) -> FloatArray | None:  # noqa: ARG002
        """Similarity of every item to a text by its unit vector [dim], float32 [n_items].

        None: the scorer knows no texts.
        """
        return None

    def arrays(self) -> dict[str, Array]:
        """The learnt values as plain arrays; a CSR matrix becomes four of them."""
        packed: dict[str, Array] = {}
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if isinstance(value, sp.csr_array):
                packed |= {f"{field.name}.{x}": getattr(value, x) for x in ("data", "indices", "indptr")}
                packed[f"{field.name}.shape"] = np.array(value.shape, np.int64)
            else:
                packed[field.name] = np.asarray(value)
        return packed

    @classmethod
    def restore(cls, arrays: Mapping[str, Array]) -> Self:
        """The scorer whose `arrays()` these are.

        Raises:
            KeyError: one is missing.
        """
        types = get_type_hints(cls)
        values: dict[str, Any] = {}
        for field in fields(cls):  # type: ignore[arg-type]
            name, kind = field.name, types[field.name]
            if kind is sp.csr_array:
                parts = (arrays[f"{name}.data"], arrays[f"{name}.indices"], arrays[f"{name}.indptr"])
                values[name] = sp.csr_array(parts, shape=tuple(arrays[f"{name}.shape"]))
            else:
                values[name] = kind(arrays[name]) if kind in (int, float) else arrays[name]
        return cls(**values)


class Linear(Scorer[Config]):
    """A scorer whose scores are products of a user's vector with the items' vectors."""

    linear: ClassVar[bool] = True

    @override
    @abstractmethod
    def user_vectors(self, histories: Histories) -> FloatArray:
        """Float32 [users, d]."""

    @property
    @override
    @abstractmethod
    def item_vectors(self) -> FloatArray:
        """Float32 [n_items, d]."""

    @override
    def score(self, histories: Histories) -> FloatArray:
        return np.asarray(self.user_vectors(histories) @ self.item_vectors.T, np.float32)


@dataclass(frozen=True, eq=False)
class Projection(Linear[Config]):
    """score = x A B', of a history x as zeros and ones."""

    explains_by_items: ClassVar[bool] = True

    history_vectors: FloatArray
    """A, what each liked item adds to a user's vector [n_items, d]."""
    items: FloatArray
    """B, the items' vectors [n_items, d]."""

    @override
    def user_vectors(self, histories: Histories) -> FloatArray:
        return np.asarray(histories.matrix @ self.history_vectors, np.float32)

    @property
    @override
    def item_vectors(self) -> FloatArray:
        return self.items
