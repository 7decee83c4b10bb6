"""The recommender: from a query context to an answer with scores and paths, independent of Flask."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Protocol

import numpy as np

from embeddings.data.ties import tie_order
from embeddings.model.manifest import Manifest
from embeddings.model.model import Query, Scores
from embeddings.text.encoder import TextEncoder
from kg.explanation.paths import ExplanationPath
from kg.explanation.search import PathFinder
from kg.graph import BoolArray, FloatArray, GraphSnapshot
from kg.item_changes import ChangedSnapshot, with_changes
from service.catalogue.live import MissingChanges
from service.config import RecommenderConfig
from service.contract import (
    MAX_SHOWN,
    SCORE_DECIMALS,
    Meta,
    Recommendation,
    RecommendedItem,
    RecommendRequest,
)
from service.events.histories import LiveHistories
from service.events.types import EventType, event_types
from service.found.finder import Finder
from service.found.item import ItemView
from service.found.search import Search
from service.found.similar import Similar
from service.found.similar_finder import SimilarFinder
from service.order_remarks import few_remark, order_remarks, tie_remark
from service.paging import Cursors, Page, id_hashes
from service.penalty import items_with, ranked_down
from service.query_context import QueryContext
from service.request_reader import Lookups, read_request
from service.sentence import recommendation_sentence
from service.shown_paths import ShownPaths
from service.validation import Validation, validation

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
    def node_vectors(self) -> FloatArray:
        """Unit vectors of items, then entities, float32 [n_nodes, d]; zeros where there are none."""

    @property
    def text_vectors(self) -> FloatArray | None:
        """Unit vectors of the items' texts, float32 [n_items, dim]; None if the model has no texts."""

    def score(self, query: Query) -> Scores:
        """Scores of all items; popularity for an empty query."""

    def score_text(self, text: FloatArray) -> FloatArray | None:
        """How near each item's text is to a text, float32 [n_items]; None if the model has no texts."""

    def with_items(self, changed: ChangedSnapshot, encoder: TextEncoder) -> "ScoringModel":
        """The model for a snapshot with changes."""


@dataclass(frozen=True)
class SinceSnapshot:
    """What came after a snapshot was read and cannot be in a snapshot."""

    number: int = 0
    """The last change of an item or a user; 0 without one."""
    deleted_items: BoolArray | None = None
    """bool [n_items]"""
    deleted_users: frozenset[str] = frozenset()
    """Users whose events in the snapshot are gone."""


class Recommender:
    """Answers requests from one snapshot and one model, both read-only; safe to share between threads."""

    def __init__(
        self,
        snapshot: GraphSnapshot,
        model: ScoringModel,
        encoder: TextEncoder,
        config: RecommenderConfig | None = None,
        live: LiveHistories | None = None,
        since: SinceSnapshot | None = None,
        cursors: Cursors | None = None,
    ) -> None:
        """`config` None is the default configuration; `live` has what users did since the snapshot.

        `since` has what `snapshot` cannot have of the changes that it was made with. `cursors` write those of
        pages (None: for this recommender alone).

        Raises:
            ValueError: the schema has no interaction of the number `config.history_interaction`.
        """
        self._config = config or RecommenderConfig()
        if self._config.history_interaction >= len(snapshot.schema.interactions):
            raise ValueError(f"the schema has no interaction {self._config.history_interaction}")
        self.snapshot = snapshot
        self._model, self._encoder, self._live = model, encoder, live
        self._since = since or SinceSnapshot()
        self._lookups = Lookups(
            *(snapshot, encoder, self._config, live, self._since.deleted_items, self._since.deleted_users),
            cursors,
        )
        self._paths = PathFinder(snapshot, model.item_vectors, config=self._config.paths)
        self._shown_paths = ShownPaths(snapshot)

    @cached_property
    def finder(self) -> Finder:
        """Finds items otherwise than by a recommendation."""
        lookups, model, facts = self._lookups, self._model, self._paths.facts
        score = partial(_item_scores, model, self.snapshot, self._config)
        search = Search(lookups, facts, self._encoder, model.score_text, score)
        similar = Similar(self.snapshot, facts, model.node_vectors, model.text_vectors)
        return Finder(
            *(self.model_version, self.snapshot, ItemView(lookups, facts), search),
            SimilarFinder(lookups, similar, self._paths, self._shown_paths),
        )

    @property
    def model_version(self) -> str:
        """The version of the model that answers."""
        return self._model.manifest.model_version

    @property
    def state(self) -> str:
        """The model's version and the last change of items and users; another one may answer otherwise."""
        return f"{self.model_version}/{self._since.number}"

    @property
    def snapshot_read_at(self) -> float:
        """A moment, epoch seconds; the snapshot may lack what the graph did not have before."""
        return self._live.since if self._live else 0.0

    def with_changes(self, missing: MissingChanges) -> "Recommender":
        """The recommender with changes of items and users that its snapshot does not have."""
        changed = with_changes(self.snapshot, missing.items)
        model = self._model.with_items(changed, self._encoder)
        since = SinceSnapshot(missing.last, changed.deleted, missing.deleted_users)
        return Recommender(
            changed.snapshot, model, self._encoder, self._config, self._live, since, self._lookups.cursors
        )

    def is_deleted(self, item: int) -> bool:
        """Whether an item was deleted since the snapshot."""
        return self._lookups.is_deleted(item)

    @property
    def event_types(self) -> Mapping[str, EventType]:
        """The types of events that may be posted, by name."""
        live = self._live
        return live.types if live else event_types(self.snapshot.schema, {})

    def last_event(self, user_id: str | None) -> int:
        """The number of the user's last event since the snapshot; 0 without one.

        Raises:
            OutboxError: the outbox cannot be read.
        """
        live = self._live
        return 0 if live is None or user_id is None else live.last(user_id)

    def warm_up(self, names: TextEncoder | None = None) -> None:
        """Load the text encoder and compare all names now rather than in the first request.

        `names` encodes the names of the snapshot, such as the encoder with a cache (None: the encoder).
        """
        _ = self.snapshot.display_names
        self._lookups.understanding.warm_up(names)
        known = RecommendRequest(history=list(self.snapshot.items.ids[:1]))
        self.finder.warm_up()
        self.recommend(known, request_id="")  # compiles or loads the machine code of all its steps

    def recommend(self, request: RecommendRequest, *, request_id: str) -> Recommendation:
        """The best `k` items; equal scores stand in one fixed random order."""
        context = read_request(request, self._lookups)
        scores = self._scores(context)
        allowed = self._lookups.groups.best_only(scores.scores, ~context.excluded)
        items = top_k(scores.scores, allowed, request.k)
        if few := few_remark(len(items), request.k):
            context.warn(*few)
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
        columns = zip(items, probabilities, ranked_by, paths, contributions, strict=True)
        first = 1 + len(context.page.shown)
        recommended = [self._item(rank, *own) for rank, own in enumerate(columns, first)]
        more = np.count_nonzero(allowed) > len(items)
        cursor = self._next_page(request, context, items) if more else None
        return Recommendation(
            items=recommended,
            recommendation=recommendation_sentence(recommended),
            user_state=context.user_state(self._config.hot_from),
            cursor=cursor,
            warnings=context.warnings,
            meta=Meta(request_id=request_id, model_version=self.model_version, calibrated=scores.calibrated),
        )

    def _next_page(
        self, request: RecommendRequest, context: QueryContext, items: Sequence[int]
    ) -> str | None:
        """The cursor of the page after these items; a remark where there is none."""
        own = id_hashes(self.snapshot.items.ids[item] for item in items)
        shown = np.concatenate([context.page.shown, own])
        cursor = self._lookups.cursors.write(Page(self.model_version, context.last_event, shown), request)
        if cursor is None:
            context.warn("", f"there are no pages after {MAX_SHOWN:,} items; say more of what is wanted")
        return cursor

    def validate(self, request: RecommendRequest) -> Validation:
        """What a request would be understood as, without an answer."""
        return validation(request, self._lookups, self._model.manifest)

    def _scores(self, context: QueryContext) -> Scores:
        """The model's scores; items near to what the user disliked or the text rejects are ranked down."""
        return score_context(context, self._model, self.snapshot, self._config)

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
    ) -> RecommendedItem:
        return RecommendedItem(
            item_id=self.snapshot.items.ids[item],
            rank=rank,
            score=round(float(score), SCORE_DECIMALS),
            ranking_score=round(float(ranking_score), SCORE_DECIMALS),
            title=self.snapshot.names[item],
            display_title=self.snapshot.display_names[item],
            paths=[self._shown_paths.show(path) for path in paths],
            score_contributions=contributions,
        )


def _item_scores(
    model: ScoringModel, snapshot: GraphSnapshot, config: RecommenderConfig, context: QueryContext
) -> FloatArray:
    return score_context(context, model, snapshot, config).scores


def score_context(
    context: QueryContext, model: ScoringModel, snapshot: GraphSnapshot, config: RecommenderConfig
) -> Scores:
    """The model's scores; items near to what the user disliked or the text rejects are ranked down."""
    scores = model.score(context.query())
    if context.disliked:
        items = model.item_vectors
        cosines = list((items @ items[[*context.disliked][-_DISLIKES:]].T).T)
        scores = ranked_down(scores, cosines, np.zeros(len(items), bool), config.dislikes)
    vectors = context.rejected_vectors
    if vectors is None or not len(vectors):
        return scores
    near = (model.score_text(vector) for vector in vectors)
    meant = items_with(snapshot, context.rejected_meanings)
    return ranked_down(scores, [x for x in near if x is not None], meant, config.rejections)


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
