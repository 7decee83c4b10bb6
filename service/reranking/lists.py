"""From the scores of all items to a list, by what the request asks for beside the ranking."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Protocol

import numpy as np
import scipy.sparse as sp

from embeddings.data.item_entities import equal_shares, item_entities
from embeddings.data.ties import top_k
from embeddings.reranking.criteria import Caps, Criteria, Diversity, Exploration, FacetMix, RerankingConfig
from embeddings.reranking.exploration import draw_exploration
from embeddings.reranking.novelty import self_information
from embeddings.reranking.selection import select
from kg.errors import InvalidFieldsError
from kg.graph import BoolArray, Float64Array, FloatArray, GraphSnapshot, IntArray
from kg.nearest_name import nearest_name
from kg.shown import shown
from service.contract import RecommendRequest
from service.penalty import REJECTED
from service.query_context import QueryContext
from service.reranking.contract import Stage
from service.wire import pointer_token

_RERANKING_FIELDS = ("diversity", "novelty", "max_per", "calibrated", "explore")


class VectorModel(Protocol):
    """What lists are put together by, beside the scores; `embeddings.model.model.Model` is one."""

    @property
    def item_vectors(self) -> FloatArray:
        """Graph vectors, float32 [n_items, d]."""

    @property
    def content_vectors(self) -> tuple[FloatArray, ...]:
        """Those of texts and of facts, float32 [n_items, d] each."""

    @property
    def contribution_names(self) -> tuple[str, ...]:
        """What may have a factor among the weights of a query."""


@dataclass(frozen=True)
class ItemStage:
    """What gave an item its place, and why where it is not the ranker alone."""

    stage: Stage
    reason: str | None = None


@dataclass(frozen=True)
class MadeList:
    """A list, and what gave each item its place."""

    items: list[int]
    stages: list[ItemStage]
    reranked: bool
    """Whether anything but the ranking could decide."""


class ListMaker:
    """Puts lists together; read-only, safe to share between threads."""

    def __init__(self, snapshot: GraphSnapshot, model: VectorModel, config: RerankingConfig) -> None:
        self._snapshot, self._model, self._config = snapshot, model, config
        # a method of this object here would keep it in memory
        self._facet = lru_cache(maxsize=None)(partial(_facet_of, snapshot))

    def check(self, request: RecommendRequest) -> None:
        """Refuse names that the graph or the model does not have.

        Raises:
            InvalidFieldsError: with a pointer to each, and the nearest name that there is.
        """
        named = [(f"/max_per/{pointer_token(name)}", name) for name in request.max_per]
        if request.calibrated:
            named.append(("/calibrated/relation", request.calibrated.relation))
        relations = self._snapshot.relations
        wrong = [
            (pointer, f"no relation is called {_and_nearest(name, relations)}")
            for pointer, name in named
            if name not in relations
        ]
        if request.weights:
            known = (*self._model.contribution_names, REJECTED)
            wrong += [
                (
                    f"/weights/{pointer_token(name)}",
                    f"no scorer is called {_and_nearest(name, known)}",
                )
                for name in request.weights
                if name not in known
            ]
        if wrong:
            raise InvalidFieldsError(wrong)

    def put_together(
        self,
        request: RecommendRequest,
        context: QueryContext,
        scores: FloatArray,
        request_id: str,
        allowed: BoolArray,
        k: int,
    ) -> MadeList:
        """Up to `k` of the `allowed` items, bool [n_items], whose scores are given."""
        asked = [name for name in _RERANKING_FIELDS if getattr(request, name)]
        if not asked or not k:
            ranked = top_k(scores, allowed, k)
            places = [_Place(item, rank) for rank, item in enumerate(ranked)]
        else:
            size = max(self._config.pool, self._config.pool_per_place * k)
            pool = np.array(top_k(scores, allowed, size), np.int64)
            places = self._choose(request, context, scores, pool, k, request_id)
            if len(places) < k and len(pool) < np.count_nonzero(allowed):
                places = self._filled(request, places, scores, allowed, pool, k)
        stages = [_stage(context, own, place, asked) for place, own in enumerate(places)]
        return MadeList([own.item for own in places], stages, bool(asked))

    def _choose(
        self,
        request: RecommendRequest,
        context: QueryContext,
        scores: FloatArray,
        pool: IntArray,
        k: int,
        request_id: str,
    ) -> list["_Place"]:
        """The items of the pool that the criteria choose."""
        own = scores[pool]
        criteria = Criteria(
            novelty=request.novelty,
            information=self._information[pool] if request.novelty else None,
            diversity=self._diversity(request, pool),
            facet_mix=self._facet_mix(request, context, pool),
            caps=self._caps(request, pool),
            exploration=self._exploration(request, own, k, request_id),
            config=self._config,
        )
        found = select(own, k, criteria)
        columns = zip(found.places.tolist(), found.explored.tolist(), strict=True)
        return [_Place(int(pool[rank]), rank, drawn) for rank, drawn in columns]

    def _filled(
        self,
        request: RecommendRequest,
        places: list["_Place"],
        scores: FloatArray,
        allowed: BoolArray,
        pool: IntArray,
        k: int,
    ) -> list["_Place"]:
        """A list that the caps left short, filled from below the pool, down the ranking."""
        below = allowed.copy()
        below[pool] = False
        rest = np.array(top_k(scores, below, len(below)), np.int64)
        items = np.concatenate([np.array([own.item for own in places], np.int64), rest])
        caps = self._caps(request, items)
        chosen = select(-np.arange(float(len(items))), k, Criteria(caps=caps)).places[len(places) :]
        ranks = chosen - len(places) + len(pool)
        more = zip(items[chosen].tolist(), ranks.tolist(), strict=True)
        return [*places, *(_Place(item, rank) for item, rank in more)]

    def _diversity(self, request: RecommendRequest, pool: IntArray) -> Diversity | None:
        if not request.diversity:
            return None
        vectors = (*self._model.content_vectors, self._model.item_vectors)
        return Diversity.of(request.diversity, [x[pool] for x in vectors], self._config.vector_weights)

    def _exploration(
        self, request: RecommendRequest, scores: FloatArray, k: int, request_id: str
    ) -> Exploration | None:
        if not request.explore:
            return None
        seed = request_id if request.seed is None else str(request.seed)
        return draw_exploration(request.explore, k, scores, self._config.temperature, seed)

    def _caps(self, request: RecommendRequest, items: IntArray) -> Caps | None:
        if not request.max_per:
            return None
        return Caps.of([(self._facet(name).entities[items], most) for name, most in request.max_per.items()])

    def _facet_mix(self, request: RecommendRequest, context: QueryContext, pool: IntArray) -> FacetMix | None:
        """None: not asked for, or the user's own mix is unknown, which a warning says."""
        if request.calibrated is None:
            return None
        facet = self._facet(request.calibrated.relation)
        wanted = np.asarray(facet.shares[list(context.history)].sum(axis=0), np.float64)
        wanted[[node for node in context.likes if facet.is_value[node]]] += 1
        if not wanted.any():
            what = request.calibrated.relation
            context.warn("/calibrated", f"nothing that the user likes has a {what}, so it does not count")
            return None
        return FacetMix.of(request.calibrated.strength, facet.shares[pool], wanted)

    @cached_property
    def _information(self) -> Float64Array:
        liked = self._snapshot.liked
        degrees = np.bincount(liked.indices, minlength=self._snapshot.n_items).astype(np.int64)
        return self_information(degrees, int(np.count_nonzero(np.diff(liked.indptr))))


@dataclass(frozen=True)
class _Place:
    """An item of a list."""

    item: int
    rank: int
    """Its place in the ranking, from 0."""
    explored: bool = False


@dataclass(frozen=True, eq=False)
class _Facet:
    """What items have by one relation."""

    entities: sp.csr_array
    """Items x nodes, ones."""
    shares: sp.csr_array
    """The same, each row divided by its sum."""
    is_value: BoolArray
    """Whether any item has the node, bool [n_nodes]."""


def _facet_of(snapshot: GraphSnapshot, relation: str) -> _Facet:
    number = snapshot.relations.index(relation)
    entities = item_entities(snapshot.triples, number, snapshot.n_items, snapshot.n_nodes)
    is_value = np.bincount(entities.indices, minlength=snapshot.n_nodes) > 0
    return _Facet(entities, equal_shares(entities), is_value)


def _stage(context: QueryContext, own: _Place, place: int, asked: Sequence[str]) -> ItemStage:
    """What gave an item the place in the list, from 0."""
    if own.explored:
        return ItemStage("explored", f"drawn from rank {own.rank + 1:,} of the ranking")
    moved = f"rank {own.rank + 1:,} of the ranking; moved by {' and '.join(asked)}"
    if context.is_empty():
        nothing = "nothing is known of the user"
        return ItemStage("fallback", f"{nothing}; {moved}" if own.rank != place else nothing)
    return ItemStage("reranked", moved) if own.rank != place else ItemStage("ranked")


def _and_nearest(name: str, known: Sequence[str]) -> str:
    return f"{shown(name)}{nearest_name(name, known)}"
