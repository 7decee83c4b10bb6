"""The facts of a snapshot as rows of a CSR matrix, and the rows of a request's sources."""

import numpy as np

from kg.explanation.paths import Edge, Sources
from kg.graph import FloatArray, GraphSnapshot, IntArray, NodeArray


class FactAdjacency:
    """The facts between items and entities in both directions, as CSR: row `node` holds its edges.

    An entry is the position of an edge in the arrays `neighbour`, `relation` and `emphasis`.
    """

    def __init__(self, snapshot: GraphSnapshot) -> None:
        facts = snapshot.triples
        inside = np.maximum(facts.head, facts.tail) < snapshot.first_user
        head, relation, tail = facts.head[inside], facts.relation[inside], facts.tail[inside]
        here, there = np.concatenate([head, tail]), np.concatenate([tail, head])
        outward = np.repeat([True, False], len(head))
        both = np.concatenate([relation, relation])
        order = np.lexsort((outward, both, there, here))
        self._types = snapshot.relations
        self._outward = outward[order]
        self.neighbour, self.relation = there[order], both[order]
        self.emphasis = _emphasis(head, relation, len(snapshot.relations))[self.relation]
        """Float32 in (.5, 1], one value per entry: the emphasis of the relation (see `path_types`)."""
        degree = np.bincount(here, minlength=snapshot.first_user)
        self.start = np.concatenate([[0], np.cumsum(degree)])
        n = max(snapshot.n_items, 2)
        self.specificity = np.log1p(n / np.maximum(degree, 1)) / np.log1p(n)
        """Float64 in (0, 1], one value per node: the inverse document frequency, from its number of facts."""

    def edge(self, entry: int) -> Edge:
        """The edge of one entry, directed away from the node of the entry's row."""
        return Edge(self._types[self.relation[entry]], "out" if self._outward[entry] else "in")

    def rows(self, nodes: IntArray) -> tuple[IntArray, IntArray]:
        """The entries of the edges of many nodes, and for each entry the position of its node in `nodes`."""
        count = self.start[nodes + 1] - self.start[nodes]
        return spans(self.start[nodes], count), np.repeat(np.arange(len(nodes)), count)


class SourceEdges:
    """The edges of all sources of one request, sorted by the node that they lead to."""

    def __init__(self, facts: FactAdjacency, sources: Sources) -> None:
        entry, source = facts.rows(sources.nodes)
        order = np.argsort(facts.neighbour[entry], kind="stable")
        self.entry, self.source = entry[order], source[order]
        self.neighbour = facts.neighbour[self.entry]

    def leading_to(self, nodes: IntArray) -> tuple[IntArray, IntArray]:
        """The edges that lead to these nodes: positions in self, and for each the position in `nodes`."""
        low = np.searchsorted(self.neighbour, nodes, "left")
        count = np.searchsorted(self.neighbour, nodes, "right") - low
        return spans(low, count), np.repeat(np.arange(len(nodes)), count)


def spans(starts: IntArray, counts: IntArray) -> IntArray:
    """The concatenated ranges starts[i] .. starts[i] + counts[i] - 1 for all i."""
    shift = np.repeat(starts - (np.cumsum(counts) - counts), counts)
    numbers: IntArray = np.arange(len(shift)) + shift
    return numbers


def _emphasis(head: NodeArray, relation: NodeArray, n_relations: int) -> FloatArray:
    """(1 + 1 / (1 + ln m)) / 2 per relation, where m is its mean number of tails per head; float32."""
    facts = np.bincount(relation, minlength=n_relations)
    pairs = np.unique(head.astype(np.int64) * n_relations + relation)
    heads = np.bincount(pairs % max(n_relations, 1), minlength=n_relations)
    tails = np.maximum(facts, 1) / np.maximum(heads, 1)
    return np.asarray((1 + 1 / (1 + np.log(tails))) / 2, np.float32)
