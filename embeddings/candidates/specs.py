"""Which scorers a model may be made of: one `ScorerSpec` each, in one table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from embeddings.data.cold_items import METHODS
from embeddings.data.dataset import Dataset
from embeddings.data.spectral import SpectralConfig
from embeddings.graph.configs import GnnConfig, KgeConfig
from embeddings.scorers.als import Als, AlsConfig
from embeddings.scorers.base import Scorer
from embeddings.scorers.content import Text, TextConfig
from embeddings.scorers.cooccurrence import Cooccurrence, CooccurrenceConfig
from embeddings.scorers.ease import Ease, EaseConfig
from embeddings.scorers.graph import Gnn, Kge
from embeddings.scorers.neighbours import ItemKnn, ItemKnnConfig, UserKnn, UserKnnConfig
from embeddings.scorers.popularity import Popularity, PopularityConfig
from embeddings.scorers.profile import Profile, ProfileConfig
from embeddings.scorers.random_walk import Rp3Beta, Rp3BetaConfig
from embeddings.scorers.svd import GraphFilter, Svd
from embeddings.scorers.time_popularity import TimePopularity, TimePopularityConfig
from kg.errors import UsageError
from kg.progress import Report, silent


@dataclass(frozen=True)
class ScorerSpec:
    """A scorer of an ensemble: its configuration, and its part in the selection of candidates."""

    scorer: type[Scorer[Any]]
    config: Any
    known_item_weight: float = 0.0
    """Weight of its score where candidates are selected among items that have interactions."""
    new_item_weight: float = 0.0
    """Weight of its score where candidates are selected among new items."""
    extrapolated: bool = False
    """Whether its scores are also extrapolated to new items by content."""
    ridge_weight: float = 0.0
    """Weight of the score extrapolated by ridge regression, among new items."""
    knn_weight: float = 0.0
    """Weight of the score extrapolated by content neighbours, among new items."""
    fixed_weight: float = 0.0
    """Weight of its score in the ranking by fixed weights, where no ranker could be learnt."""
    fixed_ridge_weight: float = 0.0
    """Weight of the score extrapolated by ridge regression in that ranking."""

    def __post_init__(self) -> None:
        """Refuse weights of scores that do not exist.

        Raises:
            ValueError: a weight of an extrapolated score, and the scorer is not extrapolated.
        """
        if (self.ridge_weight or self.knn_weight or self.fixed_ridge_weight) and not self.extrapolated:
            raise ValueError(
                f"{self.scorer.name}: ridge_weight, knn_weight and fixed_ridge_weight need extrapolated=True"
            )

    def fit(self, dataset: Dataset, seed: int, report: Report = silent) -> Scorer[Any]:
        """The scorer, fitted with this configuration."""
        return self.scorer.fit(dataset, self.config, seed, report)

    def pretrain(
        self, dataset: Dataset, seed: int, report: Report = silent
    ) -> Callable[[Dataset], Scorer[Any]] | None:
        """As `Scorer.pretrain`, with this configuration."""
        return self.scorer.pretrain(dataset, self.config, seed, report)


SCORER_SPECS: Mapping[str, ScorerSpec] = {
    "popularity": ScorerSpec(
        Popularity,
        PopularityConfig(),
        0.5,
        extrapolated=True,
        ridge_weight=0.5,
        fixed_weight=0.5,
        fixed_ridge_weight=0.25,
    ),
    "ease": ScorerSpec(
        Ease, EaseConfig(), 1.0, extrapolated=True, ridge_weight=1.0, knn_weight=1.0, fixed_weight=1.0
    ),
    "ease_strong": ScorerSpec(Ease, EaseConfig(1000.0), 1.0, extrapolated=True, ridge_weight=1.0),
    "ease_normalized": ScorerSpec(Ease, EaseConfig(60.0, degree_penalty=0.3, length_power=-0.5), 1.0),
    "als": ScorerSpec(Als, AlsConfig(factors=64, iterations=8), 1.0),
    "als_32": ScorerSpec(Als, AlsConfig(factors=32, weight=20.0)),
    "als_16": ScorerSpec(Als, AlsConfig(factors=16, weight=5.0)),
    "svd": ScorerSpec(Svd, SpectralConfig()),
    "graph_filter": ScorerSpec(GraphFilter, SpectralConfig(32, 0.5, 0.0), 1.0),
    "item_knn": ScorerSpec(ItemKnn, ItemKnnConfig(), 1.0),
    "rp3beta": ScorerSpec(Rp3Beta, Rp3BetaConfig()),
    "user_knn": ScorerSpec(UserKnn, UserKnnConfig(), 1.0),
    "time_popularity": ScorerSpec(TimePopularity, TimePopularityConfig(), 0.5),
    "time_popularity_narrow": ScorerSpec(TimePopularity, TimePopularityConfig(6)),
    "time_knn": ScorerSpec(TimePopularity, TimePopularityConfig(60, 80)),
    "cooccurrence_next": ScorerSpec(Cooccurrence, CooccurrenceConfig(1)),
    "cooccurrence": ScorerSpec(Cooccurrence, CooccurrenceConfig(), 0.5, extrapolated=True, ridge_weight=1.0),
    "text": ScorerSpec(Text, TextConfig(), new_item_weight=0.5, fixed_weight=1.0),
    "facts": ScorerSpec(Profile, ProfileConfig("facts", 0.3), new_item_weight=0.5, fixed_weight=1.0),
    "profile": ScorerSpec(Profile, ProfileConfig(), new_item_weight=1.0, fixed_weight=1.0),
    "kge": ScorerSpec(Kge, KgeConfig()),
    "gnn": ScorerSpec(Gnn, GnnConfig(), new_item_weight=2.0),
}
"""All scorers that an ensemble may have, by their names in a model; columns stand in this order."""

DEFAULT_SCORERS = tuple(SCORER_SPECS)
"""The scorers of the default model."""

SCORERS: Mapping[str, type[Scorer[Any]]] = {spec.scorer.name: spec.scorer for spec in SCORER_SPECS.values()}
"""The scorers themselves, by their own names."""


def select_specs(names: Sequence[str], configs: Mapping[str, Any] | None = None) -> dict[str, ScorerSpec]:
    """The specs of some scorers, in the table's order, with other configurations for some of them.

    Raises:
        UsageError: there is no such scorer, or a configuration is for one that is not among them.
    """
    for name in (*names, *(configs or {})):
        if name not in SCORER_SPECS:
            raise UsageError(
                f"no scorer of the model is called {name!r}; there are {', '.join(SCORER_SPECS)}"
            )
    for name in configs or {}:
        if name not in names:
            raise UsageError(f"a configuration for {name!r}, which is not among the model's scorers")
    chosen = {name: spec for name, spec in SCORER_SPECS.items() if name in names}
    return {
        name: ScorerSpec(**{**vars(spec), "config": (configs or {}).get(name, spec.config)})
        for name, spec in chosen.items()
    }


def known_item_weights(specs: Mapping[str, ScorerSpec]) -> dict[str, float]:
    """Weights of the score columns that select candidates among known items; those of weight 0 left out."""
    return {name: spec.known_item_weight for name, spec in specs.items() if spec.known_item_weight}


def new_item_weights(specs: Mapping[str, ScorerSpec]) -> dict[str, float]:
    """Weights of the score columns that select candidates among new items; those of weight 0 left out."""
    weights = {name: spec.new_item_weight for name, spec in specs.items()}
    for name, spec in specs.items():
        for method, weight in zip(METHODS, (spec.ridge_weight, spec.knn_weight), strict=True):
            weights[f"{name}_{method}"] = weight
    return {name: weight for name, weight in weights.items() if weight}


def fixed_weights(specs: Mapping[str, ScorerSpec]) -> dict[str, float]:
    """Weights of the score columns that rank where no ranker could be learnt; those of weight 0 left out.

    Where no scorer has one, all scorers weigh the same.
    """
    ridge = METHODS[0]
    weights = {name: spec.fixed_weight for name, spec in specs.items()}
    weights |= {f"{name}_{ridge}": spec.fixed_ridge_weight for name, spec in specs.items()}
    return {name: weight for name, weight in weights.items() if weight} or dict.fromkeys(specs, 1.0)
