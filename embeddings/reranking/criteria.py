"""What a list is put together by, beside the ranking: strengths, and what each criterion looks at.

Every array has one row for each item of a pool, which has the best items of a ranking, best first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import scipy.sparse as sp

from embeddings.data.vectors import unit_rows
from kg.graph import BoolArray, Float64Array, FloatArray, IntArray

SMOOTHING = 0.01
"""Weight of the user's own mix in the smoothed mix of a list (Steck 2018, section 3.1)."""


@dataclass(frozen=True)
class RerankingConfig:
    """How much the criteria of a list weigh at full strength, and how many items compete for its places."""

    pool: int = 200
    """The best items of the ranking, among which the criteria choose."""
    pool_per_place: int = 3
    """The pool has at least this many items for each place of the list."""
    vector_weights: tuple[float, float, float] = (1.0, 1.0, 2.0)
    """Weights of the text, fact and graph vectors in the fused ones; cosines count by their squares. The
    graph vectors weigh more: by them items are alike to people; texts and facts of most pairs differ."""
    diversity_scale: float = 2.0
    """Weight of the log determinant of the list's cosines, in standard deviations of the pool's scores."""
    novelty_scale: float = 0.25
    """Weight of the standardized self-information, in standard deviations of the pool's scores."""
    calibration_scale: float = 4.0
    """Weight of one bit of miscalibration, in standard deviations of the pool's scores."""
    temperature: float = 1.0
    """Of the scores by which explored items are drawn, in their standard deviations."""


@dataclass(frozen=True, eq=False)
class Diversity:
    """Items unlike those that the list has already."""

    strength: float
    vectors: FloatArray
    """Fused unit vectors, float32 [n, d]; zeros where nothing is known of an item."""

    @classmethod
    def of(cls, strength: float, blocks: Sequence[FloatArray], weights: Sequence[float]) -> Self:
        """From unit vectors of several kinds [n, d_i], each times its weight.

        For items that have all kinds, the cosine of two fused vectors is the mean of their cosines by the
        squares of the weights.
        """
        weighted = [np.float32(weight) * own for weight, own in zip(weights, blocks, strict=True)]
        return cls(strength, unit_rows(np.concatenate(weighted, axis=1)))


@dataclass(frozen=True, eq=False)
class FacetMix:
    """A list whose mix of a facet, such as genres, is like a given one (Steck 2018)."""

    strength: float
    shares: sp.csr_array
    """How each item divides among the values of the facet: items x values, rows of sum 1, or empty."""
    wanted: Float64Array
    """The user's own mix [values]; sums to 1."""

    @classmethod
    def of(cls, strength: float, shares: sp.csr_array, wanted: Float64Array) -> Self:
        """The same with the values alone that an item or the user has; `wanted` has a positive sum."""
        used = np.zeros(len(wanted), np.bool_)
        used[shares.indices] = True
        used |= wanted > 0
        number = np.cumsum(used, dtype=np.int64) - 1
        shape = (shares.shape[0], int(used.sum()))
        own = sp.csr_array((shares.data, number[shares.indices], shares.indptr.astype(np.int64)), shape=shape)
        return cls(strength, own, wanted[used] / wanted.sum())


@dataclass(frozen=True, eq=False)
class Caps:
    """At most so many items of one entity; an item may have several entities, or none."""

    starts: IntArray
    """int64 [n + 1]: item i has the entities `entities[starts[i] : starts[i + 1]]`."""
    entities: IntArray
    """int64, numbered from 0; entities of two relations have different numbers."""
    most: IntArray
    """How many items of each entity a list may have, int64."""

    @classmethod
    def of(cls, capped: list[tuple[sp.csr_array, int]]) -> Self:
        """From items x entities of some relations, and the most items of each of their entities."""
        together = sp.csr_array(sp.hstack([own for own, _ in capped], format="csr"))
        most = np.repeat([count for _, count in capped], [own.shape[1] for own, _ in capped])
        used, entities = np.unique(together.indices, return_inverse=True)
        return cls(together.indptr.astype(np.int64), entities.astype(np.int64), most[used].astype(np.int64))


@dataclass(frozen=True, eq=False)
class Exploration:
    """Places that are filled by drawing from further down the ranking."""

    places: BoolArray
    """Which places of the list, bool [k]."""
    priorities: Float64Array
    """Of two items, the one with the higher value is drawn first, [n]; -inf for an item that is not drawn."""


@dataclass(frozen=True, eq=False)
class Criteria:
    """All that a list is put together by; what is None does not count."""

    novelty: float = 0.0
    information: Float64Array | None = None
    """The self-information of each item's popularity, [n]; needed where `novelty` is above 0."""
    diversity: Diversity | None = None
    facet_mix: FacetMix | None = None
    caps: Caps | None = None
    exploration: Exploration | None = None
    config: RerankingConfig = field(default_factory=RerankingConfig)
