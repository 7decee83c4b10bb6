"""The second stage: gradient-boosted trees that rank candidates by their features."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np

from embeddings.data.files import Array
from embeddings.ranking.features import BLENDED_SCORE, IS_NEW, LOG_RANK, CandidateFeatures, score_features
from kg.graph import BoolArray, FloatArray, IntArray

BASE_VALUE = "base_value"
"""The remainder of the Shapley values: what user and item alone give, without any score."""

Objective = Literal["lambdarank", "binary"]


@dataclass(frozen=True)
class RankerConfig:
    """Gradient-boosted trees by LightGBM: LambdaMART (Burges 2010), and log loss, whose errors differ."""

    min_queries: int = 100
    """With fewer held-out queries nothing is learnt: fixed weights rank better than trees of chance."""
    all_items: tuple[Objective, ...] = ("lambdarank",)
    """One booster each, for known and new items together."""
    known_items: tuple[Objective, ...] = ("lambdarank", "binary")
    """One booster each, for known items alone; their scores are averaged on the scale of the first."""
    rounds: int = 120
    """Trees a booster."""
    leaves: int = 12
    """Leaves a tree."""
    learning_rate: float = 0.08
    min_leaf_size: int = 60
    """Candidates a leaf has at least."""
    l2: float = 5.0
    """L2 penalty of the leaves' values."""
    truncation: int = 20
    """LambdaMART looks at pairs with one candidate among this many first places."""
    feature_fraction: float = 0.25
    """Share of the features that a tree may use."""
    row_fraction: float = 0.7
    """Share of the candidates that a tree is fitted on."""
    bins: int = 63
    """Bins that a feature's values are put into."""
    calibration_rows: int = 20_000
    """The deviation of a booster's scores is measured on this many of its training rows."""
    without_context_features: bool = False
    """Whether the trees see nothing but scores and their ranks: no counts, no times, no content."""


@dataclass(frozen=True, eq=False)
class RankingGroup:
    """Candidates of some users to learn from, one query a user."""

    values: FloatArray
    """[rows, features]"""
    relevant: BoolArray
    """Whether the user went on to like the candidate [rows]."""
    sizes: IntArray
    """Rows a query."""

    def select_rows(self, rows: BoolArray) -> "RankingGroup":
        """Some rows, of those queries that have a relevant one among them."""
        query = np.repeat(np.arange(len(self.sizes)), self.sizes)
        useful = np.bincount(query[rows & self.relevant], minlength=len(self.sizes)) > 0
        rows = rows & useful[query]
        sizes = np.bincount(query[rows], minlength=len(self.sizes))
        return RankingGroup(self.values[rows], self.relevant[rows], sizes[sizes > 0])


@dataclass(frozen=True, eq=False)
class BoosterEnsemble:
    """Boosters whose weighted sum is a score."""

    models: tuple[str, ...]
    """LightGBM's text form, one a booster; without any every score is 0."""
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
        """Learn to rank relevant candidates first; without any relevant one there are no boosters."""
        groups = [group for group in groups if len(group.relevant)]
        if not any(group.relevant.any() for group in groups):
            return cls((), ())
        import lightgbm

        values = [group.values for group in groups]
        if config.without_context_features:
            values = [np.where(score_features(features), own, np.float32(0)) for own in values]
        data = lightgbm.Dataset(
            values,
            np.concatenate([group.relevant for group in groups]).astype(np.float32),
            group=np.concatenate([group.sizes for group in groups]),
            feature_name=list(features),
            params=_params(config, objectives[0], seed),
            free_raw_data=True,
        ).construct()
        step = max(1, sum(map(len, values)) // config.calibration_rows)
        sampled = np.concatenate([own[::step] for own in values]).astype(np.float64)
        models, deviations = [], []
        for n, objective in enumerate(objectives):
            params = _params(config, objective, seed * len(objectives) + n)
            booster = lightgbm.train(params, data, config.rounds)
            models.append(booster.model_to_string())
            deviations.append(max(float(booster.predict(sampled, raw_score=True).std()), 1e-9))
        return cls(tuple(models), tuple(deviations[0] / (own * len(models)) for own in deviations))

    @property
    def learnt(self) -> bool:
        """Whether any booster has a tree with more than one leaf, so that scores can differ."""
        return any(re.search(r"^num_leaves=(?!1$)", text, re.MULTILINE) for text in self.models)

    @cached_property
    def _boosters(self) -> list[Any]:
        import lightgbm

        return [lightgbm.Booster(model_str=text) for text in self.models]

    def score(self, values: FloatArray) -> FloatArray:
        """Scores of rows [n, features], float32 [n]."""
        return self._sum(values, np.zeros(len(values)), raw_score=True)

    def shapley_values(self, values: FloatArray) -> FloatArray:
        """Of the features, and the expected value last (Lundberg et al. 2020), float32 [n, features + 1]."""
        return self._sum(values, np.zeros((len(values), values.shape[1] + 1)), pred_contrib=True)

    def _sum(self, values: FloatArray, total: Any, **kind: bool) -> FloatArray:
        if len(values):
            rows = values.astype(np.float64)
            for weight, booster in zip(self.weights, self._boosters, strict=True):
                total += weight * booster.predict(rows, num_threads=1, **kind)
        return np.asarray(total, np.float32)


@dataclass(frozen=True, eq=False)
class Ranker:
    """Two rankings in one: of all candidates, and of the known items among themselves.

    The first decides where new items stand, and what it knows of content it learnt mostly from known items,
    of which there are far more. Having to rank new items too makes it less accurate among known ones. So the
    known items are reranked within their positions by boosters that were fitted on known items alone.
    """

    features: tuple[str, ...]
    known_items: BoosterEnsemble
    all_items: BoosterEnsemble
    new_item_bias: float = 0.0
    """Added to the score of a new item."""

    @classmethod
    def fit(
        cls, features: Sequence[str], groups: list[RankingGroup], config: RankerConfig, seed: int = 0
    ) -> Self:
        """Learn from held-out queries; from fewer than `RankerConfig.min_queries` nothing is learnt.

        Afterwards the list holds the rows of known items alone, since memory does not hold both.
        """
        names = tuple(features)
        nothing = cls(names, BoosterEnsemble((), ()), BoosterEnsemble((), ()))
        if _n_queries(groups) < config.min_queries:
            return nothing
        all_items = BoosterEnsemble.fit(names, groups, config.all_items, config, seed)
        for n, group in enumerate(groups):
            groups[n] = group.select_rows(group.values[:, names.index(IS_NEW)] == 0)
        if _n_queries(groups) < config.min_queries:
            return nothing
        known_items = BoosterEnsemble.fit(names, groups, config.known_items, config, seed)
        return cls(names, known_items, all_items) if known_items.learnt and all_items.learnt else nothing

    @property
    def learnt(self) -> bool:
        """Whether it ranks at all; otherwise `fixed_weights` has to."""
        return bool(self.all_items.models)

    def score(self, candidates: CandidateFeatures) -> FloatArray:
        """Float32 [b, c], -inf where there is no candidate."""
        valid = candidates.items >= 0
        new = valid & self.is_new(candidates)
        scores = np.full(valid.shape, -np.inf, np.float32)
        known_scores = self.known_items.score(candidates.values[valid & ~new])
        if not new.any():  # there is no position to decide between known and new items
            scores[valid] = known_scores
            return scores
        scores[valid] = self.all_items.score(candidates.values[valid])
        rerank_known_items(scores, valid & ~new, known_scores)
        scores[new] += np.float32(self.new_item_bias)
        return scores

    def is_new(self, candidates: CandidateFeatures) -> BoolArray:
        """Which candidates are new items, bool [b, c]."""
        return self._column(candidates.values, IS_NEW) > 0

    def contributions(
        self, candidates: CandidateFeatures, places: IntArray, score_columns: Sequence[str]
    ) -> dict[str, FloatArray]:
        """What each score column adds to the scores of some candidates of one user, float32 [places] each.

        Shapley values, summed over a column's features, of the boosters that ranked the candidate among known
        or new items. `BASE_VALUE` is the remainder, in which the position of known items among all is too.
        """
        values, scores = candidates.values[0, places], self.score(candidates)[0, places]
        new = self.is_new(candidates)[0, places]
        shares = np.empty((len(places), len(self.features) + 1), np.float32)
        shares[~new] = self.known_items.shapley_values(values[~new])
        shares[new] = self.all_items.shapley_values(values[new])
        found: dict[str, FloatArray] = {}
        for name, column in zip(self.features, shares.T, strict=False):
            own = name.removesuffix(LOG_RANK)
            key = own if own in score_columns or own == BLENDED_SCORE else BASE_VALUE
            found[key] = found.get(key, np.zeros(len(places), np.float32)) + column
        attributed = sum((part for key, part in found.items() if key != BASE_VALUE), np.zeros_like(scores))
        return {**found, BASE_VALUE: np.asarray(scores - attributed, np.float32)}

    def _column(self, values: FloatArray, name: str) -> FloatArray:
        return np.asarray(values[..., self.features.index(name)])

    def arrays(self) -> dict[str, Array]:
        """The learnt values as plain arrays."""
        packed: dict[str, Array] = {
            "features": np.frombuffer("\n".join(self.features).encode(), np.uint8),
            "new_item_bias": np.array([self.new_item_bias]),
        }
        for kind, boosters in (("known_items", self.known_items), ("all_items", self.all_items)):
            packed[f"{kind}.weights"] = np.array(boosters.weights)
            for n, text in enumerate(boosters.models):
                packed[f"{kind}.{n}"] = np.frombuffer(text.encode(), np.uint8)
        return packed

    @classmethod
    def restore(cls, arrays: Mapping[str, Array]) -> Self:
        """The ranker whose `arrays()` these are."""

        def boosters(kind: str) -> BoosterEnsemble:
            weights = tuple(arrays[f"{kind}.weights"].tolist())
            models = (arrays[f"{kind}.{n}"].tobytes().decode() for n in range(len(weights)))
            return BoosterEnsemble(tuple(models), weights)

        names = arrays["features"].tobytes().decode().split("\n")
        bias = float(arrays["new_item_bias"][0])
        return cls(tuple(names), boosters("known_items"), boosters("all_items"), bias)


def _n_queries(groups: Sequence[RankingGroup]) -> int:
    return sum(len(group.sizes) for group in groups)


def rerank_known_items(scores: FloatArray, known: BoolArray, known_scores: FloatArray) -> None:
    """Reorder the known items of each row within the positions they have, in place.

    The scores [b, c] of the known items go, the highest first, to the items of the highest `known_scores`,
    which has one entry for each place where `known` [b, c] holds, row by row. Ties keep their order.
    """
    start = 0
    for own, some in zip(scores, known, strict=True):
        values = own[some]
        by = known_scores[start : start + len(values)]
        start += len(values)
        reranked = np.empty_like(values)
        reranked[np.lexsort((-values, -by))] = -np.sort(-values)
        own[some] = reranked


def _params(config: RankerConfig, objective: Objective, seed: int) -> dict[str, Any]:
    return {
        "objective": objective,
        "num_leaves": config.leaves,
        "learning_rate": config.learning_rate,
        "min_data_in_leaf": config.min_leaf_size,
        "lambda_l2": config.l2,
        "lambdarank_truncation_level": config.truncation,
        "feature_fraction": config.feature_fraction,
        "bagging_fraction": config.row_fraction,
        "bagging_freq": 1,
        "max_bin": config.bins,
        "seed": seed,
        "num_threads": os.cpu_count() or 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
