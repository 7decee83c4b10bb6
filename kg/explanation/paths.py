"""What goes into a path search and what comes out of it."""

from dataclasses import dataclass
from typing import Literal

from kg.graph import FloatArray, IntArray

Direction = Literal["out", "in"]


@dataclass(frozen=True)
class Edge:
    """One step; "out" goes from head to tail as stored."""

    relation: str
    direction: Direction

    def reversed(self) -> "Edge":
        """The same edge, walked the other way."""
        return Edge(self.relation, "in" if self.direction == "out" else "out")


@dataclass(frozen=True)
class ExplanationPath:
    """From a source to the item: `edges[i]` joins `nodes[i]` to `nodes[i + 1]`; the score is in (0, 1].

    `text` tells it in words with names in *asterisks*, and never names another user.
    """

    score: float
    nodes: tuple[int, ...]
    edges: tuple[Edge, ...]
    text: str


@dataclass(frozen=True, eq=False)
class Sources:
    """What a user liked or stated, the most important last; columns of one length."""

    nodes: IntArray
    """Node numbers of items or entities, each once."""
    weights: FloatArray
    """How much each source matters, in (0, 1]."""
    kinds: tuple[int | None, ...]
    """By which of the schema's interactions (its index) the user liked it; None for a stated preference."""
    user: int | None = None
    """The user's own index, or None if the graph does not know the user: nobody is their own co-user."""
