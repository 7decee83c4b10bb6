"""The second stage: gradient-boosted trees that rank candidates by all that the scorers say of them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np

from embeddings.data.files import Array
from embeddings.ranking.features import CandidateFeatures
from kg.graph import BoolArray, FloatArray, IntArray

SAMPLED = 20_000
"""The scale of a forest's scores is read off so many rows of its ranking group."""

Objective = Literal["lambdarank", "binary"]


@dataclass(frozen=True)
class RankerConfig:
    """Gradient-boosted trees, by LightGBM: LambdaMART (Burges 2010), and log loss, which errs elsewhere."""

    of_all: tuple[Objective, ...] = ("lambdarank",)
    of_known: tuple[Objective, ...] = ("lambdarank", "binary")
    """One forest each; their scores are averaged on the scale of the first."""
    rounds: int = 120
    leaves: int = 12
    learning_rate: float = 0.08
    smallest_leaf: int = 60
    l2: float = 5.0
    truncation: int = 20
    features: float = 0.25
    """Share of the features a tree may use."""
    rows: float = 0.7
    bins: int = 63
    without_context_features: bool = False
    """Whether the trees see only what the scorers say: no counts, no times, nothing of content."""


@dataclass(frozen=True, eq=False)
class RankingGroup:
    """Some users' candidates, and which of them the users went on to like."""

    values: FloatArray
    """[rows, features]"""
    wanted: BoolArray
    """[rows]"""
    sizes: IntArray
    """Rows a query, one query an user."""


@dataclass(frozen=True, eq=False)
class BoosterEnsemble:
    """Forests whose weighted sum is a score."""

    texts: tuple[str, ...]
    """LightGBM's text form, one a forest; none: every score is 0."""
    weights: tuple[float, ...]

    @classmethod
    def fit(
        cls,
        features: Sequence[str],
        groups: Sequence[RankingGroup],
        objectives: Sequence[Objective],
        config: RankerConfig,
        seed: int,
    ) -> Self:
        """Learn to rank what was wanted first; without anything wanted there are no trees."""
        groups = [group for group in groups if len(group.wanted)]
        if not any(group.wanted.any() for group in groups):
            return cls((), ())
        import lightgbm

        values = [group.values for group in groups]
        if config.without_context_features:
            values = [np.where(of_voices(features), own, np.float32(0)) for own in values]
        data = lightgbm.Dataset(
            values,
            np.concatenate([group.wanted for group in groups]).astype(np.float32),
            group=np.concatenate([group.sizes for group in groups]),
            feature_name=list(features),
            params=_params(config, objectives[0], seed),
            free_raw_data=True,
        ).construct()
        step = max(1, sum(map(len, values)) // SAMPLED)
        some = np.concatenate([own[::step] for own in values]).astype(np.float64)
        texts, spreads = [], []
        for n, objective in enumerate(objectives):
            params = _params(config, objective, seed * len(objectives) + n)
            forest = lightgbm.train(params, data, config.rounds)
            texts.append(forest.model_to_string())
            spreads.append(max(float(forest.predict(some, raw_score=True).std()), 1e-9))
        return cls(tuple(texts), tuple(spreads[0] / (own * len(spreads)) for own in spreads))

    @cached_property
    def _boosters(self) -> list[Any]:
        import lightgbm

        return [lightgbm.Booster(model_str=text) for text in self.texts]

    def score(self, values: FloatArray) -> FloatArray:
        """Of rows [n, features], float32 [n]."""
        return self._sum(values, np.zeros(len(values)), raw_score=True)

    def shares(self, values: FloatArray) -> FloatArray:
        """Shapley values (Lundberg et al. 2020) of the features and a constant, float32 [n, features + 1]."""
        return self._sum(values, np.zeros((len(values), values.shape[1] + 1)), pred_contrib=True)

    def _sum(self, values: FloatArray, total: Any, **kind: bool) -> FloatArray:
        if len(values):
            rows = values.astype(np.float64)
            for weight, booster in zip(self.weights, self._boosters, strict=True):
                total += weight * booster.predict(rows, num_threads=1, **kind)
        return np.asarray(total, np.float32)


@dataclass(frozen=True, eq=False)
class Ranker:
    """Two rankings in one: of all candidates, and of the known ones among themselves.

    The first says where new items belong, and what it knows of content it learnt mostly from known items,
    of which there are far more. But having to find new items as well costs it sharpness among the known; so
    the places it gives to known items are dealt out again, by trees that learnt from these alone.
    """

    features: tuple[str, ...]
    of_known: BoosterEnsemble
    of_all: BoosterEnsemble
    new_item_bias: float = 0.0
    """The prior for new items: added to the score of an item that nobody has met yet."""

    @classmethod
    def fit(
        cls, features: Sequence[str], groups: list[RankingGroup], config: RankerConfig, seed: int = 0
    ) -> Self:
        """Learn from what was hidden; without anything wanted there are no trees and the blended score ranks.

        The list is left with what the ranking groups say of known items, since there is no room for both.
        """
        names = tuple(features)
        of_all = BoosterEnsemble.fit(names, groups, config.of_all, config, seed)
        for n, group in enumerate(groups):
            groups[n] = _only(group, group.values[:, names.index("new")] == 0)
        return cls(names, BoosterEnsemble.fit(names, groups, config.of_known, config, seed), of_all)

    def score(self, candidate_features: CandidateFeatures) -> FloatArray:
        """Float32 [b, c], -inf where there is no candidate."""
        there = candidate_features.items >= 0
        new = there & (self._column(candidate_features.values, "new") > 0)
        rank = np.full(there.shape, -np.inf, np.float32)
        if not self.of_all.texts:
            rank[there] = self._column(candidate_features.values, "blended_score")[there]
            return rank
        of_known = self.of_known.score(candidate_features.values[there & ~new])
        if not new.any():  # nothing to find a place for among the known ones
            rank[there] = of_known
            return rank
        rank[there] = self.of_all.score(candidate_features.values[there])
        _deal_again(rank, there & ~new, of_known)
        rank[new] += np.float32(self.new_item_bias)
        return rank

    def contributions(
        self, candidate_features: CandidateFeatures, places: IntArray, score_columns: Sequence[str]
    ) -> dict[str, FloatArray]:
        """What each voice adds to the scores of some candidates of a sheet of one user, float32 [places].

        Shapley values, summed over a voice's features, of the trees that ranked a candidate among its like;
        "prior" is the rest: what user and item give without a voice, and the place of known items among all.
        """
        values, total = candidate_features.values[0, places], self.score(candidate_features)[0, places]
        if not self.of_all.texts:
            return {"blended_score": total}
        new = self._column(values, "new") > 0
        shares = np.empty((len(places), len(self.features) + 1), np.float32)
        shares[~new] = self.of_known.shares(values[~new])
        shares[new] = self.of_all.shares(values[new])
        parts: dict[str, FloatArray] = {}
        for name, column in zip(self.features, shares.T, strict=False):
            own = name.removesuffix(".rank")
            key = own if own in score_columns or own == "blended_score" else "base_value"
            parts[key] = parts.get(key, np.zeros(len(places), np.float32)) + column
        named = sum((part for key, part in parts.items() if key != "base_value"), np.zeros_like(total))
        return {**parts, "base_value": np.asarray(total - named, np.float32)}

    def _column(self, values: FloatArray, name: str) -> FloatArray:
        return np.asarray(values[..., self.features.index(name)])

    def arrays(self) -> dict[str, Array]:
        """All that was learnt."""
        packed: dict[str, Array] = {
            "features": np.frombuffer("\n".join(self.features).encode(), np.uint8),
            "promotion": np.array([self.new_item_bias]),
        }
        for kind, trees in (("known", self.of_known), ("all", self.of_all)):
            packed[f"{kind}.weights"] = np.array(trees.weights)
            for n, text in enumerate(trees.texts):
                packed[f"{kind}.{n}"] = np.frombuffer(text.encode(), np.uint8)
        return packed

    @classmethod
    def restore(cls, arrays: Mapping[str, Array]) -> Self:
        """The ranker whose `arrays()` these are."""

        def trees(kind: str) -> BoosterEnsemble:
            weights = tuple(arrays[f"{kind}.weights"].tolist())
            return BoosterEnsemble(
                tuple(arrays[f"{kind}.{n}"].tobytes().decode() for n in range(len(weights))), weights
            )

        names = arrays["features"].tobytes().decode().split("\n")
        return cls(tuple(names), trees("known"), trees("all"), float(arrays["promotion"][0]))


def of_voices(features: Sequence[str]) -> BoolArray:
    """Which features are what an scorer says, or its rank, bool [features]."""
    return np.array([name.endswith(".rank") or f"{name}.rank" in features for name in features])


def _deal_again(rank: FloatArray, among: BoolArray, order: FloatArray) -> None:
    """In each row the scores [b, c] of some places go, the highest first, to the highest of `order`.

    `order` has one entry for each place that is `among`, row by row; ties keep the order they had.
    """
    start = 0
    for own, some in zip(rank, among, strict=True):
        scores = own[some]
        by = order[start : start + len(scores)]
        start += len(scores)
        dealt = np.empty_like(scores)
        dealt[np.lexsort((-scores, -by))] = -np.sort(-scores)
        own[some] = dealt


def _only(group: RankingGroup, rows: BoolArray) -> RankingGroup:
    """Some rows of a ranking group, of those users for whom something among them was wanted."""
    user = np.repeat(np.arange(len(group.sizes)), group.sizes)
    found = np.bincount(user[rows & group.wanted], minlength=len(group.sizes)) > 0
    rows = rows & found[user]
    sizes = np.bincount(user[rows], minlength=len(group.sizes))
    return RankingGroup(group.values[rows], group.wanted[rows], sizes[sizes > 0])


def _params(config: RankerConfig, objective: Objective, seed: int) -> dict[str, Any]:
    return {
        "objective": objective,
        "num_leaves": config.leaves,
        "learning_rate": config.learning_rate,
        "min_data_in_leaf": config.smallest_leaf,
        "lambda_l2": config.l2,
        "lambdarank_truncation_level": config.truncation,
        "feature_fraction": config.features,
        "bagging_fraction": config.rows,
        "bagging_freq": 1,
        "max_bin": config.bins,
        "seed": seed,
        "num_threads": os.cpu_count() or 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
