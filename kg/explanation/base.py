"""The interface of a path type: what it is given, what it finds, and what it tells."""

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
    """Of an item's likers at most so many, evenly spaced, are read: the time of a request stays bounded."""
    repeated_source_factor: float = 0.5
    """Factor of each further path of an item from a source that another of its paths starts from."""
    min_relative_score: float = 0.25
    """A further path of an item is shown only if its score is at least this part of the best path's."""


@dataclass(frozen=True, eq=False)
class PathQuery:
    """One request: paths from each of S sources to each of I items are wanted."""

    sources: Sources
    items: IntArray
    """Node numbers, [I]."""
    relevance: FloatArray
    """Weight of the source times its closeness to the item, float32 [I, S]; 0 if the source is the item."""
    source_edges: SourceEdges


class Candidate(NamedTuple):
    """One possible path, chosen to be told."""

    score: float
    """As it will be shown."""
    nodes: tuple[int, ...]
    """Node numbers from the source to the item."""
    kind: int | None
    """The source's, as in `Sources.kinds`."""
    evidence: tuple[int, ...]
    """This row of `Candidates.evidence`."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """Possible paths of one type as columns of one length; of equal scores the first row is preferred."""

    item: IntArray
    """Position in `PathQuery.items`."""
    source: IntArray
    """Position in `PathQuery.sources`."""
    score: ScoreArray
    """In [0, 1]; a path with the score 0 is not shown."""
    inner: tuple[IntArray, ...] = ()
    """Columns of the nodes between source and item; no two of an item's paths that are shown share one."""
    evidence: tuple[IntArray, ...] = ()
    """Columns that nobody but the path type's own `tell` reads."""

    def __len__(self) -> int:
        return len(self.score)

    def candidate(self, row: int, score: float, query: PathQuery) -> Candidate:
        """One row with the score that it is shown with."""
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
    """Whether its paths lead through other users; with `PathConfig.through_users` off it is not searched."""

    def __init__(self, snapshot: GraphSnapshot, facts: FactAdjacency, config: PathConfig) -> None:
        self._snapshot = snapshot
        self._facts = facts
        self._config = config

    @abstractmethod
    def candidates(self, query: PathQuery) -> Candidates:
        """All paths of this type from any source to any item of the query."""

    @abstractmethod
    def tell(self, query: PathQuery, candidate: Candidate) -> ExplanationPath:
        """One of them with its edges and in words; score and nodes are the candidate's."""
