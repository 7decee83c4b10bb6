"""PyKEEN's training of the same models (Ali et al. 2021), where that package is installed, to compare with.

The same facts in both directions, loss, negatives, batches and Adam; what was learnt becomes an `Embedding`,
so that one evaluation measures both.
"""

from typing import Any, Literal

import numpy as np
import torch

from embeddings.graph.configs import KgeConfig, KgeModel
from embeddings.graph.kge import Embedding
from kg.graph import FloatArray, Triples

Style = Literal["own", "plain"]
"""`own`: as PyKEEN's class initialises, constrains and regularises; `plain`: drawn as ours, and no more."""

_CLASSES: dict[KgeModel, str] = {
    "transe": "TransE",
    "distmult": "DistMult",
    "complex": "ComplEx",
    "rotate": "RotatE",
}


def train_with_pykeen(
    triples: Triples,
    n_entities: int,
    n_relations: int,
    config: KgeConfig,
    seed: int = 0,
    style: Style = "own",
) -> Embedding:
    """As `train_kge`, by PyKEEN; but negatives are drawn for each fact, not for a batch.

    Raises:
        ModuleNotFoundError: PyKEEN is not installed.
    """
    from pykeen.training import SLCWATrainingLoop
    from pykeen.triples import CoreTriplesFactory

    facts = torch.from_numpy(np.stack([triples.head, triples.relation, triples.tail], 1).astype(np.int64))
    factory = CoreTriplesFactory(facts, n_entities, n_relations, create_inverse_triples=True)
    model = _model(factory, config, seed, style)
    loop = SLCWATrainingLoop(
        model=model,
        triples_factory=factory,
        optimizer=torch.optim.Adam(model.get_grad_params(), lr=config.learning_rate),
        negative_sampler="basic",
        negative_sampler_kwargs={"num_negs_per_pos": config.negatives, "corruption_scheme": ("tail",)},
    )
    loop.train(factory, num_epochs=config.epochs, batch_size=config.batch_size, use_tqdm=False)
    return embedding_of(model, config.model)


def _model(factory: Any, config: KgeConfig, seed: int, style: Style) -> Any:
    import pykeen.models

    compound = config.model in ("complex", "rotate")
    options: dict[str, Any] = {
        "triples_factory": factory,
        "embedding_dim": config.embedding_dim // 2 if compound else config.embedding_dim,
        "loss": "crossentropy",
        "random_seed": seed,
    }
    if config.model == "transe":
        options["scoring_fct_norm"] = 2
    if style == "plain":
        options |= _plain(config)
    return getattr(pykeen.models, _CLASSES[config.model])(**options)


def _plain(config: KgeConfig) -> dict[str, Any]:
    def drawn(table: torch.Tensor) -> torch.Tensor:
        return torch.nn.init.normal_(table, std=config.embedding_dim**-0.5)

    options: dict[str, Any] = {"entity_initializer": drawn}
    if config.model != "rotate":
        options |= {"relation_initializer": drawn, "regularizer": None}
    if config.model in ("transe", "distmult"):
        options["entity_constrainer"] = None
    return options


def embedding_of(model: Any, name: KgeModel) -> Embedding:
    """PyKEEN's arrays as ours: its reverse relations stand beside each relation, ours after all of them."""
    with torch.no_grad():
        entities, relations = (
            part[0](indices=None).detach()
            for part in (model.entity_representations, model.relation_representations)
        )
    relations = torch.cat([relations[0::2], relations[1::2]])
    if name == "rotate":
        return Embedding(name, _real(entities), relations.angle().float().numpy())
    return Embedding(name, _real(entities), _real(relations))


def _real(table: torch.Tensor) -> FloatArray:
    parts = torch.cat([table.real, table.imag], -1) if table.is_complex() else table
    values: FloatArray = parts.float().numpy()
    return values
