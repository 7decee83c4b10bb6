"""Options that commands share: which protocol is measured, and which parts the model is made of."""

from collections.abc import Sequence
from typing import Annotated

import typer

from embeddings.candidates.specs import DEFAULT_SCORERS, SCORER_SPECS, select_specs
from embeddings.evaluation.protocols import PROTOCOLS
from embeddings.graph.configs import KgeModel
from embeddings.training.config import TrainingConfig
from kg.errors import UsageError

ProtocolOption = Annotated[
    str,
    typer.Option("--protocol", help=f"What a benchmark folder holds out: {', '.join(PROTOCOLS)}, or all."),
]

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
    groups = {"default": DEFAULT_SCORERS, "all": tuple(SCORER_SPECS)}
    wanted = {name for asked in scorers or ("default",) for name in groups.get(asked, (asked,))}
    unknown = sorted(wanted - set(SCORER_SPECS))
    if unknown:
        known = ", ".join((*groups, *SCORER_SPECS))
        raise UsageError(f"no scorer is called {unknown[0]!r}; there are {known}")
    config = TrainingConfig(scorers=select_specs(sorted(wanted)))
    return config.with_kge(kge) if kge else config
