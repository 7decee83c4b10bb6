"""The recommender: from a query context to an answer with scores and paths, independent of Flask."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache, partial
from typing import Protocol

import numpy as np

from embeddings.data.ties import tie_order
from embeddings.model.manifest import Manifest
from embeddings.model.model import Query, Scores
from embeddings.text.encoder import TextEncoder
from kg.explanation.paths import Edge, ExplanationPath
from kg.explanation.search import PathFinder
from kg.graph import BoolArray, FloatArray, GraphSnapshot
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
from service.penalty import items_with, ranked_down
from service.query_context import QueryContext
from service.request_reader import Lookups, read_request
from service.rules.compiled import AppliedRules, RuleSet, compiled
from service.rules.store import RuleBook
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
        self._paths = PathFinder(snapshot, model.item_vectors, config=self._config.paths)
        self.rules = RuleSet()
        """The rules that apply to requests from now on; another set may take its place at any time."""
        # a method of this object here would keep it, and its model, in memory after the last request
        self._node = lru_cache(_NODES_KEPT)(partial(_path_node, snapshot))

    @property
    def model_version(self) -> str:
        """The version of the model that answers."""
        return self._model.manifest.model_version

    @property
    def answers_version(self) -> str:
        """Changes whenever equal requests of one user may be answered otherwise, events apart."""
        return f"{self.model_version} {self.rules.version}"

    def apply_rules(self, book: RuleBook) -> None:
        """Obey the rules of a book as they are now.

        Raises:
            OutboxError: they cannot be read.
        """
        version, items = book.version(), self.snapshot.items
        if version != self.rules.version or (self.rules and self.rules.items is not items):
            self.rules = compiled(book.rules(), version, items, self._lookups.groups.spread)

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
        """The best `k` items; equal scores stand in one fixed random order."""
        context = read_request(request, self._lookups)
        rules = self._apply_rules(request, context)
        scores = self._scores(context)
        if rules:
            scores = rules.boosted(scores, self._config.rejections.best_scores)
        preferred = rules.preferred(scores.scores) if rules else scores.scores
        allowed = self._lookups.groups.best_only(preferred, ~context.excluded)
        best = partial(top_k, scores.scores)
        items = rules.ranked(allowed, request.k, best) if rules else best(allowed, request.k)
        if len(items) < request.k:
            context.warn("/k", f"only {len(items)} items are left to recommend")
        for remark in order_remarks(self.snapshot, self._model.manifest):
            context.warn(*remark)
        if tie := tie_remark(scores.scores, allowed, items, self._model.manifest):
            context.warn(*tie)
        paths: list[list[ExplanationPath]] = [[] for _ in items]
        if request.explain:
            sources = context.sources(self._config.oldest_weight)
            paths = self._paths.find(sources, items, self._config.paths_per_item)
        wanted = request.score_contributions
        contributions = _contributions(scores, items) if wanted else [None for _ in items]
        ranked_by = scores.scores[items]
        probabilities = scores.probabilities(ranked_by)
        touching = rules.touching(items) if rules else [[] for _ in items]
        columns = zip(items, probabilities, ranked_by, paths, contributions, touching, strict=True)
        recommended = [self._item(rank, *own) for rank, own in enumerate(columns, start=1)]
        return Recommendation(
            items=recommended,
            recommendation=recommendation_sentence(recommended),
            user_state=context.user_state(self._config.hot_from),
            warnings=context.warnings,
            meta=Meta(request_id=request_id, model_version=self.model_version, calibrated=scores.calibrated),
        )

    def _apply_rules(self, request: RecommendRequest, context: QueryContext) -> AppliedRules | None:
        """The rules that apply, and what they exclude out of the list; None where there are none."""
        rules = self.rules
        for remark in rules.unknown(request.rules):
            context.warn(*remark)
        found = rules.applied(request.rules) if rules else None
        if found is None or not found.rules:
            return None
        if found.excluded is not None:
            context.excluded |= found.excluded
        for remark in found.remarks:
            context.warn(*remark)
        return found

    def _scores(self, context: QueryContext) -> Scores:
        """The model's scores; items near to what the user disliked or the text rejects are ranked down."""
        scores = self._model.score(context.query())
        if context.disliked:
            items = self._model.item_vectors
            cosines = list((items @ items[[*context.disliked][-_DISLIKES:]].T).T)
            scores = ranked_down(scores, cosines, np.zeros(len(items), bool), self._config.dislikes)
        vectors = context.rejected_vectors
        if vectors is None or not len(vectors):
            return scores
        near = (self._model.score_text(vector) for vector in vectors)
        meant = items_with(self.snapshot, context.rejected_meanings)
        return ranked_down(scores, [x for x in near if x is not None], meant, self._config.rejections)

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
        score: np.float64,
        ranking_score: np.float32,
        paths: Sequence[ExplanationPath],
        contributions: dict[str, float] | None,
        rules: list[str],
    ) -> RecommendedItem:
        return RecommendedItem(
            item_id=self.snapshot.items.ids[item],
            rank=rank,
            score=round(float(score), SCORE_DECIMALS),
            ranking_score=round(float(ranking_score), SCORE_DECIMALS),
            title=self.snapshot.names[item],
            display_title=self.snapshot.display_names[item],
            paths=[self._path(path) for path in paths],
            score_contributions=contributions,
            rules=rules,
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


def top_k(scores: FloatArray, allowed: BoolArray, k: int) -> list[int]:
    """The `k` allowed positions with the highest scores, best first; ties are ordered by `tie_order`."""
    order = tie_order(len(scores))
    order = order[allowed[order]]
    if k < len(order):  # sort only the best
        least = -np.partition(-scores[order], k - 1)[k - 1]
        order = order[scores[order] >= least]
    found = order[np.argsort(-scores[order], kind="stable")[:k]]
    return [int(n) for n in found]


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
