"""The interface of a path type: its query, its candidates and its explanation paths."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from kg.explanation.adjacency import FactAdjacency, SourceEdges
from kg.explanation.paths import ExplanationPath, Sources
from kg.graph import FloatArray, GraphSnapshot, IntArray

ScoreArray = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class PathConfig:
    """How paths are scored and chosen."""

    through_users: bool = True
    """Whether a path may lead through another user."""
    mixed_relations_factor: float = 0.9
    """Factor of a path through a shared entity if its two edges are of different relations."""
    co_liked_factor: float = 0.5
    """Factor of a path through co-users: it ranks below a shared director, above a shared language."""
    max_co_users: int = 2_000
    """The maximum number of likers per item that are searched (a sample), which bounds the request time."""
    repeated_source_factor: float = 0.5
    """Factor of each further path of an item from the same source."""
    min_relative_score: float = 0.25
    """Minimum score of a further path of an item, as a fraction of the best path's score."""


@dataclass(frozen=True, eq=False)
class PathQuery:
    """One request for paths from each of S sources to each of I items."""

    sources: Sources
    items: IntArray
    """Node numbers, [I]."""
    relevance: FloatArray
    """Weight of the source times its closeness to the item, float32 [I, S]; 0 if the source is the item."""
    source_edges: SourceEdges


class Candidate(NamedTuple):
    """One selected path, before its edges and text are built."""

    score: float
    """The final score, including the factor for repeated sources."""
    nodes: tuple[int, ...]
    """Node numbers from the source to the item."""
    kind: int | None
    """The interaction of the source, as in `Sources.kinds`."""
    evidence: tuple[int, ...]
    """The row's values of `Candidates.evidence`."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Candidate paths of one type as columns of equal length; the first row wins a tie in score."""

    item: IntArray
    """Position in `PathQuery.items`."""
    source: IntArray
    """Position in `PathQuery.sources`."""
    score: ScoreArray
    """In [0, 1]; a path with the score 0 is not shown."""
    inner: tuple[IntArray, ...] = ()
    """Columns of the nodes between source and item; the shown paths of an item share none of them."""
    evidence: tuple[IntArray, ...] = ()
    """Columns for the `tell` method of the path type; other code does not read them."""

    def __len__(self) -> int:
        return len(self.score)

    def candidate(self, row: int, score: float, query: PathQuery) -> Candidate:
        """The candidate of one row, with its final score."""
        source = int(self.source[row])
        inner = (int(column[row]) for column in self.inner)
        nodes = (int(query.sources.nodes[source]), *inner, int(query.items[self.item[row]]))
        return Candidate(
            score, nodes, query.sources.kinds[source], tuple(int(column[row]) for column in self.evidence)
        )


class PathType(ABC):
    """One kind of path (a metapath); built once for a snapshot, safe to share between threads.

    To add a kind, write a subclass and enter it in `path_types.PATH_TYPES`.
    """

    through_users: ClassVar[bool]
    """Whether its paths lead through other users; if so, `PathConfig.through_users` can switch it off."""

    def __init__(self, snapshot: GraphSnapshot, facts: FactAdjacency, config: PathConfig) -> None:
        self._snapshot = snapshot
        self._facts = facts
        self._config = config

    @abstractmethod
    def candidates(self, query: PathQuery) -> Candidates:
        """All paths of this type from any source to any item of the query."""

    @abstractmethod
    def tell(self, query: PathQuery, candidate: Candidate) -> ExplanationPath:
        """The explanation path of a candidate, with its edges and its text."""
