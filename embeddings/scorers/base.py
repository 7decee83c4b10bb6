"""The scorer interface: a scorer is fitted on a dataset and scores histories."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Generic, Self, TypeVar, get_type_hints

import numpy as np
import scipy.sparse as sp
from typing_extensions import override

from embeddings.data.added_items import AddedItems
from embeddings.data.dataset import Dataset, Histories
from embeddings.data.files import Array
from embeddings.data.vectors import sums_of_rows
from kg.graph import FloatArray
from kg.progress import Report, silent

Config = TypeVar("Config")


class Scorer(ABC, Generic[Config]):
    """A recommendation method. An instance is fitted and frozen: a dataclass of arrays and CSR matrices.

    A user is represented by the history alone, so a new user needs no retraining. The attributes and methods
    below declare the optional capabilities of a scorer; callers check these, never the class.
    """

    name: ClassVar[str]
    """The name on the command line and in tables."""

    grid: ClassVar[tuple[Any, ...]]
    """Configurations that a search on validation events chooses from; the first is the default."""

    content_only: ClassVar[bool] = False
    """Whether the scorer is fitted on text and facts alone, so that it does not depend on held-out events."""

    linear: ClassVar[bool] = False
    """Whether scores are `user_vectors @ item_vectors.T`, so that a few candidates are cheap to score."""

    explains_by_items: ClassVar[bool] = False
    """Whether the scores of a history are the sum of the scores of its single items (their contributions)."""

    @classmethod
    @abstractmethod
    def fit(cls, dataset: Dataset, config: Config, seed: int = 0, report: Report = silent) -> Self:
        """Fit the scorer on a dataset; the same seed gives the same arrays."""

    @classmethod
    def pretrain(
        cls,
        dataset: Dataset,  # noqa: ARG003
        config: Config,  # noqa: ARG003
        seed: int = 0,  # noqa: ARG003
        report: Report = silent,  # noqa: ARG003
    ) -> Callable[[Dataset], Self] | None:
        """Learn what datasets with fewer of the same events can share; returns how to fit on one of these.

        None: each dataset is fitted from nothing.
        """
        return None

    @abstractmethod
    def score(self, histories: Histories) -> FloatArray:
        """Scores, float32 [users, n_items], finite, higher is better; comparable only within a row."""

    def user_vectors(self, histories: Histories) -> FloatArray:
        """The user vectors of a linear scorer, float32 [users, d]."""
        raise NotImplementedError(f"{self.name} is not linear")

    @property
    def item_vectors(self) -> FloatArray:
        """The item vectors of a linear scorer, float32 [n_items, d]."""
        raise NotImplementedError(f"{self.name} is not linear")

    @property
    def node_vectors(self) -> FloatArray | None:
        """Vectors of items, then entities, float32 [n_nodes, d]; their cosine is the similarity of two nodes.

        None: the scorer has no such vectors.
        """
        return None

    @property
    def text_vectors(self) -> FloatArray | None:
        """Unit vectors of the items' texts, float32 [n_items, dim]; a row is zero if the item has no text.

        None: the scorer does not use text.
        """
        return None

    def score_text(self, text: FloatArray) -> FloatArray | None:  # noqa: ARG002
        """Similarity of every item to a text, given its unit vector [dim]; float32 [n_items].

        None: the scorer does not use text.
        """
        return None

    def score_likes(self, likes: sp.csr_array) -> FloatArray | None:  # noqa: ARG002
        """Scores of every item for users of whom only liked entities are known, float32 [users, n_items].

        `likes` is users x nodes, float32 ones, at least one a row. None: the scorer cannot tell.
        """
        return None

    def score_weighted(self, items: sp.csr_array) -> FloatArray | None:  # noqa: ARG002
        """Scores of users who like each item to a degree, float32 [users, n_items]; `items` is users x items.

        None: the scorer takes histories alone.
        """
        return None

    def with_items(self, added: AddedItems, config: Config) -> Self:
        """The scorer with items that came after its training, fitted with `config`.

        What it learnt from events stays; a new item has the scores of an item without events.
        """
        raise NotImplementedError(f"{self.name} takes no items after training")

    def arrays(self) -> dict[str, Array]:
        """The fitted state as plain arrays; a CSR matrix becomes four arrays."""
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
        """Restore a scorer from the result of `arrays()`.

        Raises:
            KeyError: an array is missing.
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
    """A scorer whose scores are the dot products of user vectors and item vectors."""

    linear: ClassVar[bool] = True

    @override
    @abstractmethod
    def user_vectors(self, histories: Histories) -> FloatArray:
        """User vectors, float32 [users, d]."""

    @property
    @override
    @abstractmethod
    def item_vectors(self) -> FloatArray:
        """Item vectors, float32 [n_items, d]."""

    @override
    def score(self, histories: Histories) -> FloatArray:
        return np.asarray(self.user_vectors(histories) @ self.item_vectors.T, np.float32)


@dataclass(frozen=True, eq=False)
class Projection(Linear[Config]):
    """score = x A B', where x is the history as a binary vector."""

    explains_by_items: ClassVar[bool] = True

    history_vectors: FloatArray
    """A [n_items, d]; row i is added to the user vector if the user liked item i."""
    items: FloatArray
    """B, the item vectors [n_items, d]."""

    @override
    def user_vectors(self, histories: Histories) -> FloatArray:
        return sums_of_rows(histories.matrix, self.history_vectors)

    @property
    @override
    def item_vectors(self) -> FloatArray:
        return self.items
