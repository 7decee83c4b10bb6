"""Options that `trailmix train` and `trailmix evaluate` share: which parts the model is made of."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from embeddings.configs import KgeModel

if TYPE_CHECKING:
    from embeddings.fusion import TrainingConfig

KgeOption = Annotated[
    KgeModel | None, typer.Option("--kge", help="The knowledge-graph embedding. None: complex.")
]
ExpertOption = Annotated[
    list[str] | None,
    typer.Option(
        "--expert",
        help="An expert of the model's panel; may be repeated. default: those there are without this option; "
        "all: every one.",
    ),
]


def training_config(kge: KgeModel | None, experts: Sequence[str] | None) -> "TrainingConfig":
    """The defaults, but for what was asked for; experts stand in the panel's own order.

    Raises:
        UsageError: an expert is unknown.
    """
    from dataclasses import replace

    from embeddings.fusion import TrainingConfig
    from embeddings.panel import DEFAULT_EXPERTS, EXPERTS
    from kg.errors import UsageError

    config = TrainingConfig()
    if kge:
        config = replace(config, kge=replace(config.kge, model=kge))
    if not experts:
        return config
    groups = {"default": DEFAULT_EXPERTS, "all": tuple(EXPERTS)}
    wanted = {name for asked in experts for name in groups.get(asked, (asked,))}
    unknown = sorted(wanted - set(EXPERTS))
    if unknown:
        raise UsageError(f"no expert is called {unknown[0]!r}; there are {', '.join((*groups, *EXPERTS))}")
    return replace(config, experts=tuple(name for name in EXPERTS if name in wanted))
