"""Options that commands share: which protocol is measured, and which parts the model is made of."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal

import typer

from embeddings.candidates.ensemble import DEFAULT_SCORERS, SCORER_SPECS
from embeddings.graph.configs import KgeModel
from embeddings.training.fit import TrainingConfig
from kg.errors import UsageError

Protocol = Literal["warm", "new_users_1", "new_users_3", "new_users_5", "new_items", "mixed", "all"]

KgeOption = Annotated[
    KgeModel | None, typer.Option("--kge", help="The knowledge-graph embedding. The default is complex.")
]
ModelScorerOption = Annotated[
    list[str] | None,
    typer.Option(
        "--model-scorer",
        help="A scorer of the model's ensemble; may be repeated. `default` stands for the scorers that the "
        "model has without this option, `all` for every scorer.",
    ),
]


def training_config(kge: KgeModel | None, scorers: Sequence[str] | None) -> TrainingConfig:
    """The default configuration with the embedding and the scorers asked for, in the ensemble's own order.

    Raises:
        UsageError: a scorer is unknown.
    """
    config = TrainingConfig()
    if kge:
        config = replace(config, kge=replace(config.kge, model=kge))
    if not scorers:
        return config
    groups = {"default": DEFAULT_SCORERS, "all": tuple(SCORER_SPECS)}
    wanted = {name for asked in scorers for name in groups.get(asked, (asked,))}
    unknown = sorted(wanted - set(SCORER_SPECS))
    if unknown:
        known = ", ".join((*groups, *SCORER_SPECS))
        raise UsageError(f"no scorer is called {unknown[0]!r}; there are {known}")
    return replace(config, experts=tuple(name for name in SCORER_SPECS if name in wanted))
