"""What the ranker sees of each user and candidate: the same code for learning and for serving."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from embeddings.candidates.ensemble import KNOWN_ITEM_WEIGHTS, ScorerEnsemble, softly
from embeddings.data.dataset import Dataset, Histories, TimeArray
from embeddings.data.files import Array
from kg.graph import NO_TIME, BoolArray, FloatArray, IntArray

KNOWN, NEW = 128, 40
"""How many candidates an user has: of items that somebody liked, and of those nobody liked yet."""

QUANTILES = 513

NEAREST = 3
"""How many of a history's items are near enough to a candidate to speak for it."""
LATEST = 100
"""So many of a history's last items are compared with each candidate."""

NEW_ITEM_WEIGHTS: dict[str, float] = {
    **dict.fromkeys(("ease_ridge", "ease_knn", "ease_strong_ridge", "cooccurrence_ridge", "profile"), 1.0),
    **dict.fromkeys(("popularity_ridge", "text", "facts", "gnn"), 0.5),
}
"""How much each voice counts for the choice of candidates among items nobody liked yet."""

OF_ITEMS = ("new", "degree", "fact_count", "has_text")
OF_ASKERS = ("length", "asked", "span", "taste")
OF_BOTH = ("degree_of_taste", "since_first", "until_last", "from_middle", "first_of_mine", "last_of_mine")
OF_CONTENT = ("nearest_text", "near_text", "nearest_facts", "near_facts")
"""The largest cosine, and the mean of the NEAREST largest, of a candidate with what the user likes."""


@dataclass(frozen=True, eq=False)
class Items:
    """What is known of the items of a dataset."""

    degree: FloatArray
    """log(1 + users who liked it)."""
    facts: FloatArray
    """log(1 + facts)."""
    has_text: FloatArray
    has_interactions: FloatArray
    """Whether anybody has any event with it; the others are new."""
    seen: FloatArray
    """When it was liked first, in the middle and last, as shares of all events; NaN: unknown [3, n_items]."""
    clock: TimeArray
    """Quantiles of the times of all events, epoch seconds; empty where none is known."""
    text_vectors: FloatArray
    """Unit rows [n_items, d]; zeros for no text."""
    fact_vectors: FloatArray
    """Facts in their leading directions, unit rows [n_items, d]; zeros for no facts."""

    @classmethod
    def of(cls, dataset: Dataset) -> Self:
        """Of the events of a dataset."""
        liked = dataset.events.select(dataset.events.liked)
        timed = liked.select(liked.time != NO_TIME)
        clock = np.quantile(timed.time, np.linspace(0, 1, QUANTILES)) if len(timed) else np.zeros(0)
        order = np.lexsort((timed.time, timed.item))
        items, times = timed.item[order], _share(timed.time[order].astype(np.float64), clock)
        counts = np.bincount(items, minlength=dataset.n_items)
        starts, has_interactions = np.cumsum(counts) - counts, counts > 0
        seen = np.full((3, dataset.n_items), np.nan, np.float32)
        for row, place in enumerate((starts, starts + counts // 2, starts + counts - 1)):
            seen[row, has_interactions] = times[place[has_interactions]]
        return cls(
            np.log1p(dataset.degrees).astype(np.float32),
            np.log1p(np.diff(dataset.links.tocsc().indptr)).astype(np.float32),
            dataset.has_text.astype(np.float32),
            dataset.has_interactions.astype(np.float32),
            seen,
            clock,
            dataset.content.text,
            dataset.content.fact_directions,
        )

    @property
    def known(self) -> BoolArray:
        """Whether it is not new, bool [n_items]."""
        return self.has_interactions > 0

    def arrays(self) -> dict[str, Array]:
        """All of it."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def restore(cls, arrays: Mapping[str, Array]) -> Self:
        """The one whose `arrays()` these are."""
        return cls(**{field.name: arrays[field.name] for field in fields(cls)})


def _share(times: TimeArray, clock: TimeArray) -> FloatArray:
    """The share of all events that came before each time; NaN where that is unknown."""
    if not len(clock):
        return np.full(len(times), np.nan, np.float32)
    return np.asarray(np.interp(times, clock, np.linspace(0, 1, len(clock))), np.float32)


@dataclass(frozen=True, eq=False)
class CandidateFeatures:
    """Candidates and what is known of each."""

    items: IntArray
    """Item numbers, int64 [b, c], the known ones first; -1 where there are fewer."""
    values: FloatArray
    """[b, c, features], NaN where unknown."""
    blended_score: FloatArray
    """The weighted mean of the voices for all items, float32 [b, n_items]."""


def feature_names(score_columns: Sequence[str]) -> tuple[str, ...]:
    """The features in order; those of a voice are `name` and `name.rank`."""
    ranks = tuple(f"{name}.rank" for name in (*score_columns, "blended_score"))
    return (*score_columns, "blended_score", *ranks, *OF_ITEMS, *OF_ASKERS, *OF_BOTH, *OF_CONTENT)


def candidate_features(
    histories: Histories, panel: ScorerEnsemble, items: Items, excluded: BoolArray | None = None
) -> CandidateFeatures:
    """Ask the ensemble, choose candidates, and describe them.

    `excluded` items, bool [n_items], are no candidates, nor is what the user already likes.
    """
    said, known = panel.ask(histories), items.known
    softened = softly(said.whole)
    sources = softened[said.extrapolated]
    old, new = np.flatnonzero(known), np.flatnonzero(~known)
    content_weights = panel.extrapolator.content_weights(sources)
    of_new = np.concatenate([said.of_all(new), panel.extrapolator.to_all(sources, content_weights, new)])
    blended_score = _consensus(softened, said.names, KNOWN_ITEM_WEIGHTS)
    blended_score[:, new] = _consensus(softly(of_new), panel.score_columns, NEW_ITEM_WEIGHTS)
    open_to = blended_score.copy()
    open_to[:, excluded if excluded is not None else []] = -np.inf
    open_to[np.repeat(np.arange(len(histories)), histories.lengths), histories.items] = -np.inf
    first, second = _top(open_to, old, KNOWN), _top(open_to, new, NEW)
    place = np.zeros(len(known), np.int64)
    place[new] = np.arange(len(new))
    voiced = [
        np.concatenate([said.of_each(first), panel.extrapolator.to_each(sources, content_weights, first)]),
        _take(of_new, place[second]),
    ]
    candidates = np.concatenate([first, second], axis=1)
    blocks = []
    for group, own in zip((first, second), voiced, strict=True):
        both = np.concatenate([own, _take(blended_score[None], group)])
        blocks.append(np.concatenate([both, _log_ranks(both)]))
    values = np.concatenate(
        [
            np.concatenate(blocks, axis=2),
            _plain(histories, candidates, items),
            _near(histories, candidates, items),
        ]
    )
    return CandidateFeatures(
        candidates, np.ascontiguousarray(values.transpose(1, 2, 0), np.float32), blended_score
    )


def _consensus(said: FloatArray, names: Sequence[str], counts: Mapping[str, float]) -> FloatArray:
    """The weighted mean of the first voices [v, b, items], float32 [b, items]."""
    total, weight = np.zeros(said.shape[1:], np.float32), 1e-6
    if not any(name in counts for name in names):
        counts = dict.fromkeys(names, 1.0)
    for own, name in zip(said, names, strict=False):
        if name in counts:
            total += np.float32(counts[name]) * own
            weight += counts[name]
    return np.asarray(total / np.float32(weight), np.float32)


def _top(scores: FloatArray, among: IntArray, count: int) -> IntArray:
    """The best of some items, best first, int64 [b, <= count]; -1 in place of what is at -inf."""
    count = min(count, len(among))
    if not count:
        return np.zeros((len(scores), 0), np.int64)
    own = scores[:, among]
    best = np.argpartition(-own, count - 1, axis=1)[:, :count]
    values = np.take_along_axis(own, best, 1)
    order = np.lexsort((best, -values), axis=1)
    best, values = np.take_along_axis(best, order, 1), np.take_along_axis(values, order, 1)
    return np.where(np.isfinite(values), among[best], -1)


def _take(scores: FloatArray, items: IntArray) -> FloatArray:
    """[v, b, n_items] at items [b, c]: [v, b, c]."""
    rows = np.arange(len(items))[:, None]
    return scores[:, rows, items]


def _log_ranks(scores: FloatArray) -> FloatArray:
    """log(1 + place) of each candidate among those of its group, [v, b, c]; the best has place 0."""
    order = np.argsort(-scores, axis=-1, kind="stable")
    ranks = np.empty(scores.shape, np.float32)
    places = np.broadcast_to(np.log1p(np.arange(scores.shape[-1], dtype=np.float32)), scores.shape)
    np.put_along_axis(ranks, order, places, axis=-1)
    return ranks


def _plain(histories: Histories, candidates: IntArray, items: Items) -> FloatArray:
    """[OF_ITEMS + OF_ASKERS + OF_BOTH, b, c]"""
    first, now, last = (_share(column, items.clock)[:, None] for column in histories.when.T)
    length = histories.lengths[:, None].astype(np.float32)
    taste = (histories.matrix @ items.degree)[:, None] / np.maximum(length, 1)
    seen, degree = items.seen[:, candidates], items.degree[candidates]
    of_askers = (np.log1p(length), now, last - first, np.where(length > 0, taste, np.float32(np.nan)))
    columns = [
        *(~items.known[candidates], degree, items.facts[candidates], items.has_text[candidates]),
        *(np.broadcast_to(column, candidates.shape) for column in of_askers),
        *(degree - of_askers[-1], now - seen[0], seen[2] - now, np.abs(now - seen[1])),
        *(seen[0] - last, seen[2] - first),
    ]
    return np.stack(columns).astype(np.float32)


def _near(histories: Histories, candidates: IntArray, items: Items) -> FloatArray:
    """[OF_CONTENT, b, c]; NaN for users who like nothing yet."""
    found = np.full((len(OF_CONTENT), *candidates.shape), np.nan, np.float32)
    for row, own in enumerate(candidates):
        liked = histories[row][-LATEST:]
        if not len(liked):
            continue
        count = min(NEAREST, len(liked))
        for n, vectors in enumerate((items.text_vectors, items.fact_vectors)):
            nearest = np.partition(vectors[liked] @ vectors[own].T, -count, axis=0)[-count:]
            found[2 * n, row], found[2 * n + 1, row] = nearest.max(axis=0), nearest.mean(axis=0)
    return found
