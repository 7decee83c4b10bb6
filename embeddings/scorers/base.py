"""What every scorer is: arrays learnt from a dataset, which score histories."""

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
    """A method of recommending. An instance is fitted and frozen: a dataclass of arrays and CSR matrices.

    Users are what they did: a history is all that enters, so somebody new needs no retraining.
    """

    name: ClassVar[str]
    """How it is called on the command line and in tables."""

    grid: ClassVar[tuple[Any, ...]]
    """Configurations to choose from on validation; the first is the default."""

    of_content: ClassVar[bool] = False
    """Whether it learns from content alone, so that it is the same whatever is hidden of the events."""

    @classmethod
    @abstractmethod
    def fit(cls, dataset: Dataset, config: Config, seed: int = 0, report: Report = silent) -> Self:
        """Learn from a dataset; the same seed gives the same arrays."""

    @abstractmethod
    def score(self, histories: Histories) -> FloatArray:
        """Float32 [users, n_items], finite, higher is better; comparable within a row only."""

    def arrays(self) -> dict[str, Array]:
        """All that was learnt, as plain arrays; a CSR matrix becomes four of them."""
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
    """A scorer whose scores are products of an user's vector with the items', so that few are cheap."""

    @abstractmethod
    def user_vectors(self, histories: Histories) -> FloatArray:
        """Float32 [users, d]."""

    @property
    @abstractmethod
    def item_vectors(self) -> FloatArray:
        """Float32 [n_items, d]."""

    @override
    def score(self, histories: Histories) -> FloatArray:
        return np.asarray(self.user_vectors(histories) @ self.item_vectors.T, np.float32)


@dataclass(frozen=True, eq=False)
class Projection(Linear[Config]):
    """score = x inward outward', of a history x as zeros and ones."""

    inward: FloatArray
    """From liked items to an user's vector [n_items, d]."""
    outward: FloatArray
    """The items' vectors [n_items, d]."""

    @override
    def user_vectors(self, histories: Histories) -> FloatArray:
        return np.asarray(histories.matrix @ self.inward, np.float32)

    @property
    @override
    def item_vectors(self) -> FloatArray:
        return self.outward
