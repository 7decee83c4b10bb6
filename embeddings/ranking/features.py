"""The features of candidates: one function for training the ranker and for serving."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Self

import numpy as np

from embeddings.candidates.ensemble import ScorerEnsemble, score_columns
from embeddings.candidates.select import CandidateConfig, Candidates, select_candidates
from embeddings.candidates.specs import ScorerSpec
from embeddings.data.added_items import AddedItems
from embeddings.data.dataset import Dataset, Histories, TimeArray
from embeddings.data.files import Array
from embeddings.data.vectors import unit_rows
from kg.compiled import compiled
from kg.graph import NO_TIME, BoolArray, FloatArray, IntArray, NodeArray

IS_NEW = "is_new"
BLENDED_SCORE = "blended_score"
LOG_RANK = ".log_rank"
"""A score column's suffix: log(1 + the candidate's place among those of its group)."""

ITEM_FEATURES = (IS_NEW, "log_degree", "log_facts", "has_text")
USER_FEATURES = ("log_history_length", "user_time", "user_time_span", "mean_log_degree_of_history")
CROSS_FEATURES = (
    "log_degree_less_mean_of_history",
    "user_time_less_first_like",
    "last_like_less_user_time",
    "distance_of_median_like_from_user_time",
    "first_like_less_last_of_history",
    "last_like_less_first_of_history",
)
CONTENT_FEATURES = ("max_text_cosine", "mean_text_cosine", "max_facts_cosine", "mean_facts_cosine")
"""The largest cosine, and the mean of the largest, of a candidate with the items of the history."""


@dataclass(frozen=True)
class FeatureConfig:
    """How candidates are described."""

    time_quantiles: int = 513
    """Times are measured as shares of all events, by this many quantiles."""
    nearest_liked: int = 3
    """The mean cosine is that of this many items of the history, the most similar ones."""
    max_history: int = 100
    """This many last items of a history are compared with each candidate."""


@dataclass(frozen=True, eq=False)
class ItemFeatures:
    """What the ranker knows of the items of a dataset."""

    log_degree: FloatArray
    """log(1 + users who liked the item) [n_items]."""
    log_facts: FloatArray
    """log(1 + facts) [n_items]."""
    has_text: FloatArray
    """1 or 0 [n_items]."""
    has_interactions: FloatArray
    """1 or 0 [n_items]: whether any user has any event with the item; items without are new."""
    like_times: FloatArray
    """First, median and last time of the item's likes, as shares of all events, NaN: unknown [3, n_items]."""
    time_quantiles: TimeArray
    """Quantiles of the times of all likes, epoch seconds; empty where no time is known."""
    text_vectors: FloatArray
    """Unit rows [n_items, d]; zeros where there is no text."""
    fact_vectors: FloatArray
    """Unit rows [n_items, d]; zeros where there are no facts."""

    @classmethod
    def of(cls, dataset: Dataset, config: FeatureConfig) -> Self:
        """Computed from the events and the content of a dataset."""
        liked = dataset.events.select(dataset.events.liked)
        timed = liked.select(liked.time != NO_TIME)
        shares = np.linspace(0, 1, config.time_quantiles)
        quantiles = np.quantile(timed.time, shares) if len(timed) else np.zeros(0)
        order = np.lexsort((timed.time, timed.item))
        items, times = timed.item[order], _time_share(timed.time[order].astype(np.float64), quantiles)
        counts = np.bincount(items, minlength=dataset.n_items)
        starts, has_time = np.cumsum(counts) - counts, counts > 0
        like_times = np.full((3, dataset.n_items), np.nan, np.float32)
        for row, place in enumerate((starts, starts + counts // 2, starts + counts - 1)):
            like_times[row, has_time] = times[place[has_time]]
        return cls(
            log_degree=np.log1p(dataset.degrees).astype(np.float32),
            log_facts=np.log1p(dataset.content.fact_counts).astype(np.float32),
            has_text=dataset.has_text.astype(np.float32),
            has_interactions=dataset.has_interactions.astype(np.float32),
            like_times=like_times,
            time_quantiles=quantiles,
            text_vectors=dataset.content.text,
            fact_vectors=dataset.content.fact_vectors,
        )

    def with_items(self, added: AddedItems, log_facts: FloatArray) -> Self:
        """These with items that came after training; `log_facts` are those of `added.items` [m]."""
        like_times = np.full((3, added.n_items), np.nan, np.float32)
        like_times[:, : added.n_old] = self.like_times
        return replace(
            self,
            log_degree=added.with_zeros(self.log_degree),
            log_facts=added.with_rows(self.log_facts, log_facts),
            has_text=added.with_rows(self.has_text, np.asarray(added.text.any(axis=1), np.float32)),
            has_interactions=added.with_zeros(self.has_interactions),
            like_times=like_times,
            text_vectors=added.with_rows(self.text_vectors, added.text),
            fact_vectors=added.with_rows(self.fact_vectors, unit_rows(added.facts)),
        )

    @cached_property
    def known(self) -> BoolArray:
        """Whether the item has any interaction, bool [n_items]; the others are new."""
        return self.has_interactions > 0

    def arrays(self) -> dict[str, Array]:
        """The values as plain arrays."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def restore(cls, arrays: Mapping[str, Array]) -> Self:
        """The one whose `arrays()` these are."""
        return cls(**{field.name: arrays[field.name] for field in fields(cls)})


@dataclass(frozen=True, eq=False)
class CandidateFeatures:
    """The candidates of some users and their features."""

    items: IntArray
    """Item numbers, int64 [b, c], the known ones first; -1 where there are fewer."""
    values: FloatArray
    """float32 [b, c, features], NaN where unknown; named by `feature_names`."""
    blended_score: FloatArray
    """As `Candidates.blended_score`, for all items, float32 [b, n_items]."""
    n_known: int
    """How many of the columns are for known items; the others are for new items."""
    ask_next: bool = True
    """As `Histories.ask_next`."""


def feature_names(score_columns: Sequence[str]) -> tuple[str, ...]:
    """The features in order; a score column has two, `name` and `name.log_rank`."""
    scores = (*score_columns, BLENDED_SCORE)
    ranks = tuple(f"{name}{LOG_RANK}" for name in scores)
    return (*scores, *ranks, *ITEM_FEATURES, *USER_FEATURES, *CROSS_FEATURES, *CONTENT_FEATURES)


def score_features(features: Sequence[str]) -> BoolArray:
    """Which features are a score column or its rank, bool [features]."""
    return np.array([name.endswith(LOG_RANK) or f"{name}{LOG_RANK}" in features for name in features])


def extrapolated_features(features: Sequence[str], specs: Mapping[str, ScorerSpec]) -> BoolArray:
    """Which features are an extrapolated score or its rank, bool [features]."""
    columns = score_columns(specs)[len(specs) :]
    return np.array([name.removesuffix(LOG_RANK) in columns for name in features])


def candidate_features(
    histories: Histories,
    ensemble: ScorerEnsemble,
    items: ItemFeatures,
    candidate_config: CandidateConfig,
    config: FeatureConfig,
    excluded: BoolArray | None = None,
    allowed: BoolArray | None = None,
    factors: Mapping[str, float] | None = None,
) -> CandidateFeatures:
    """Select candidates and compute their features; the last three are as for `select_candidates`.

    A candidate has the same features whatever other items are allowed.
    """
    found = select_candidates(histories, ensemble, candidate_config, excluded, allowed, factors)
    values = np.concatenate(
        [
            found.scores,
            _log_ranks(found),
            _context_features(histories, found.items, items),
            _content_features(histories, found.items, items, config),
        ]
    )
    by_candidate = np.ascontiguousarray(values.transpose(1, 2, 0), np.float32)
    return CandidateFeatures(
        found.items, by_candidate, found.blended_score, found.n_known, histories.ask_next
    )


def _log_ranks(candidates: Candidates) -> FloatArray:
    """log(1 + place) of each candidate among those of its group by each score [v, b, c]; the best has 0.

    Where only some items are allowed, the place is that among the unrestricted candidates.
    """
    if candidates.unrestricted is not None:
        return _log_ranks_among(candidates, candidates.unrestricted)
    return np.concatenate([_log_ranks_of_group(scores) for scores in _groups(candidates)], axis=2)


def _groups(candidates: Candidates) -> list[FloatArray]:
    """The scores of the known and of the new candidates, -inf for empty places, which take no rank."""
    valid = np.where(candidates.items >= 0, candidates.scores, -np.inf)
    return np.split(valid, [candidates.n_known], axis=2)


def _log_ranks_among(candidates: Candidates, others: Candidates) -> FloatArray:
    """The places of candidates among others; one that is not among them stands after those of equal score."""
    places = [
        np.where(np.isnan(own), among.shape[2], (among[..., None, :] >= own[..., None]).sum(axis=-1))
        for own, among in zip(_groups(candidates), _groups(others), strict=True)
    ]
    ranks = np.log1p(np.concatenate(places, axis=2).astype(np.float32))
    of_others = _log_ranks(others)
    for row, (own, among) in enumerate(zip(candidates.items, others.items, strict=True)):
        _, at, place = np.intersect1d(np.where(own < 0, -2, own), among, return_indices=True)
        ranks[:, row, at] = of_others[:, row, place]
    return ranks


def _log_ranks_of_group(scores: FloatArray) -> FloatArray:
    order = np.argsort(-scores, axis=-1, kind="stable")
    ranks = np.empty(scores.shape, np.float32)
    places = np.broadcast_to(np.log1p(np.arange(scores.shape[-1], dtype=np.float32)), scores.shape)
    np.put_along_axis(ranks, order, places, axis=-1)
    return ranks


def _context_features(histories: Histories, candidates: IntArray, items: ItemFeatures) -> FloatArray:
    """ITEM_FEATURES, USER_FEATURES and CROSS_FEATURES [features, b, c]; times as shares of all likes."""
    times = np.stack([_time_share(column, items.time_quantiles) for column in histories.times.T])
    n_features = len(ITEM_FEATURES) + len(USER_FEATURES) + len(CROSS_FEATURES)
    found = np.empty((n_features, *candidates.shape), np.float32)
    matrix = histories.matrix
    lengths = histories.lengths.astype(np.float32)
    _fill_context(
        *(candidates, items.log_degree, items.log_facts, items.has_text, items.known, items.like_times),
        *(times, lengths, np.log1p(lengths), matrix.indptr, matrix.indices, found),
    )
    return found


@compiled
def _fill_context(
    candidates: IntArray,
    log_degree: FloatArray,
    log_facts: FloatArray,
    has_text: FloatArray,
    known: BoolArray,
    like_times: FloatArray,
    times: FloatArray,
    lengths: FloatArray,
    log_lengths: FloatArray,
    starts: NodeArray,
    liked: NodeArray,
    found: FloatArray,
) -> None:
    for row in range(len(candidates)):
        first, now, last = times[0, row], times[1, row], times[2, row]
        total = np.float32(0)
        for entry in range(starts[row], starts[row + 1]):
            total += log_degree[liked[entry]]
        mean_degree = total / lengths[row]  # NaN without a history
        for place in range(candidates.shape[1]):
            item, own = candidates[row, place], found[:, row, place]
            own[0], own[1], own[2], own[3] = (
                not known[item],
                log_degree[item],
                log_facts[item],
                has_text[item],
            )
            own[4], own[5], own[6], own[7] = log_lengths[row], now, last - first, mean_degree
            first_like, median_like, last_like = like_times[0, item], like_times[1, item], like_times[2, item]
            own[8], own[9], own[10] = log_degree[item] - mean_degree, now - first_like, last_like - now
            own[11], own[12], own[13] = abs(now - median_like), first_like - last, last_like - first


def _content_features(
    histories: Histories, candidates: IntArray, items: ItemFeatures, config: FeatureConfig
) -> FloatArray:
    """CONTENT_FEATURES [features, b, c]; NaN for users without a history."""
    found = np.full((len(CONTENT_FEATURES), *candidates.shape), np.nan, np.float32)
    for row, own in enumerate(candidates):
        liked = histories[row][-config.max_history :]
        if not len(liked):
            continue
        count = min(config.nearest_liked, len(liked))
        for n, vectors in enumerate((items.text_vectors, items.fact_vectors)):
            nearest = np.partition(vectors[liked] @ vectors[own].T, -count, axis=0)[-count:]
            found[2 * n, row], found[2 * n + 1, row] = nearest.max(axis=0), nearest.mean(axis=0)
    return found


def _time_share(times: TimeArray, quantiles: TimeArray) -> FloatArray:
    """The share of all likes that came before each time; NaN where that is unknown."""
    if not len(quantiles):
        return np.full(len(times), np.nan, np.float32)
    return np.asarray(np.interp(times, quantiles, np.linspace(0, 1, len(quantiles))), np.float32)
