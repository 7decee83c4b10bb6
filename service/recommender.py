"""The recommender: from a query context to an answer with scores and paths, independent of Flask."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache, partial
from typing import Protocol

import numpy as np

from embeddings.model.manifest import Manifest
from embeddings.model.model import Query, Scores
from embeddings.text.encoder import TextEncoder
from kg.explanation.paths import Edge, ExplanationPath
from kg.explanation.search import PathFinder
from kg.graph import FloatArray, GraphSnapshot
from service.config import RecommenderConfig
from service.contract import (
    PATH_SCORE_DECIMALS,
    SCORE_DECIMALS,
    Meta,
    Path,
    PathEdge,
    PathNode,
    Recommendation,
    RecommendedItem,
    RecommendRequest,
)
from service.events.histories import LiveHistories
from service.events.types import EventType, event_types
from service.order_remarks import order_remarks, tie_remark
from service.penalty import REJECTED, items_with, ranked_down
from service.query_context import QueryContext
from service.request_reader import Lookups, read_request
from service.reranking.lists import ItemStage, ListMaker
from service.reranking.short_lists import short_list_reason
from service.sentence import recommendation_sentence

_NODES_KEPT = 100_000
"""So many nodes of paths are kept as they are answered, about 1 kB each."""


_DISLIKES = 20
"""So many of the last disliked items rank down what is like them."""


class ScoringModel(Protocol):
    """What the recommender needs of a model; `embeddings.model.model.Model` is one."""

    @property
    def manifest(self) -> Manifest:
        """Its version and encoder."""

    @property
    def item_vectors(self) -> FloatArray:
        """Float32 [n_items, d]."""

    @property
    def content_vectors(self) -> tuple[FloatArray, ...]:
        """Those of texts and of facts, float32 [n_items, d] each."""

    @property
    def contribution_names(self) -> tuple[str, ...]:
        """What may have a factor among the weights of a query."""

    def score(self, query: Query) -> Scores:
        """Scores of all items; popularity for an empty query."""

    def score_text(self, text: FloatArray) -> FloatArray | None:
        """How near each item's text is to a text, float32 [n_items]; None if the model has no texts."""


class Recommender:
    """Answers requests from one snapshot and one model, both read-only; safe to share between threads."""

    def __init__(
        self,
        snapshot: GraphSnapshot,
        model: ScoringModel,
        encoder: TextEncoder,
        config: RecommenderConfig | None = None,
        live: LiveHistories | None = None,
    ) -> None:
        """`config` None is the default configuration; `live` has what users did since the snapshot.

        Raises:
            ValueError: the schema has no interaction of the number `config.history_interaction`.
        """
        self._config = config or RecommenderConfig()
        if self._config.history_interaction >= len(snapshot.schema.interactions):
            raise ValueError(f"the schema has no interaction {self._config.history_interaction}")
        self.snapshot = snapshot
        self._model = model
        self._lookups = Lookups(snapshot, encoder, self._config, live)
        self._lists = ListMaker(snapshot, model, self._config.reranking)
        self._paths = PathFinder(snapshot, model.item_vectors, config=self._config.paths)
        # a method of this object here would keep it, and its model, in memory after the last request
        self._node = lru_cache(_NODES_KEPT)(partial(_path_node, snapshot))

    @property
    def model_version(self) -> str:
        """The version of the model that answers."""
        return self._model.manifest.model_version

    @property
    def event_types(self) -> Mapping[str, EventType]:
        """The types of events that may be posted, by name."""
        live = self._lookups.live
        return live.types if live else event_types(self.snapshot.schema, {})

    def last_event(self, user_id: str | None) -> int:
        """The number of the user's last event since the snapshot; 0 without one.

        Raises:
            OutboxError: the outbox cannot be read.
        """
        live = self._lookups.live
        return 0 if live is None or user_id is None else live.last(user_id)

    def warm_up(self, names: TextEncoder | None = None) -> None:
        """Load the text encoder and compare all names now rather than in the first request.

        `names` encodes the names of the snapshot, such as the encoder with a cache (None: the encoder).
        """
        _ = self.snapshot.display_names
        self._lookups.understanding.warm_up(names)
        known = RecommendRequest(history=list(self.snapshot.items.ids[:1]))
        self.recommend(known, request_id="")  # compiles or loads the machine code of all its steps

    def recommend(self, request: RecommendRequest, *, request_id: str) -> Recommendation:
        """The best `k` items; equal scores stand in one fixed random order.

        Raises:
            InvalidFieldsError: a field names what the graph or the model does not have.
        """
        self._lists.check(request)
        context = read_request(request, self._lookups)
        scores = self._scores(context)
        allowed = self._lookups.groups.best_only(scores.scores, ~context.excluded)
        listed = self._lists.put_together(request, context, scores.scores, allowed, request_id)
        items = listed.items
        if len(items) < request.k:
            context.warn("/k", short_list_reason(context, allowed, len(items)))
        for remark in order_remarks(self.snapshot, self._model.manifest):
            context.warn(*remark)
        tie = tie_remark(scores.scores, allowed, items, self._model.manifest)
        if tie and not listed.reranked:
            context.warn(*tie)
        paths: list[list[ExplanationPath]] = [[] for _ in items]
        if request.explain:
            sources = context.sources(self._config.oldest_weight)
            paths = self._paths.find(sources, items, self._config.paths_per_item)
        wanted = request.score_contributions
        contributions = _contributions(scores, items) if wanted else [None for _ in items]
        ranked_by = scores.scores[items]
        probabilities = scores.probabilities(ranked_by)
        columns = zip(items, listed.stages, probabilities, ranked_by, paths, contributions, strict=True)
        recommended = [self._item(rank, *own) for rank, own in enumerate(columns, start=1)]
        return Recommendation(
            items=recommended,
            recommendation=recommendation_sentence(recommended),
            user_state=context.user_state(self._config.hot_from),
            warnings=context.warnings,
            meta=Meta(request_id=request_id, model_version=self.model_version, calibrated=scores.calibrated),
        )

    def _scores(self, context: QueryContext) -> Scores:
        """The model's scores; items near to what the user disliked or the text rejects are ranked down."""
        scores = self._model.score(context.query())
        if context.disliked:
            items = self._model.item_vectors
            cosines = list((items @ items[[*context.disliked][-_DISLIKES:]].T).T)
            config = self._config.dislikes.times(context.weights.get(REJECTED, 1.0))
            scores = ranked_down(scores, cosines, np.zeros(len(items), bool), config)
        vectors = context.rejected_vectors
        if vectors is None or not len(vectors):
            return scores
        near = (self._model.score_text(vector) for vector in vectors)
        meant = items_with(self.snapshot, context.rejected_meanings)
        config = self._config.rejections.times(context.weights.get(REJECTED, 1.0))
        return ranked_down(scores, [x for x in near if x is not None], meant, config)

    def liked(self, user_id: str) -> list[str]:
        """Titles of what a user liked, oldest first; empty for an unknown user."""
        user = self.snapshot.users.find(user_id)
        return [] if user is None else self._titles(self._lookups.histories.liked(user))

    def _titles(self, items: Iterable[int]) -> list[str]:
        return [self.snapshot.display_names[n] for n in items]

    def _item(
        self,
        rank: int,
        item: int,
        stage: ItemStage,
        score: np.float64,
        ranking_score: np.float32,
        paths: Sequence[ExplanationPath],
        contributions: dict[str, float] | None,
    ) -> RecommendedItem:
        return RecommendedItem(
            item_id=self.snapshot.items.ids[item],
            rank=rank,
            score=round(float(score), SCORE_DECIMALS),
            ranking_score=round(float(ranking_score), SCORE_DECIMALS),
            title=self.snapshot.names[item],
            display_title=self.snapshot.display_names[item],
            stage=stage.stage,
            stage_reason=stage.reason,
            paths=[self._path(path) for path in paths],
            score_contributions=contributions,
        )

    def _path(self, path: ExplanationPath) -> Path:
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


def _contributions(scores: Scores, items: Sequence[int]) -> list[dict[str, float]]:
    """For each item, the contribution of each scorer, largest first, without those that round to 0."""
    columns = scores.contributions(np.array(items, np.int64))
    rows = [{name: float(column[row]) for name, column in columns.items()} for row in range(len(items))]
    return [
        {
            name: round(x, SCORE_DECIMALS)
            for name, x in sorted(row.items(), key=lambda share: (-abs(share[1]), share[0]))
            if round(x, SCORE_DECIMALS)
        }
        for row in rows
    ]
