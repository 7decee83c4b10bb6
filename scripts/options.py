"""Options that `trailmix train` and `trailmix evaluate` share: which parts the model is made of."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from embeddings.graph.configs import KgeModel

if TYPE_CHECKING:
    from embeddings.training.fit import TrainingConfig

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

    from embeddings.candidates.ensemble import DEFAULT_SCORERS, SCORER_SPECS
    from embeddings.training.fit import TrainingConfig
    from kg.errors import UsageError

    config = TrainingConfig()
    if kge:
        config = replace(config, kge=replace(config.kge, model=kge))
    if not experts:
        return config
    groups = {"default": DEFAULT_SCORERS, "all": tuple(SCORER_SPECS)}
    wanted = {name for asked in experts for name in groups.get(asked, (asked,))}
    unknown = sorted(wanted - set(SCORER_SPECS))
    if unknown:
        raise UsageError(
            f"no scorer is called {unknown[0]!r}; there are {', '.join((*groups, *SCORER_SPECS))}"
        )
    return replace(config, experts=tuple(name for name in SCORER_SPECS if name in wanted))
