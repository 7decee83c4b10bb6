"""Configurations of the models that torch trains, in a module that serving reads without importing torch."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

KgeModel = Literal["transe", "distmult", "complex", "rotate"]


@dataclass(frozen=True)
class KgeConfig:
    """Model, size and training of a knowledge-graph embedding."""

    model: KgeModel = "complex"
    embedding_dim: int = 64
    """Width of an entity vector; even for complex and rotate, which store real | imaginary parts."""
    epochs: int = 3
    batch_size: int = 8192
    learning_rate: float = 0.05
    negatives: int = 256
    """Negative tails per fact; if there are no more entities than that, all are used (1-N scoring)."""
    facts_sharing_negatives: int = 32
    """Number of facts of a batch that share their negatives, which are scored by one matrix product. This is
    as accurate as negatives for each fact; if a whole batch shares them, MRR is 10 to 20 % lower."""
    regularisation: float = 0.02
    """Weight of the nuclear 3-norm of the vectors in a batch; only bilinear models use it."""


@dataclass(frozen=True)
class GnnConfig:
    """Size, training and masking of the graph network."""

    embedding_dim: int = 64
    layers: int = 1
    epochs: int = 50
    learning_rate: float = 0.007
    weight_decay: float = 1e-5
    batch_size: int = 1024
    """Users per step."""
    sampled_items: int = 20_000
    """Candidates of the softmax; if there are more items, this many are sampled beside the targets."""
    hide_events: float = 0.4
    """Share of each history that is masked and must be predicted."""
    short: float = 0.3
    """Share of the histories that are truncated to 1..5 events."""
    hide_items: float = 0.1
    """Share of items masked as new in a step: without id embedding, bias and likes."""
    hide_text: float = 0.1
    hide_facts: float = 0.1
    whole_graph_edges: int = 20_000_000
    """If the graph has more edges, counted in both directions, each step samples a neighbourhood."""
    fan_out: int = 10
    """Maximum number of edges of each relation, and of likes, sampled for a node of the neighbourhood."""
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
