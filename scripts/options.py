"""Options that `trailmix train` and `trailmix evaluate` share: which parts the model is made of."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from embeddings.graph.configs import KgeModel

if TYPE_CHECKING:
    from embeddings.training.config import TrainingConfig

KgeOption = Annotated[
    KgeModel | None, typer.Option("--kge", help="The knowledge-graph embedding. None: complex.")
]
ModelScorerOption = Annotated[
    list[str] | None,
    typer.Option(
        "--scorer",
        help="A scorer of the model's ensemble; may be repeated. default: those without this option; "
        "all: every one.",
    ),
]


def training_config(kge: KgeModel | None, experts: Sequence[str] | None) -> "TrainingConfig":
    """The defaults, but for what was asked for; scorers stand in the ensemble's own order.

    Raises:
        UsageError: an scorer is unknown.
    """
    from dataclasses import replace

    from embeddings.candidates.specs import DEFAULT_SCORERS, SCORER_SPECS, select_specs
    from embeddings.training.config import TrainingConfig
    from kg.errors import UsageError

    config = TrainingConfig()
    if kge:
        config = config.with_kge(kge)
    if not experts:
        return config
    groups = {"default": DEFAULT_SCORERS, "all": tuple(SCORER_SPECS)}
    wanted = {name for asked in experts for name in groups.get(asked, (asked,))}
    unknown = sorted(wanted - set(SCORER_SPECS))
    if unknown:
        raise UsageError(
            f"no scorer is called {unknown[0]!r}; there are {', '.join((*groups, *SCORER_SPECS))}"
        )
    chosen = replace(config, scorers=select_specs(sorted(wanted)))
    return chosen.with_kge(kge) if kge else chosen
