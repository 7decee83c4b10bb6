"""Gradient-boosted trees that rank candidates by their features."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np

from embeddings.data.files import Array
from embeddings.data.threads import in_parallel
from embeddings.ranking.compiled_trees import MAX_LEAVES, CompiledTrees
from embeddings.ranking.features import score_features
from embeddings.ranking.groups import RankingGroup
from kg.graph import FloatArray

Objective = Literal["lambdarank", "binary"]


@dataclass(frozen=True)
class BoosterConfig:
    """Gradient-boosted trees by LightGBM: LambdaMART (Burges 2010), and log loss, whose errors differ."""

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
    binning_rows: int = 50_000
    """The bounds of the bins are found on this many candidates."""
    calibration_rows: int = 20_000
    """The deviation of a booster's scores is measured on this many of its training rows."""
    without_context_features: bool = False
    """Whether the trees see nothing but scores and their ranks: no counts, no times, no content."""

    def __post_init__(self) -> None:
        """Refuse trees that cannot be compiled.

        Raises:
            ValueError: `leaves` is more than 64.
        """
        if self.leaves > MAX_LEAVES:
            raise ValueError(f"leaves is {self.leaves}; there may be at most {MAX_LEAVES}")


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
        config: BoosterConfig,
        seed: int,
    ) -> Self:
        """Learn to rank relevant candidates first; without any relevant one there are no boosters."""
        groups = [group for group in groups if len(group.relevant)]
        if not objectives or not any(group.relevant.any() for group in groups):
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

        def learn(n: int) -> tuple[str, float]:
            params = _params(config, objectives[n], seed * len(objectives) + n)
            booster = lightgbm.train(params, data, config.rounds)
            deviation = booster.predict(sampled, raw_score=True, num_threads=1).std()
            return booster.model_to_string(), max(float(deviation), 1e-9)

        models, deviations = zip(*in_parallel(learn, range(len(objectives))), strict=True)
        return cls(models, tuple(deviations[0] / (own * len(models)) for own in deviations))

    @property
    def learnt(self) -> bool:
        """Whether any booster has a tree with more than one leaf, so that scores can differ."""
        return any(re.search(r"^num_leaves=(?!1$)", text, re.MULTILINE) for text in self.models)

    @cached_property
    def _boosters(self) -> list[Any]:
        import lightgbm

        return [lightgbm.Booster(model_str=text) for text in self.models]

    @cached_property
    def _trees(self) -> list[CompiledTrees]:
        return [CompiledTrees.of(text) for text in self.models]

    def score(self, values: FloatArray) -> FloatArray:
        """Scores of rows [n, features], float32 [n]."""
        total = np.zeros(len(values))
        for weight, trees in zip(self.weights, self._trees, strict=True):
            total += weight * trees.score(values)
        return total.astype(np.float32)

    def shapley_values(self, values: FloatArray) -> FloatArray:
        """Of the features, and the expected value last (Lundberg et al. 2020), float32 [n, features + 1]."""
        total = np.zeros((len(values), values.shape[1] + 1))
        if len(values):
            rows = values.astype(np.float64)
            for weight, booster in zip(self.weights, self._boosters, strict=True):
                total += weight * booster.predict(rows, num_threads=1, pred_contrib=True)
        return np.asarray(total, np.float32)

    def arrays(self) -> dict[str, Array]:
        """The boosters as plain arrays."""
        texts = {str(n): np.frombuffer(text.encode(), np.uint8) for n, text in enumerate(self.models)}
        return {"weights": np.array(self.weights), **texts}

    @classmethod
    def restore(cls, arrays: Mapping[str, Array]) -> Self:
        """The ensemble whose `arrays()` these are."""
        weights = tuple(arrays["weights"].tolist())
        return cls(tuple(arrays[str(n)].tobytes().decode() for n in range(len(weights))), weights)


def _params(config: BoosterConfig, objective: Objective, seed: int) -> dict[str, Any]:
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
        "bin_construct_sample_cnt": config.binning_rows,
        "num_threads": 1,  # sums over several threads depend on their number; boosters are learnt in parallel
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
