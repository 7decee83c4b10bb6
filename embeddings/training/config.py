"""The configuration of a training: everything that decides which model comes out of a dataset and a seed."""

from dataclasses import dataclass, field, replace

from embeddings.data.cold_items import ColdItemConfig
from embeddings.data.item_features import ContentConfig
from embeddings.graph.configs import KgeModel, kge_of, with_kge
from embeddings.model.config import ModelConfig
from embeddings.ranking.calibration import CalibrationConfig
from embeddings.ranking.ranker import RankerConfig
from embeddings.training.holdout import HoldoutConfig
from embeddings.training.new_item_share import NewItemShareConfig
from kg.errors import UsageError


@dataclass(frozen=True)
class GroupConfig:
    """Which candidates of a holdout query the ranker learns from."""

    first_known: int = 80
    """This many first known items are always kept."""
    first_new: int = 20
    """This many first new items are always kept."""
    keep: float = 0.6
    """Share of the other candidates that is kept, drawn at random whether relevant or not."""


@dataclass(frozen=True)
class NewItemBiasConfig:
    """How the bias of new items is learnt."""

    bias: float | None = None
    """The bias itself, in the unit of the ranker's scores; None: learnt. A higher one finds more new items
    and loses known ones; see docs/evaluation.md."""
    lowest: float = -3.0
    highest: float = 1.0
    step: float = 0.125
    """The biases that are tried: from `lowest` to `highest`."""
    k: int = 20
    """The bias is chosen by NDCG@k."""
    given_up_gain: float = 0.05
    """This share of what new items add to NDCG@k in holdouts is given up for the sake of known items, 0..1:
    the bias is the lowest that gives up no more. See docs/evaluation.md for what it buys."""
    simulated_holdouts: int = 2
    """How many holdouts hide items in the proportion that is estimated of new ones."""
    last_shares: tuple[float, ...] = (0.1, 0.2)
    """The share of each user's events, the last ones, that each holdout of what comes next hides."""
    max_new_items: float = 0.3
    """At most this share of the items is hidden in them."""
    new_item_share: NewItemShareConfig = field(default_factory=NewItemShareConfig)


@dataclass(frozen=True)
class TrainingConfig(ModelConfig):
    """Every setting of a model. The defaults need no tuning.

    Raises:
        UsageError: two scorers have different knowledge-graph embeddings.
    """

    content: ContentConfig = field(default_factory=ContentConfig)
    cold_items: ColdItemConfig = field(default_factory=ColdItemConfig)
    ranker: RankerConfig = field(default_factory=RankerConfig)
    holdout: HoldoutConfig = field(default_factory=HoldoutConfig)
    groups: GroupConfig = field(default_factory=GroupConfig)
    new_item_bias: NewItemBiasConfig = field(default_factory=NewItemBiasConfig)
    calibration: CalibrationConfig = field(default_factory=CalibrationConfig)

    def __post_init__(self) -> None:
        """Refuse two knowledge-graph embeddings in one model."""
        found = {name: kge_of(spec.config) for name, spec in self.scorers.items() if kge_of(spec.config)}
        if len(set(found.values())) > 1:
            listed = "; ".join(f"{name}: {config}" for name, config in found.items())
            raise UsageError(f"a model has one knowledge-graph embedding, not several: {listed}")

    def with_kge(self, model: KgeModel) -> "TrainingConfig":
        """The same with another embedding model in every scorer that has one."""
        specs = {name: replace(x, config=with_kge(x.config, model)) for name, x in self.scorers.items()}
        return replace(self, scorers=specs)
