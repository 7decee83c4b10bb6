"""What can be found beside recommendations: items by their id, and items and entities by a search."""

from http import HTTPStatus

from embeddings.text.encoder import TextEncoder
from kg.explanation.adjacency import FactAdjacency
from kg.graph import BoolArray, GraphSnapshot
from kg.nearest_name import nearest_name
from kg.shown import shown
from service.contract import Remark
from service.found.contract import FoundMeta, ItemAnswer, SearchAnswer, SearchHit, SearchRequest
from service.found.item import ItemView
from service.found.search import Hit, ScoreItems, ScoreText, Search
from service.problems import InvalidRequestError
from service.request_reader import Lookups


class Finder:
    """Finds over one snapshot and one model, both read-only; safe to share between threads."""

    def __init__(
        self,
        model_version: str,
        lookups: Lookups,
        facts: FactAdjacency,
        encoder: TextEncoder,
        score_text: ScoreText,
        score_items: ScoreItems,
    ) -> None:
        self._version, self._snapshot = model_version, lookups.snapshot
        self._items = ItemView(lookups, facts)
        self._search = Search(lookups, facts, encoder, score_text, score_items)

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
            self._check_label(label, f"/label/{n}")
        hits, warnings = self._search.find(request, allowed_items)
        return SearchAnswer(
            hits=[_hit(rank, hit, self._snapshot) for rank, hit in enumerate(hits, start=1)],
            warnings=warnings,
            meta=FoundMeta(request_id=request_id, model_version=self._version),
        )

    def _check_label(self, label: str, pointer: str) -> None:
        labels = [x.label for x in self._snapshot.vocabularies[:-1]]
        if label not in labels:
            detail = f"no label {shown(label)} to look for{nearest_name(label, labels)}"
            remark = Remark(pointer=pointer, detail=detail)
            raise InvalidRequestError(HTTPStatus.UNPROCESSABLE_ENTITY, detail, [remark])


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
