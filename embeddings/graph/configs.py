"""Configurations of the models that torch trains, in a module that serving reads without importing torch."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from embeddings.data.spectral import SpectralConfig

KgeModel = Literal["transe", "distmult", "complex", "rotate"]


@dataclass(frozen=True)
class KgeConfig:
    """Model, size and training of a knowledge-graph embedding."""

    model: KgeModel = "complex"
    embedding_dim: int = 64
    """Width of an entity vector; even for complex and rotate, which store real | imaginary parts."""
    epochs: int = 2
    batch_size: int = 8192
    learning_rate: float = 0.05
    negatives: int = 128
    """Negative tails per fact; if there are no more entities than that, all are used (1-N scoring)."""
    facts_sharing_negatives: int = 32
    """Number of facts of a batch that share their negatives, which are scored by one matrix product. This is
    as accurate as negatives for each fact; if a whole batch shares them, MRR is 10 to 20 % lower."""
    regularisation: float = 0.02
    """Weight of the nuclear 3-norm of the vectors in a batch; only bilinear models use it."""


@dataclass(frozen=True)
class GnnConfig:
    """Inputs, training and sizes of the graph network."""

    vectors: SpectralConfig = field(default_factory=lambda: SpectralConfig(factors=64))
    """The vectors of items that have likes."""
    steps: int = 25
    """Steps of Adam: few, since training starts from closed forms."""
    learning_rate: float = 0.002
    """Falls linearly to 0, as does the next."""
    temperature_learning_rate: float = 0.05
    views: int = 4
    """How many graphs with hidden items the steps take turns at."""
    hide_items: float = 0.3
    """Share of the items that a view hides with all their likes."""
    short: float = 0.1
    """Share of the histories that are truncated to 1..5 events."""
    dropout: float = 0.1
    """Share of the items whose text, and of those whose facts, are masked in a step."""
    min_items: int = 20
    """With fewer items to hide nothing is learnt, and the initial weights serve."""
    max_items: int = 4096
    """Hidden items of a view that are ranked at most."""
    max_users: int = 2048
    """Users of a view at most."""
    stated_entities: int = 3
    """Liked entities of a user at most, in training on stated likes."""
    kge: KgeConfig | None = field(default_factory=KgeConfig)
    """The knowledge-graph embedding at the input; None: no embedding."""


def kge_of(config: Any) -> KgeConfig | None:
    """The KGE configuration within a scorer's configuration; None if it has none."""
    if isinstance(config, KgeConfig):
        return config
    return config.kge if isinstance(config, GnnConfig) else None


def with_kge(config: Any, model: KgeModel) -> Any:
    """A scorer's configuration with another KGE model; unchanged if it has no KGE configuration."""
    if isinstance(config, KgeConfig):
        return replace(config, model=model)
    if isinstance(config, GnnConfig) and config.kge is not None:
        return replace(config, kge=replace(config.kge, model=model))
    return config
