"""Paths as they go over the wire."""

from functools import cache, lru_cache, partial

from kg.explanation.paths import Edge, ExplanationPath
from kg.graph import GraphSnapshot
from service.contract import PATH_SCORE_DECIMALS, Path, PathEdge, PathNode

_NODES_KEPT = 100_000
"""So many nodes of paths are kept as they are answered, about 1 kB each."""


class ShownPaths:
    """Shows paths of one snapshot; safe to share between threads."""

    def __init__(self, snapshot: GraphSnapshot) -> None:
        # a method of this object here would keep it in memory after the last request
        self._node = lru_cache(_NODES_KEPT)(partial(_path_node, snapshot))

    def show(self, path: ExplanationPath) -> Path:
        """The path with labels, ids and names."""
        return Path(
            score=round(path.score, PATH_SCORE_DECIMALS) or path.score,
            text=path.text,
            nodes=[self._node(node) for node in path.nodes],
            edges=[_edge(x) for x in path.edges],
        )


def _path_node(snapshot: GraphSnapshot, node: int) -> PathNode:
    label, external_id = snapshot.locate(node)
    # privacy: do not show another user's name; the id identifies the edge in the graph
    name = snapshot.names[node] if node < snapshot.first_user else f"another {label.lower()}"
    return PathNode(label=label, id=external_id, name=name)


@cache
def _edge(edge: Edge) -> PathEdge:
    return PathEdge(relation=edge.relation, direction=edge.direction)
