"""Ablation: the model without one part, to measure the effect of the part on accuracy.

A variant maps a dataset and a configuration to a dataset and a configuration without the part. The model is
fitted again on these, so neither the data nor the scorers contain information from the part.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from embeddings.data.dataset import Dataset
from embeddings.evaluation.trials import OURS, Method, ModelScore
from embeddings.graph.configs import GnnConfig
from embeddings.training.config import TrainingConfig
from embeddings.training.fit import fit
from kg.errors import UsageError
from kg.progress import Report, silent

Variant = Callable[[Dataset, TrainingConfig], tuple[Dataset, TrainingConfig]]


def without_gnn(dataset: Dataset, config: TrainingConfig) -> tuple[Dataset, TrainingConfig]:
    """Remove the graph network."""
    return dataset, _without_scorer(config, "gnn")


def without_kge(dataset: Dataset, config: TrainingConfig) -> tuple[Dataset, TrainingConfig]:
    """Remove the knowledge-graph embedding, both as a scorer and as input of the graph network."""
    config = _without_scorer(config, "kge")
    specs = {
        name: replace(spec, config=replace(spec.config, kge=None))
        if isinstance(spec.config, GnnConfig)
        else spec
        for name, spec in config.scorers.items()
    }
    return dataset, replace(config, scorers=specs)


def without_text(dataset: Dataset, config: TrainingConfig) -> tuple[Dataset, TrainingConfig]:
    """Remove the text of all items, for scorers, extrapolation and ranker."""
    return replace(dataset, text=np.zeros((dataset.n_items, 1), np.float32)), config


def without_facts(dataset: Dataset, config: TrainingConfig) -> tuple[Dataset, TrainingConfig]:
    """Remove all facts, so that there is no KGE, and a graph network uses likes and text alone."""
    nothing = dataset.triples.select(np.zeros(len(dataset.triples), np.bool_))
    return replace(dataset, triples=nothing), config


def without_context_features(dataset: Dataset, config: TrainingConfig) -> tuple[Dataset, TrainingConfig]:
    """Remove the context features: the boosted trees use only scores and ranks."""
    boosters = replace(config.ranker.boosters, without_context_features=True)
    return dataset, replace(config, ranker=replace(config.ranker, boosters=boosters))


PARTS: dict[str, Variant] = {
    "gnn": without_gnn,
    "kge": without_kge,
    "text": without_text,
    "facts": without_facts,
    "context_features": without_context_features,
}
"""The parts that can be removed, by name."""


def missing(part: str, config: TrainingConfig) -> str | None:
    """The reason why a part cannot be removed (the model has no such scorer), or None."""
    if part in ("gnn", "kge") and part not in config.scorers:
        return f"without {part}: the model has no scorer {part}"
    return None


def variants(
    parts: Sequence[str], config: TrainingConfig, seed: int = 0, report: Report = silent
) -> Iterator[Method]:
    """The full model, then the model without each of the parts, as methods to measure.

    Raises:
        UsageError: a part is unknown, or the model does not have it.
    """
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise UsageError(f"no part is called {unknown[0]!r}; there are {', '.join(PARTS)}")
    for part in parts:
        if reason := missing(part, config):
            raise UsageError(reason)
    yield _method(OURS, lambda dataset, config: (dataset, config), config, seed, report)
    for part in parts:
        yield _method(f"without {part}", PARTS[part], config, seed, report)


def _method(name: str, variant: Variant, config: TrainingConfig, seed: int, report: Report) -> Method:
    return Method(name, (config,), lambda data, whole: ModelScore(fit(*variant(data, whole), seed, report)))


def _without_scorer(config: TrainingConfig, name: str) -> TrainingConfig:
    if reason := missing(name, config):
        raise UsageError(reason)
    return replace(config, scorers={key: spec for key, spec in config.scorers.items() if key != name})
