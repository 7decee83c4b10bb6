"""The second stage: gradient-boosted trees that rank candidates by all that the experts say of them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np

from embeddings.features import Sheet
from embeddings.files import Array
from kg.graph import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class RankerConfig:
    """LambdaMART (Burges 2010), by LightGBM."""

    rounds: int = 120
    forests: int = 2
    """As many models, each of a seed of its own, are averaged."""
    leaves: int = 12
    learning_rate: float = 0.08
    smallest_leaf: int = 60
    l2: float = 5.0
    truncation: int = 30
    features: float = 0.4
    """Share of the features a tree may use."""
    rows: float = 0.7
    bins: int = 63
    consensus: float = 0.5
    """How much of the experts' mean is added to the trees' score."""
    promotion: float = 0.0
    """The prior for new items: added to the score of an item that nobody has met yet, in the trees' unit.
    More finds more of what is new and loses some of what is known; see docs/evaluation.md."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """One asker's candidates a query, and which of them the asker went on to like."""

    values: FloatArray
    """[rows, features]"""
    wanted: BoolArray
    """[rows]"""
    sizes: IntArray
    """Rows a query."""


@dataclass(frozen=True, eq=False)
class Ranker:
    """Fitted trees."""

    features: tuple[str, ...]
    trees: tuple[str, ...]
    """LightGBM's text form, one a forest."""
    consensus: float
    promotion: float

    @classmethod
    def fit(
        cls, features: Sequence[str], lessons: Sequence[Lesson], config: RankerConfig, seed: int = 0
    ) -> Self:
        """Learn from what was hidden; without anything wanted there are no trees and the consensus ranks."""
        if not any(lesson.wanted.any() for lesson in lessons):
            return cls(tuple(features), (), config.consensus, config.promotion)
        import lightgbm

        values = np.concatenate([lesson.values for lesson in lessons])
        wanted = np.concatenate([lesson.wanted for lesson in lessons]).astype(np.float32)
        sizes = np.concatenate([lesson.sizes for lesson in lessons])
        data = lightgbm.Dataset(
            values,
            wanted,
            group=sizes,
            feature_name=list(features),
            params=_params(config, seed),
            free_raw_data=True,
        ).construct()
        trees = []
        for n in range(config.forests):
            params = _params(config, seed * config.forests + n)
            trees.append(lightgbm.train(params, data, config.rounds).model_to_string())
        return cls(tuple(features), tuple(trees), config.consensus, config.promotion)

    @cached_property
    def _boosters(self) -> list[Any]:
        import lightgbm

        return [lightgbm.Booster(model_str=text) for text in self.trees]

    def score(self, sheet: Sheet) -> FloatArray:
        """Float32 [b, c], -inf where there is no candidate."""
        b, c, f = sheet.values.shape
        rows = sheet.values.reshape(b * c, f).astype(np.float64)
        total = np.zeros(b * c)
        for booster in self._boosters:
            total += booster.predict(rows, num_threads=1) / len(self.trees)
        rank = total.reshape(b, c) + self.consensus * _own_consensus(sheet)
        rank += self.promotion * sheet.values[:, :, self.features.index("new")]
        return np.where(sheet.items >= 0, rank, -np.inf).astype(np.float32)

    def contributions(self, page: Sheet, places: IntArray, voices: Sequence[str]) -> dict[str, FloatArray]:
        """What each voice adds to the scores of some candidates of a sheet of one asker, float32 [places].

        Shapley values of the trees (Lundberg et al. 2020), summed over a voice's features.
        """
        rows = page.values[0, places].astype(np.float64)
        agreed = self.consensus * _own_consensus(page)[0, places]
        promoted = self.promotion * page.values[0, places, self.features.index("new")]
        parts = {"consensus": agreed, "prior": promoted.astype(np.float32)}
        for booster in self._boosters:
            shares = booster.predict(rows, num_threads=1, pred_contrib=True) / len(self.trees)
            for name, column in zip((*self.features, "prior"), shares.T, strict=True):
                own = name.removesuffix(".rank")
                key = own if own in parts or own in voices else "prior"
                parts[key] = parts.get(key, np.zeros(len(places), np.float32)) + column.astype(np.float32)
        return parts

    def arrays(self) -> dict[str, Array]:
        """All that was learnt."""
        texts = {f"trees.{n}": np.frombuffer(text.encode(), np.uint8) for n, text in enumerate(self.trees)}
        names = np.frombuffer("\n".join(self.features).encode(), np.uint8)
        return {**texts, "features": names, "extra": np.array([self.consensus, self.promotion])}

    @classmethod
    def restore(cls, arrays: Mapping[str, Array]) -> Self:
        """The ranker whose `arrays()` these are."""
        texts = [
            arrays[f"trees.{n}"].tobytes().decode()
            for n in range(sum(k.startswith("trees.") for k in arrays))
        ]
        names = arrays["features"].tobytes().decode().split("\n")
        return cls(tuple(names), tuple(texts), *map(float, arrays["extra"]))


def _own_consensus(sheet: Sheet) -> FloatArray:
    return np.take_along_axis(sheet.consensus, np.maximum(sheet.items, 0), 1)


def _params(config: RankerConfig, seed: int) -> dict[str, Any]:
    return {
        "objective": "lambdarank",
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
