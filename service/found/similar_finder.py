"""From a request for what is similar to the hits, each with its paths."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from kg.errors import InvalidFieldsError
from kg.explanation.path_types import DirectPath, SharedEntityPath
from kg.explanation.paths import Sources
from kg.explanation.search import PathFinder
from kg.graph import BoolArray, FloatArray, IntArray
from service.contract import SCORE_DECIMALS, Path, Remark
from service.found.contract import SimilarHit, SimilarRequest
from service.found.labels import checked_label, first_of_groups
from service.found.similar import Examples, Kind, Similar
from service.request_reader import Lookups, node_of
from service.shown_paths import ShownPaths

_PATHS = 3
"""The most paths of one hit."""


_FACT_PATHS = (DirectPath, SharedEntityPath)
"""The path types that may end at an entity."""


class SimilarFinder:
    """Finds what is similar over one snapshot; safe to share between threads."""

    def __init__(self, lookups: Lookups, similar: Similar, paths: PathFinder, shown: ShownPaths) -> None:
        self._lookups, self._snapshot, self._similar = lookups, lookups.snapshot, similar
        self._paths, self._shown = paths, shown
        self._entity_paths = PathFinder(
            lookups.snapshot,
            config=paths.config,
            path_types=(DirectPath, SharedEntityPath),
            facts=paths.facts,
        )

    def find(
        self, request: SimilarRequest, allowed_items: BoolArray | None = None
    ) -> tuple[list[SimilarHit], list[Remark]]:
        """The hits, most similar first, and remarks on the request; items are only those allowed.

        Raises:
            InvalidFieldsError: no positive example is known, or the label is not.
        """
        warnings: list[Remark] = []
        examples = self._examples(request, warnings)
        label = request.label or self._shared_label(examples.positive)
        start = self._snapshot.offsets[checked_label(self._snapshot, label, "/label")]
        among = slice(start, start + len(self._snapshot.vocabulary(label)))
        similarities = self._similar.similarities(request.by, examples, among)
        candidates = self._candidates(similarities, examples, among, allowed_items)
        scores = self._similar.scores(request.by, similarities, candidates)
        order = np.argsort(-scores, kind="stable")
        kept = first_of_groups((candidates[order] + start).tolist(), self._snapshot.item_group)
        best = order[kept[: request.k]]
        if len(best) < request.k:
            warnings.append(Remark(pointer="/k", detail=f"only {len(best)} are similar at all"))
        nodes = (candidates[best] + start).tolist()
        paths = self._paths_to(nodes, examples, among) if request.explain else [[] for _ in nodes]
        cosines = [_cosines(place, similarities) for place in candidates[best].tolist()]
        rows = zip(nodes, scores[best].tolist(), cosines, paths, strict=True)
        return [self._hit(rank, *row) for rank, row in enumerate(rows, start=1)], warnings

    def _examples(self, request: SimilarRequest, warnings: list[Remark]) -> Examples:
        positive = self._nodes(request.positive, "/positive", warnings)
        if not positive:
            raise InvalidFieldsError([(x.pointer, x.detail) for x in warnings])
        negative = self._nodes(request.negative, "/negative", warnings)
        for node in sorted(set(negative).intersection(positive)):
            name = self._snapshot.display_names[node]
            warnings.append(
                Remark(pointer="/negative", detail=f"{name} is a positive example too; that counts")
            )
        return Examples(positive, [node for node in negative if node not in positive])

    def _nodes(self, names: Sequence[str], field: str, warnings: list[Remark]) -> list[int]:
        """The nodes of examples, each once; what is not known is a remark."""
        found: dict[int, None] = {}
        for n, name in enumerate(names):
            node = node_of(name, f"{field}/{n}", self._lookups)
            if isinstance(node, Remark):
                warnings.append(node)
            else:
                found[node] = None
        return list(found)

    def _shared_label(self, nodes: Sequence[int]) -> str:
        labels = {self._snapshot.locate(node)[0] for node in nodes}
        return labels.pop() if len(labels) == 1 else self._snapshot.items.label

    def _candidates(
        self,
        similarities: dict[Kind, FloatArray],
        examples: Examples,
        among: slice,
        allowed_items: BoolArray | None,
    ) -> IntArray:
        """The places of what is similar in any way, without the examples and their near-duplicates."""
        found = np.zeros(among.stop - among.start, bool)
        for own in similarities.values():
            found |= own > 0
        excluded = np.zeros(self._snapshot.first_user, bool)
        excluded[[*examples.positive, *examples.negative]] = True
        items = excluded[: self._snapshot.n_items]
        self._lookups.groups.spread(items)
        if self._lookups.deleted_items is not None:
            items |= self._lookups.deleted_items
        if allowed_items is not None:
            items |= ~allowed_items
        return np.flatnonzero(found & ~excluded[among])

    def _paths_to(self, nodes: Sequence[int], examples: Examples, among: slice) -> list[list[Path]]:
        positive = np.array(examples.positive, np.int64)
        sources = Sources(positive, np.ones(len(positive), np.float32), (None,) * len(positive))
        finder = self._paths if among.start == 0 else self._entity_paths
        found = finder.find(sources, nodes, _PATHS)
        return [[_worded(self._shown.show(path)) for path in own] for own in found]

    def _hit(
        self, rank: int, node: int, score: float, cosines: dict[str, float], paths: list[Path]
    ) -> SimilarHit:
        label, external_id = self._snapshot.locate(node)
        return SimilarHit(
            rank=rank,
            label=label,
            id=external_id,
            name=self._snapshot.names[node],
            display_name=self._snapshot.display_names[node],
            score=round(score, SCORE_DECIMALS),
            similarities=cosines,
            paths=paths,
        )


def _cosines(place: int, similarities: Mapping[Kind, FloatArray]) -> dict[str, float]:
    return {str(kind): round(float(own[place]), SCORE_DECIMALS) for kind, own in similarities.items()}


def _worded(path: Path) -> Path:
    """Nobody is said to like an example: "like *Alien*, directed by ..."."""
    return path.model_copy(update={"text": re.sub(r"^because you like ", "like ", path.text)})
