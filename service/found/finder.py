"""What can be found beside recommendations: items by id, and what a search or examples mean."""

from kg.graph import BoolArray, GraphSnapshot
from service.found.contract import (
    FoundMeta,
    ItemAnswer,
    SearchAnswer,
    SearchHit,
    SearchRequest,
    SimilarAnswer,
    SimilarRequest,
)
from service.found.item import ItemView
from service.found.labels import checked_label
from service.found.search import Hit, Search
from service.found.similar_finder import SimilarFinder


class Finder:
    """Finds over one snapshot and one model, both read-only; safe to share between threads."""

    def __init__(
        self,
        model_version: str,
        snapshot: GraphSnapshot,
        items: ItemView,
        search: Search,
        similar: SimilarFinder,
    ) -> None:
        self._version, self._snapshot = model_version, snapshot
        self._items, self._search, self._similar = items, search, similar

    def warm_up(self) -> None:
        """Do now what the first search would do."""
        self._search.warm_up()

    def item(self, item_id: str) -> ItemAnswer:
        """What the graph knows of an item.

        Raises:
            UnknownIdError: there is none of this id.
        """
        return self._items.show(item_id)

    def search(
        self, request: SearchRequest, *, request_id: str, allowed_items: BoolArray | None = None
    ) -> SearchAnswer:
        """The best hits; with `allowed_items`, bool [n_items], these items alone.

        Raises:
            InvalidRequestError: a label is unknown, or that of users.
        """
        for n, label in enumerate(request.label):
            checked_label(self._snapshot, label, f"/label/{n}")
        hits, warnings = self._search.find(request, allowed_items)
        return SearchAnswer(
            hits=[_hit(rank, hit, self._snapshot) for rank, hit in enumerate(hits, start=1)],
            warnings=warnings,
            meta=FoundMeta(request_id=request_id, model_version=self._version),
        )

    def similar(
        self, request: SimilarRequest, *, request_id: str, allowed_items: BoolArray | None = None
    ) -> SimilarAnswer:
        """What is similar to items and entities; items are only those of `allowed_items`, bool [n_items].

        Raises:
            InvalidRequestError: no positive example is known, or the label is not.
        """
        hits, warnings = self._similar.find(request, allowed_items)
        meta = FoundMeta(request_id=request_id, model_version=self._version)
        return SimilarAnswer(hits=hits, warnings=warnings, meta=meta)


def _hit(rank: int, hit: Hit, snapshot: GraphSnapshot) -> SearchHit:
    label, external_id = snapshot.locate(hit.node)
    return SearchHit(
        rank=rank,
        label=label,
        id=external_id,
        name=snapshot.names[hit.node],
        display_name=snapshot.display_names[hit.node],
        score=hit.score,
        matches=hit.matches,
    )
