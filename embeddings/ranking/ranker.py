"""The second stage: ranks candidates by boosted trees and by a weighted sum of their scores."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import numpy as np

from embeddings.data.files import Array, part_of
from embeddings.data.threads import in_parallel
from embeddings.ranking.boosters import BoosterConfig, BoosterEnsemble, Objective
from embeddings.ranking.calibration import Calibration
from embeddings.ranking.features import BLENDED_SCORE, IS_NEW, LOG_RANK, CandidateFeatures
from embeddings.ranking.groups import RankerGroups, RankingGroup
from embeddings.ranking.linear import LinearConfig, LinearRanker
from kg.graph import BoolArray, FloatArray, IntArray

BASE_VALUE = "base_value"
"""The remainder of the Shapley values: what user and item alone give, without any score."""


@dataclass(frozen=True)
class RankerConfig:
    """Which rankers are fitted, and how."""

    min_queries: int = 100
    """With fewer held-out queries no trees are learnt: a weighted mean ranks better than trees of chance."""
    min_weight_queries: int = 10
    """With fewer the weights of that mean are fixed; with more they are shrunk to the fixed ones."""
    weight_penalties: tuple[float, ...] = (300.0, 100.0, 30.0, 10.0)
    """L2 penalties of these weights' distance from the fixed ones, which are divided by their sum, beside a
    loss that is summed over the queries. One of them, or infinity, is chosen by cross-validation."""
    all_items: tuple[Objective, ...] = ("lambdarank",)
    """One booster each, for known and new items together."""
    known_items: tuple[Objective, ...] = ("lambdarank", "binary")
    """One booster each, for known items alone; their scores are averaged on the scale of the first."""
    linear_share: float = 0.5
    """Share of the linear ranker in the scores of known items, and in those that order new items; the other
    part is the boosters'. Each is in its own standard deviation."""
    boosters: BoosterConfig = field(default_factory=BoosterConfig)
    linear: LinearConfig = field(default_factory=LinearConfig)


@dataclass(frozen=True, eq=False)
class KnownItemRanker:
    """Ranks known items by the weighted sum of a linear ranker and boosted trees."""

    linear: LinearRanker
    boosters: BoosterEnsemble
    linear_weight: float

    @classmethod
    def fit(
        cls,
        features: Sequence[str],
        groups: Sequence[RankingGroup],
        config: RankerConfig,
        prior: Mapping[str, float],
        seed: int,
    ) -> Self:
        """Learn from groups of known items; `prior` as for `LinearRanker.fit`."""
        linear = LinearRanker.fit(features, groups, config.linear, prior)
        objectives = config.known_items if config.linear_share < 1 else ()
        boosters = BoosterEnsemble.fit(features, groups, objectives, config.boosters, seed)
        if not boosters.models:
            return cls(linear, boosters, 1.0)
        deviation = _deviation(groups, boosters.score) / _deviation(
            groups, lambda values: linear.score(values, features)
        )
        return cls(linear, boosters, deviation * config.linear_share / (1 - config.linear_share))

    def score(self, values: FloatArray, features: Sequence[str]) -> FloatArray:
        """Scores of rows [n, features], float32 [n]."""
        linear = np.float32(self.linear_weight) * self.linear.score(values, features)
        return np.asarray(self.boosters.score(values) + linear, np.float32)

    def contributions(self, values: FloatArray, features: Sequence[str]) -> dict[str, FloatArray]:
        """What each feature adds to the scores of rows [n, features]: exact of the sum, Shapley of the trees.

        `BASE_VALUE` is the expected value of the trees.
        """
        found: dict[str, FloatArray] = {}
        if self.boosters.models:
            shapley = self.boosters.shapley_values(values)
            found = dict(zip((*features, BASE_VALUE), shapley.T, strict=True))
        linear = np.float32(self.linear_weight) * self.linear.contributions(values, features)
        for name, column in zip(self.linear.columns, linear.T, strict=True):
            found[name] = found[name] + column if name in found else column
        return found

    def arrays(self) -> dict[str, Array]:
        """The learnt values as plain arrays."""
        linear = {f"linear.{name}": values for name, values in self.linear.arrays().items()}
        boosters = {f"boosters.{name}": values for name, values in self.boosters.arrays().items()}
        return {**linear, **boosters, "linear_weight": np.array(self.linear_weight)}

    @classmethod
    def restore(cls, arrays: Mapping[str, Array]) -> Self:
        """The one whose `arrays()` these are."""
        linear = LinearRanker.restore(part_of(arrays, "linear"))
        boosters = BoosterEnsemble.restore(part_of(arrays, "boosters"))
        return cls(linear, boosters, float(arrays["linear_weight"]))


@dataclass(frozen=True, eq=False)
class Ranker:
    """Three rankings in one: of all candidates, and of the known and the new items among themselves.

    The first decides where new items stand, and what it knows of content it learnt mostly from known items,
    of which there are far more. Having to rank new items too makes it less accurate among known ones. So the
    known items are reranked within their positions by a ranker that was fitted on known items alone. There
    are two of these, since what comes next differs from what a user likes at any time. New items are reranked
    by the first ranking and a linear one together: trees recognise the few items that were hidden for them to
    learn from, by their content, and so rank other new items less well.
    """

    features: tuple[str, ...]
    all_items: BoosterEnsemble
    known_items: KnownItemRanker
    """Where items of any time are asked for."""
    next_items: KnownItemRanker
    """Where items that come after the history are asked for."""
    new_items: LinearRanker
    """Orders new items, together with `all_items`."""
    new_item_linear_weight: float
    """The weight of `new_items` beside `all_items`."""
    new_item_bias: float = 0.0
    """Added to the score of a new item where items of any time are asked for."""
    next_new_item_bias: float = 0.0
    """Added to it where items that come after the history are asked for."""
    shrunk_weights: Mapping[str, float] = field(default_factory=dict)
    """Where nothing was learnt: the weights of the score columns; empty: those of the specs."""
    calibration: Calibration = field(default_factory=lambda: Calibration({}))
    """From the scores to probabilities."""

    @classmethod
    def fit(
        cls,
        features: Sequence[str],
        groups: RankerGroups,
        config: RankerConfig,
        prior: Mapping[str, float],
        new_prior: Mapping[str, float],
        seed: int = 0,
    ) -> Self:
        """Learn from held-out queries; from fewer than `RankerConfig.min_queries` nothing is learnt.

        `prior` has a weight for every scorer, `new_prior` one for every score column, see `LinearRanker.fit`;
        the first is for known items.
        """
        names = tuple(features)
        nothing = cls.unfitted(names, prior)
        if min(map(_n_queries, (groups.all_items, groups.known_items))) < config.min_queries:
            return nothing
        own = [groups.known_items]
        if _n_queries(groups.next_items) >= config.min_queries:
            own.append(groups.next_items)
        fits: list[Callable[[], Any]] = [
            partial(BoosterEnsemble.fit, names, groups.all_items, config.all_items, config.boosters, seed),
            *(partial(KnownItemRanker.fit, names, some, config, prior, seed) for some in own),
        ]
        all_items, *fitted = in_parallel(lambda fit: fit(), fits)
        if not all_items.learnt:
            return nothing
        new = _linear_of_new_items(names, groups.all_items, config, new_prior, all_items)
        return cls(names, all_items, fitted[0], fitted[-1], *new)

    @classmethod
    def unfitted(cls, features: Sequence[str], prior: Mapping[str, float]) -> Self:
        """A ranker that learnt nothing."""
        boosters = BoosterEnsemble((), ())
        known = KnownItemRanker(LinearRanker.prior(prior), boosters, 1.0)
        return cls(tuple(features), boosters, known, known, known.linear, 0.0)

    @property
    def learnt(self) -> bool:
        """Whether it ranks at all; otherwise a weighted mean of scores has to."""
        return bool(self.all_items.models)

    def score(self, candidates: CandidateFeatures) -> FloatArray:
        """Float32 [b, c], -inf where there is no candidate."""
        valid = candidates.items >= 0
        new = valid & self.is_new(candidates)
        scores = np.full(valid.shape, -np.inf, np.float32)
        known_scores = self._of_known(candidates).score(candidates.values[valid & ~new], self.features)
        if not new.any():  # there is no position to decide between known and new items
            scores[valid] = known_scores
            return scores
        scores[valid] = self.all_items.score(candidates.values[valid])
        new_scores = scores[new] + self._linear_of_new(candidates.values[new])
        rerank_within(scores, valid & ~new, known_scores)
        rerank_within(scores, new, new_scores)
        bias = self.next_new_item_bias if candidates.ask_next else self.new_item_bias
        scores[new] += np.float32(bias)
        return scores

    def is_new(self, candidates: CandidateFeatures) -> BoolArray:
        """Which candidates are new items, bool [b, c]."""
        return self._column(candidates.values, IS_NEW) > 0

    def contributions(
        self, candidates: CandidateFeatures, places: IntArray, score_columns: Sequence[str]
    ) -> dict[str, FloatArray]:
        """What each score column adds to the scores of some candidates of one user, float32 [places] each.

        Summed over a column's features: those of the ranker of known items, or of the boosters of all items
        and the linear ranker for new ones. `BASE_VALUE` is the remainder, in which the position among all
        items is too.
        """
        values, scores = candidates.values[0, places], self.score(candidates)[0, places]
        new = self.is_new(candidates)[0, places]
        of_known = self._of_known(candidates).contributions(values[~new], self.features)
        shapley = self.all_items.shapley_values(values[new])
        of_new = dict(zip((*self.features, BASE_VALUE), shapley.T, strict=True))
        linear = np.float32(self.new_item_linear_weight) * self.new_items.contributions(
            values[new], self.features
        )
        of_new_linear = dict(zip(self.new_items.columns, linear.T, strict=True))
        found: dict[str, FloatArray] = {}
        for rows, parts in ((~new, of_known), (new, of_new), (new, of_new_linear)):
            for name, column in parts.items():
                own = name.removesuffix(LOG_RANK)
                key = own if own in score_columns or own == BLENDED_SCORE else BASE_VALUE
                found.setdefault(key, np.zeros(len(places), np.float32))[rows] += column
        attributed = sum((part for key, part in found.items() if key != BASE_VALUE), np.zeros_like(scores))
        return {**found, BASE_VALUE: np.asarray(scores - attributed, np.float32)}

    def _of_known(self, candidates: CandidateFeatures) -> KnownItemRanker:
        return self.next_items if candidates.ask_next else self.known_items

    def _linear_of_new(self, values: FloatArray) -> FloatArray:
        """The weighted scores of the linear ranker for rows of new items [n, features], float32 [n]."""
        return np.float32(self.new_item_linear_weight) * self.new_items.score(values, self.features)

    def _column(self, values: FloatArray, name: str) -> FloatArray:
        return np.asarray(values[..., self.features.index(name)])

    def arrays(self) -> dict[str, Array]:
        """The learnt values as plain arrays."""
        packed: dict[str, Array] = {
            "features": np.frombuffer("\n".join(self.features).encode(), np.uint8),
            "new_item_linear_weight": np.array(self.new_item_linear_weight),
            "new_item_biases": np.array([self.new_item_bias, self.next_new_item_bias]),
        }
        parts = {
            "all_items": self.all_items.arrays(),
            "known_items": self.known_items.arrays(),
            "new_items": self.new_items.arrays(),
            "calibration": self.calibration.arrays(),
        }
        if self.next_items is not self.known_items:
            parts["next_items"] = self.next_items.arrays()
        for part, own in parts.items():
            packed |= {f"{part}.{name}": values for name, values in own.items()}
        return packed | {f"shrunk_weights.{name}": np.array(x) for name, x in self.shrunk_weights.items()}

    @classmethod
    def restore(cls, arrays: Mapping[str, Array]) -> Self:
        """The ranker whose `arrays()` these are."""
        known = KnownItemRanker.restore(part_of(arrays, "known_items"))
        following = part_of(arrays, "next_items")
        return cls(
            tuple(arrays["features"].tobytes().decode().split("\n")),
            BoosterEnsemble.restore(part_of(arrays, "all_items")),
            known,
            KnownItemRanker.restore(following) if following else known,
            LinearRanker.restore(part_of(arrays, "new_items")),
            float(arrays["new_item_linear_weight"]),
            float(arrays["new_item_biases"][0]),
            float(arrays["new_item_biases"][1]),
            {name: float(x) for name, x in part_of(arrays, "shrunk_weights").items()},
            Calibration.restore(part_of(arrays, "calibration")),
        )


def _deviation(groups: Sequence[RankingGroup], score: Callable[[FloatArray], FloatArray]) -> float:
    """The standard deviation of scores within the queries."""
    squares, rows = 0.0, 0
    for group in groups:
        if len(group.sizes):
            scores, starts = score(group.values).astype(np.float64), np.cumsum(group.sizes) - group.sizes
            scores -= np.repeat(np.add.reduceat(scores, starts) / group.sizes, group.sizes)
            squares, rows = squares + float(scores @ scores), rows + len(scores)
    return max(float(np.sqrt(squares / max(rows, 1))), 1e-9)


def _linear_of_new_items(
    features: Sequence[str],
    groups: Sequence[RankingGroup],
    config: RankerConfig,
    prior: Mapping[str, float],
    boosters: BoosterEnsemble,
) -> tuple[LinearRanker, float]:
    """A linear ranker of the new items in groups, and its weight beside the boosters.

    The weight is 0 where no query has a relevant new item.
    """
    column = features.index(IS_NEW)
    own = [group.select_rows(group.values[:, column] > 0) for group in groups]
    linear = LinearRanker.fit(features, own, config.linear, prior)
    if not _n_queries(own):
        return linear, 0.0
    deviation = _deviation(own, boosters.score) / _deviation(own, lambda x: linear.score(x, features))
    return linear, deviation * config.linear_share / max(1 - config.linear_share, 1e-6)


def _n_queries(groups: Sequence[RankingGroup]) -> int:
    return sum(len(group.sizes) for group in groups)


def rerank_within(scores: FloatArray, group: BoolArray, group_scores: FloatArray) -> None:
    """Reorder the items of a group within the positions they have in each row, in place.

    The scores [b, c] of the group go, the highest first, to the items of the highest `group_scores`, which
    has one entry for each place where `group` [b, c] holds, row by row. Ties keep their order.
    """
    start = 0
    for own, some in zip(scores, group, strict=True):
        values = own[some]
        by = group_scores[start : start + len(values)]
        start += len(values)
        reranked = np.empty_like(values)
        reranked[np.lexsort((-values, -by))] = -np.sort(-values)
        own[some] = reranked
