"""Search for items and entities: names by their words, texts of items by meaning, in one ranking.

How well a name fits (`name_index`) and how well a text fits are taken as independent evidence that a node is
meant, 1 - (1 - name)(1 - text): a name that is the whole query stays on top, and a text adds to a name that
is only part of it. Ranks alone, as in reciprocal rank fusion (Cormack 2009), would put the nearest of texts
that all are far away beside the one name that fits. To this a little is added for what the user likes by the
model, or for what many like, which decides between hits of about equal relevance.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from embeddings.text.encoder import TextEncoder
from embeddings.text.names import fold_case, words
from kg.explanation.adjacency import FactAdjacency
from kg.graph import BoolArray, Float64Array, FloatArray, IntArray
from service.contract import RecommendRequest, Remark
from service.found.contract import SearchMatch, SearchRequest
from service.found.labels import first_of_groups
from service.found.name_index import NameHit, NameIndex
from service.language import foreign_language, is_readable, unread_words
from service.query_context import QueryContext
from service.request_reader import Lookups, read_request

_PREFERENCE = 0.1
"""The most that preference or popularity adds to a relevance from 0 to 1."""
_LEAST_COSINE = 0.2
"""The cosine of a text and a query from which on a text is evidence."""
_COSINES = 0.5
"""So much above it the evidence is full."""
_MOST_BY_TEXT = 0.7
"""The highest score of a text."""
_TEXTS_KEPT = 1_000
"""So many texts of queries are kept with their vectors."""
_SCORE_DECIMALS = 4


@dataclass(frozen=True)
class Hit:
    """A found node."""

    node: int
    score: float
    matches: list[SearchMatch]


ScoreText = Callable[[FloatArray], FloatArray | None]
"""From the unit vector of a text to its cosines with the items' texts, as `Model.score_text`."""
ScoreItems = Callable[[QueryContext], FloatArray]
"""From what is known of a user to the scores of all items."""


class Search:
    """Searches one snapshot; safe to share between threads."""

    def __init__(
        self,
        lookups: Lookups,
        facts: FactAdjacency,
        encoder: TextEncoder,
        score_text: ScoreText,
        score_items: ScoreItems,
    ) -> None:
        """Names are indexed at the first search."""
        self._lookups, self._facts, self._encoder = lookups, facts, encoder
        self._score_text, self._score_items = score_text, score_items
        self._encoded = lru_cache(_TEXTS_KEPT)(lambda text: encoder.encode([text])[0])

    def find(
        self, request: SearchRequest, allowed_items: BoolArray | None = None
    ) -> tuple[list[Hit], list[Remark]]:
        """The best hits, best first, and remarks on the request.

        `allowed_items`, bool [n_items], leaves out all other items, and all entities.
        """
        warnings: list[Remark] = []
        allowed = self._allowed(request.label, allowed_items)
        limit = max(3 * request.k, 100)
        names = {hit.node: hit for hit in self._names.search(request.q, limit, allowed)}
        texts = self._texts(request.q, warnings)
        by_text = _best(np.where(allowed[: len(texts)], texts, 0), limit)
        nodes = np.array(sorted({*names, *by_text.tolist()}), np.int64)
        value = self._values(request.user_id, warnings)
        preference = self._preference(nodes, value)
        hits = [
            _hit(node, names.get(node), float(texts[node]) if node < len(texts) else 0.0, extra)
            for node, extra in zip(nodes.tolist(), preference.tolist(), strict=True)
        ]
        hits.sort(key=lambda hit: (-hit.score, hit.node))
        kept = first_of_groups([hit.node for hit in hits], self._lookups.snapshot.item_group)
        return [hits[n] for n in kept[: request.k]], warnings

    def warm_up(self) -> None:
        """Index the names now."""
        _ = self._names

    @cached_property
    def _names(self) -> NameIndex:
        snapshot = self._lookups.snapshot
        return NameIndex(snapshot.names[: snapshot.first_user])

    @cached_property
    def _likes(self) -> FloatArray:
        """How many users liked each item, float32 [n_items]."""
        snapshot = self._lookups.snapshot
        return np.bincount(snapshot.liked.indices, minlength=snapshot.n_items).astype(np.float32)

    def _allowed(self, labels: Sequence[str], allowed_items: BoolArray | None) -> BoolArray:
        """The nodes that may be hits, bool [items and entities]."""
        snapshot = self._lookups.snapshot
        found = np.full(snapshot.first_user, not labels and allowed_items is None)
        for label in labels or [snapshot.items.label]:
            start = snapshot.offsets[label]
            if start == 0 or allowed_items is None:
                found[start : start + len(snapshot.vocabulary(label))] = True
        if allowed_items is not None:
            found[: snapshot.n_items] &= allowed_items
        if self._lookups.deleted_items is not None:
            found[: snapshot.n_items] &= ~self._lookups.deleted_items
        return found

    def _texts(self, query: str, warnings: list[Remark]) -> FloatArray:
        """How well the text of each item fits, from 0 to `_MOST_BY_TEXT`, float32 [n_items or 0]."""
        none = np.zeros(0, np.float32)
        found = words(query, fold_case)
        scripts = self._encoder.scripts
        if language := foreign_language(found, scripts):
            detail = f"the text encoder does not know {language}; only names are searched"
            warnings.append(Remark(pointer="/q", detail=detail))
            return none
        unread = unread_words(found, scripts)
        kept = [word for word in found if word not in unread]
        if not is_readable(kept):
            return none
        cosines = self._score_text(self._encoded(" ".join(x.text for x in kept) if unread else query))
        if cosines is None:
            return none
        return np.asarray(_MOST_BY_TEXT * np.clip((cosines - _LEAST_COSINE) / _COSINES, 0, 1), np.float32)

    def _values(self, user_id: str | None, warnings: list[Remark]) -> FloatArray:
        """What the items are worth to a user, or to all, at least 0, float32 [n_items]."""
        if user_id is None:
            return self._likes
        context = read_request(RecommendRequest(user_id=user_id), self._lookups)
        warnings += context.warnings
        if context.is_empty():
            return self._likes
        scores = self._score_items(context)
        return np.asarray(np.maximum(scores - scores.mean(), 0), np.float32)

    def _preference(self, nodes: IntArray, value: FloatArray) -> Float64Array:
        """From 0 to 1, by rank among the items and among the entities; an entity has the sum of its items."""
        entries, owner = self._facts.rows(nodes)
        other = self._facts.neighbour[entries]
        to_item = other < len(value)
        worth = np.bincount(owner[to_item], value[other[to_item]], len(nodes)).astype(np.float64)
        items = nodes < len(value)
        worth[items] = value[nodes[items]]
        found = np.zeros(len(nodes))
        for own in (items, ~items):
            found[own] = _ranks(worth[own])
        return found


def _hit(node: int, name: NameHit | None, text: float, preference: float) -> Hit:
    matches = []
    if name:
        score = round(name.score, _SCORE_DECIMALS)
        matches.append(SearchMatch(by="name", score=score, words=dict(name.words)))
    if text:
        matches.append(SearchMatch(by="text", score=round(text, _SCORE_DECIMALS), words={}))
    relevance = 1 - (1 - (name.score if name else 0)) * (1 - text)
    score = (relevance + _PREFERENCE * preference) / (1 + _PREFERENCE)
    return Hit(node, round(score, _SCORE_DECIMALS), sorted(matches, key=lambda match: -match.score))


def _best(values: FloatArray, limit: int) -> IntArray:
    """The places of the highest values above 0; ties by place."""
    found = np.flatnonzero(values > 0)
    return found[np.argsort(-values[found], kind="stable")[:limit]]


def _ranks(values: Float64Array) -> Float64Array:
    """The share of the others that each value is above, equal ones counting half; .5 where all are equal."""
    if len(values) < 2:
        return np.full(len(values), 0.5)
    ordered = np.sort(values)
    below = np.searchsorted(ordered, values, "left") + np.searchsorted(ordered, values, "right") - 1
    return np.asarray(below / 2 / (len(values) - 1))
