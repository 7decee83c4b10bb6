"""From a request to an answer: who asks, what is known of them, scores, rules, paths. Knows no Flask."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np

from embeddings.data.dataset import TimeArray, liked_histories
from embeddings.data.ties import tie_order
from embeddings.model.model import UNKNOWN_TIMES, Manifest, Query, Scores
from embeddings.text.encoder import TextEncoder
from kg.graph import BoolArray, FloatArray, GraphSnapshot, IntArray
from kg.paths import SAID, ExplanationPath, PathFinder, Sources
from service.contract import (
    Meta,
    Path,
    PathEdge,
    PathNode,
    Recommendation,
    RecommendedItem,
    RecommendRequest,
    Remark,
    UserState,
)
from service.understanding import Understanding

HOT_FROM = 5
"""From so many liked items on a user is hot: what the graph knows of them outweighs what it knows of all."""

PATHS_PER_ITEM = 3

_OLDEST_WEIGHT = 0.85
"""What was liked first explains a little less than what was liked last (1)."""

_GIVEN = 0
"""The kind that the `history` of a request is told as: the schema's first interaction."""


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


@dataclass
class _UserContext:
    """What is known of who asks, while a request is read."""

    user: int | None = None
    liked: dict[int, int] = field(default_factory=dict)
    """Item -> kind of source, oldest first."""
    entities: dict[int, None] = field(default_factory=dict)
    when: TimeArray = field(default_factory=lambda: UNKNOWN_TIMES)
    """The first, middle and last time of what the graph says the user liked."""
    vector: FloatArray | None = None
    warnings: list[Remark] = field(default_factory=list)

    def like(self, node: int, n_items: int, kind: int) -> None:
        """Add a node; one that was there already counts as new."""
        if node < n_items:
            self.liked.pop(node, None)
            self.liked[node] = kind
        else:
            self.entities[node] = None

    def warn(self, pointer: str, detail: str) -> None:
        self.warnings.append(Remark(pointer=pointer, detail=detail))

    @property
    def state(self) -> UserState:
        if len(self.liked) >= HOT_FROM:
            return "hot"
        return "warm" if self.liked or self.entities or self.vector is not None else "cold"

    def query(self) -> Query:
        return Query(_numbers(self.liked), _numbers(self.entities), self.vector, self.when)

    def sources(self) -> Sources:
        said = len(self.entities)
        weights = np.concatenate([np.linspace(1, _OLDEST_WEIGHT, len(self.liked))[::-1], np.ones(said)])
        kinds = np.concatenate([_numbers(self.liked.values()), np.full(said, SAID)])
        weights[kinds == SAID] = 1
        nodes = np.concatenate([_numbers(self.liked), _numbers(self.entities)])
        return Sources(nodes, weights.astype(np.float32), kinds, self.user)


class Recommender:
    """Answers requests from one snapshot and one model, both read-only; safe to share between threads."""

    def __init__(
        self,
        snapshot: GraphSnapshot,
        model: ScoringModel,
        encoder: TextEncoder,
        *,
        paths_through_users: bool = True,
    ) -> None:
        self.snapshot = snapshot
        self._model = model
        self._encoder = encoder
        self._paths = PathFinder(snapshot, model.item_vectors, through_users=paths_through_users)
        self._likes = _LikedByUser(snapshot)

    @property
    def model_version(self) -> str:
        """The version of the model that answers."""
        return self._model.manifest.model_version

    def warm_up(self) -> None:
        """Load the text encoder now rather than at the first text."""
        self._understanding.warm_up()

    def recommend(self, request: RecommendRequest, *, request_id: str) -> Recommendation:
        """The best `k` items; equal scores stand in one fixed random order."""
        user = self._user_context(request)
        scored = self._model.score(user.query())
        items = best(scored.total, ~self._excluded(request, user), request.k)
        if len(items) < request.k:
            user.warn("/k", f"only {len(items)} items are left to recommend")
        paths: list[list[ExplanationPath]] = [[] for _ in items]
        if request.explain:
            paths = self._paths.find(user.sources(), items, PATHS_PER_ITEM)
        parts = _parts(scored, items) if request.parts else [None for _ in items]
        return Recommendation(
            items=[
                self._item(rank, item, float(scored.total[item]), why, made_of)
                for rank, (item, why, made_of) in enumerate(zip(items, paths, parts, strict=True), start=1)
            ],
            user_state=user.state,
            warnings=user.warnings,
            meta=Meta(request_id=request_id, model_version=self.model_version),
        )

    def liked(self, user_id: str) -> list[str]:
        """Titles of what a user liked, oldest first; empty for one nobody knows."""
        user = self.snapshot.users.find(user_id)
        return [] if user is None else [self.snapshot.names[n] for n in self._likes.of(user)]

    @cached_property
    def _understanding(self) -> Understanding:
        return Understanding(self.snapshot, self._encoder)

    def _user_context(self, request: RecommendRequest) -> _UserContext:
        user = _UserContext()
        self._read_user(request, user)
        self._read_history(request, user)
        self._read_likes(request, user)
        if request.said:
            understood = self._understanding.understand(request.said)
            user.vector = understood.vector
            for node in understood.nodes:
                user.like(node, self.snapshot.n_items, SAID)
        return user

    def _read_user(self, request: RecommendRequest, user: _UserContext) -> None:
        if request.user_id is None:
            return
        user.user = self.snapshot.users.find(request.user_id)
        if user.user is None:
            user.warn("/user_id", f"no {self.snapshot.users.label} has the id {request.user_id!r} yet")
        else:
            user.liked.update(self._likes.of(user.user))
            user.when = self._likes.when(user.user)

    def _read_history(self, request: RecommendRequest, user: _UserContext) -> None:
        items = self.snapshot.items
        for n, item_id in enumerate(request.history):
            item = items.find(item_id)
            if item is None:
                user.warn(f"/history/{n}", f"no {items.label} has the id {item_id!r}; it was left out")
            else:
                user.like(item, self.snapshot.n_items, _GIVEN)

    def _read_likes(self, request: RecommendRequest, user: _UserContext) -> None:
        for n, given in enumerate(request.likes):
            nodes = self._named(given)
            if len(nodes) == 1:
                user.like(nodes[0], self.snapshot.n_items, SAID)
            elif nodes:
                forms = ", ".join(f"{label}:{x}" for label, x in map(self.snapshot.locate, nodes))
                user.warn(
                    f"/likes/{n}", f"the id {given!r} could be {forms}; it was left out, write one of them"
                )
            else:
                user.warn(f"/likes/{n}", f"nothing in the graph has the id {given!r}; it was left out")

    def _named(self, given: str) -> list[int]:
        """The nodes that a like may mean: `Label:id`, else entities of that id, else the item of that id."""
        label, _, rest = given.partition(":")
        vocabularies = self.snapshot.vocabularies[:-1]
        offsets = self.snapshot.offsets
        for vocabulary in vocabularies:
            if vocabulary.label == label and rest in vocabulary:
                return [offsets[label] + vocabulary.index(rest)]
        found = [offsets[v.label] + v.index(given) for v in vocabularies if given in v]
        return [node for node in found if node >= self.snapshot.n_items] or found

    def _excluded(self, request: RecommendRequest, user: _UserContext) -> BoolArray:
        excluded = np.zeros(self.snapshot.n_items, bool)
        if request.exclude_seen:
            excluded[_numbers(user.liked)] = True
            if user.user is not None:
                seen = self.snapshot.seen
                excluded[seen.indices[seen.indptr[user.user] : seen.indptr[user.user + 1]]] = True
        return excluded

    def _item(
        self,
        rank: int,
        item: int,
        score: float,
        paths: Sequence[ExplanationPath],
        parts: dict[str, float] | None,
    ) -> RecommendedItem:
        return RecommendedItem(
            item_id=self.snapshot.items.ids[item],
            rank=rank,
            score=round(score, 6),
            title=self.snapshot.names[item],
            paths=[self._path(path) for path in paths],
            parts=parts,
        )

    def _path(self, path: ExplanationPath) -> Path:
        return Path(
            score=round(path.score, 4) or path.score,
            text=path.text,
            nodes=[self._node(node) for node in path.nodes],
            edges=[PathEdge(relation=x.relation, direction=x.direction) for x in path.edges],
        )

    def _node(self, node: int) -> PathNode:
        label, external_id = self.snapshot.locate(node)
        # another user's name is nobody's business; the id is what finds the edge in the graph
        name = self.snapshot.names[node] if node < self.snapshot.first_user else f"another {label.lower()}"
        return PathNode(label=label, id=external_id, name=name)


class _LikedByUser:
    """Each user's liked items by time, each item once, where it was liked last: as models are trained."""

    def __init__(self, snapshot: GraphSnapshot) -> None:
        events = snapshot.interactions
        self._histories, order = liked_histories(events, snapshot.n_users, snapshot.n_items)
        self._kind = events.kind[order]

    def when(self, user: int) -> TimeArray:
        """The first, middle and last time of a user's events, as `Histories.when`."""
        return np.asarray(self._histories.when[user], np.float64)

    def of(self, user: int) -> dict[int, int]:
        """Item -> kind of interaction, oldest first."""
        own = slice(self._histories.starts[user], self._histories.starts[user + 1])
        return dict(zip(self._histories.items[own].tolist(), self._kind[own].tolist(), strict=True))


def best(scores: FloatArray, allowed: BoolArray, k: int) -> list[int]:
    """The `k` allowed positions with the highest scores, best first; ties stand as in `tie_order`."""
    order = tie_order(len(scores))
    order = order[allowed[order]]
    if k < len(order):  # most are far from the best: they need no sorting
        least = -np.partition(-scores[order], k - 1)[k - 1]
        order = order[scores[order] >= least]
    found = order[np.argsort(-scores[order], kind="stable")[:k]]
    return [int(n) for n in found]


def _parts(scored: Scores, items: Sequence[int]) -> list[dict[str, float]]:
    """What each scorer contributed to each item, the largest first; who contributed nothing is left out."""
    parts = scored.parts(_numbers(items))
    made_of = [{name: float(values[row]) for name, values in parts.items()} for row in range(len(items))]
    return [
        {
            name: round(x, 6)
            for name, x in sorted(own.items(), key=lambda p: (-abs(p[1]), p[0]))
            if round(x, 6)
        }
        for own in made_of
    ]


def _numbers(values: Iterable[int]) -> IntArray:
    return np.array(list(values), np.int64)
