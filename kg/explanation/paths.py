"""The input and the output of a path search."""

from dataclasses import dataclass
from typing import Literal

from kg.graph import FloatArray, IntArray

Direction = Literal["out", "in"]


@dataclass(frozen=True)
class Edge:
    """One step of a path; direction "out" goes from the stored head to the stored tail."""

    relation: str
    direction: Direction

    def reversed(self) -> "Edge":
        """The same edge in the opposite direction."""
        return Edge(self.relation, "in" if self.direction == "out" else "out")


@dataclass(frozen=True)
class ExplanationPath:
    """A path from a source to the item: `edges[i]` joins `nodes[i]` to `nodes[i + 1]`; score in (0, 1].

    `text` is the path as a sentence with names in *asterisks*; it never names another user.
    """

    score: float
    nodes: tuple[int, ...]
    edges: tuple[Edge, ...]
    text: str


@dataclass(frozen=True, eq=False)
class Sources:
    """The items and entities that a user liked or stated, most important last; columns of equal length."""

    nodes: IntArray
    """Node numbers of items or entities, each once."""
    weights: FloatArray
    """The weight of each source, in (0, 1]."""
    kinds: tuple[int | None, ...]
    """The index of the schema's interaction by which the user liked it; None for a stated preference."""
    user: int | None = None
    """The index of the user, who is excluded from the co-users; None if the user is not in the graph."""
