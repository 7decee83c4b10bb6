"""Configurations of what torch trains, kept apart so that serving can read them without loading torch."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

KgeModel = Literal["transe", "distmult", "complex", "rotate"]


@dataclass(frozen=True)
class KgeConfig:
    """What is learnt and for how long."""

    model: KgeModel = "complex"
    embedding_dim: int = 64
    """Real numbers an entity; even for complex and rotate, which read them as real | imaginary parts."""
    epochs: int = 3
    batch_size: int = 8192
    learning_rate: float = 0.05
    negatives: int = 256
    """Entities drawn to rank a true tail against; with no more entities than that, all (1-N scoring)."""
    facts_sharing_negatives: int = 32
    """This many facts of a batch share their drawn entities: one matrix product, and as accurate as entities
    drawn for each fact. When a whole batch shares them, MRR is 10 to 20 % lower."""
    regularisation: float = 0.02
    """Of what a batch touches, by the nuclear 3-norm; only for models that score by a product."""


@dataclass(frozen=True)
class GnnConfig:
    """Shape, training and how much is hidden."""

    embedding_dim: int = 64
    layers: int = 1
    epochs: int = 50
    learning_rate: float = 0.007
    weight_decay: float = 1e-5
    batch_size: int = 1024
    """Users a step."""
    sampled_items: int = 20_000
    """Items a softmax runs over; with more items than that, as many are drawn beside the targets."""
    hide_events: float = 0.4
    """Share of each history to be found."""
    short: float = 0.3
    """Share of histories cut to 1..5 events."""
    hide_items: float = 0.1
    """Share of items that are new: nothing learnt for them, and nobody has liked them yet."""
    hide_text: float = 0.1
    hide_facts: float = 0.1
    whole_graph_edges: int = 20_000_000
    """With more edges, each counted both ways, a step propagates over a drawn neighbourhood alone."""
    fan_out: int = 10
    """There, each node draws at most so many edges of each relation and of who liked what."""
    kge: KgeConfig | None = field(default_factory=KgeConfig)
    """The embedding at the input; None: no embedding."""


def kge_of(config: Any) -> KgeConfig | None:
    """The knowledge-graph embedding in a scorer's configuration, if it has one."""
    if isinstance(config, KgeConfig):
        return config
    return config.kge if isinstance(config, GnnConfig) else None


def with_kge(config: Any, model: KgeModel) -> Any:
    """A scorer's configuration with another embedding model, where it has one."""
    if isinstance(config, KgeConfig):
        return replace(config, model=model)
    if isinstance(config, GnnConfig) and config.kge is not None:
        return replace(config, kge=replace(config.kge, model=model))
    return config
